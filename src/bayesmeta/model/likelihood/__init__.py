"""The likelihoods: an exact kernel for nested random effects, an object for every likelihood."""

from bayesmeta.model.likelihood.arguments import (
    TauArguments,
    Taus,
    columns_of,
    nesting_of,
    tau_labels,
    weight_labels,
)
from bayesmeta.model.likelihood.choice import (
    check_engine,
    check_independent,
    likelihood_class,
    likelihood_of,
    refusal,
)
from bayesmeta.model.likelihood.draws import Parameters, RandomEffects
from bayesmeta.model.likelihood.effect_level import error_sums
from bayesmeta.model.likelihood.exact_smd import ExactSmd
from bayesmeta.model.likelihood.kernel import log_likelihood, marginal
from bayesmeta.model.likelihood.nesting import Members, Nesting
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.likelihood.selection import Selected
