"""The posterior by deterministic quadrature: exact to a stated error, without MCMC."""

from bayesmeta.inference.quadrature.mixtures import Mixture, add_independent
from bayesmeta.inference.quadrature.posterior import (
    Joint,
    Posterior,
    combination,
    contrasts_table,
    integrate_equal_effects,
    integrate_posterior,
    integrate_taus,
    tau_cdf,
    tau_quantile,
    taus_table,
    terms_table,
)
from bayesmeta.inference.quadrature.strata import leave_one_study_out
from bayesmeta.inference.quadrature.tree import quadrature_posterior
