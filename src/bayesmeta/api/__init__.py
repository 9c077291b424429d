"""The Python interface: functions of the commands, on tables and trees instead of files.

::

    tree = fit(example(), moderators="valence:phase")
    terms(tree), heterogeneity(tree), contrasts(tree, "fear:memory - neutral:memory")

`bayesmeta.fit` and the others are these functions.
"""

from bayesmeta.api.averages import average, priors
from bayesmeta.api.effect_sizes import effects, measures
from bayesmeta.api.frequentist import compare, reml
from bayesmeta.api.overview import compare_models, loo, summary
from bayesmeta.api.plots import plot
from bayesmeta.api.posterior import fit
from bayesmeta.api.predictions import marginal_contrasts, marginal_means, predict
from bayesmeta.api.results import (
    contrasts,
    diagnostics,
    heterogeneity,
    parameters,
    prediction,
    terms,
)
from bayesmeta.api.simulated import example
from bayesmeta.api.summaries import RemlSummary
from bayesmeta.api.tables import read
from bayesmeta.model.spec import ModelSpec, Prior, read_spec, spec_of

__all__ = [
    "ModelSpec",
    "Prior",
    "RemlSummary",
    "average",
    "compare",
    "compare_models",
    "contrasts",
    "diagnostics",
    "effects",
    "example",
    "fit",
    "heterogeneity",
    "loo",
    "marginal_contrasts",
    "marginal_means",
    "measures",
    "parameters",
    "plot",
    "predict",
    "prediction",
    "priors",
    "read",
    "read_spec",
    "reml",
    "spec_of",
    "summary",
    "terms",
]
