"""Bayesian hierarchical meta-analysis, from raw tables of studies to named contrasts with their checks."""

__version__ = "0.1.0"
