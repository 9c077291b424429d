"""The package from Python: what the commands do, on tables and trees in place of files.

::

    tree = fit(example(), moderators="valence:phase")
    terms(tree), heterogeneity(tree), contrasts(tree, "fear:memory - neutral:memory")

`bayesmeta.fit` and the others are these functions.
"""

from bayesmeta.interface.answers import contrasts, diagnostics, heterogeneity, parameters, prediction, terms
from bayesmeta.interface.pictures import plot
from bayesmeta.interface.posterior import fit
from bayesmeta.interface.predictions import marginal_contrasts, marginal_means, predict
from bayesmeta.interface.schools import compare, reml
from bayesmeta.interface.simulated import example
from bayesmeta.interface.summaries import RemlSummary
from bayesmeta.interface.tables import effects, read
from bayesmeta.spec import ModelSpec, Prior, read_spec, spec_of

__all__ = [
    "ModelSpec",
    "Prior",
    "RemlSummary",
    "compare",
    "contrasts",
    "diagnostics",
    "effects",
    "example",
    "fit",
    "heterogeneity",
    "marginal_contrasts",
    "marginal_means",
    "parameters",
    "plot",
    "predict",
    "prediction",
    "read",
    "read_spec",
    "reml",
    "spec_of",
    "terms",
]
