"""The posterior by deterministic quadrature: exact to a stated error, without MCMC."""

from bayesmeta.quadrature.deletion import leave_one_study_out
from bayesmeta.quadrature.posterior import (
    Posterior,
    average_over_rho,
    combination,
    contrasts_table,
    integrate_posterior,
    tau_cdf,
    tau_quantile,
    taus_table,
    terms_table,
)
from bayesmeta.quadrature.tree import quadrature_posterior

__all__ = [
    "Posterior",
    "average_over_rho",
    "combination",
    "contrasts_table",
    "integrate_posterior",
    "leave_one_study_out",
    "quadrature_posterior",
    "tau_cdf",
    "tau_quantile",
    "taus_table",
    "terms_table",
]
