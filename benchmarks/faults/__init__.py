"""Faults on purpose, and what bayesmeta does then."""
