"""A model with selection or small-study effects added; the priors of these are those of the project's model files."""

from dataclasses import replace

from bayesmeta.model.spec.model import ModelSpec
from bayesmeta.model.spec.reading import read_spec


def with_bias(spec: ModelSpec, bias: str) -> ModelSpec | None:
    """Copy with `pet`, `peese` or `selection`; None where the model has a bias already, or cannot have this one.

    A selection wants normal study effects, independent errors, and nothing else estimated besides terms and taus.
    """
    unfit = bias == "selection" and (spec.auxiliary_parameters or spec.rho or spec.shared_controls)
    if spec.bias or unfit:
        return None
    key = "weights" if bias == "selection" else "slope"
    return replace(spec, bias=bias, priors={**spec.priors, key: read_spec(bias).priors[key]})
