"""The priors as densities: of the terms, of the taus, of all parameters."""

from bayesmeta.model.priors.densities import draw_prior, log_prior, other_priors
from bayesmeta.model.priors.limits import Limits, Squeeze
from bayesmeta.model.priors.taus import log_density, log_density_of_taus, prior_moments_of_tau
from bayesmeta.model.priors.terms import SCALE_OF, TermPrior, pooling_sd_name, term_prior
