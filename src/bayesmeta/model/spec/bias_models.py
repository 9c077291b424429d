"""A model with selection or small-study effects added, under the priors of the model files."""

from dataclasses import replace

from bayesmeta.model.spec.model import ModelSpec
from bayesmeta.model.spec.reading import read_spec


def with_bias(spec: ModelSpec, bias: str) -> ModelSpec | None:
    """Return a copy with `pet`, `peese` or `selection`; None where the model cannot have it.

    A selection needs normal study effects, independent errors, and no estimated parameters besides
    terms and taus; no model has two biases.
    """
    excluded = spec.auxiliary_parameters or spec.rho or spec.shared_controls
    if spec.bias or (bias == "selection" and excluded):
        return None
    key = "weights" if bias == "selection" else "slope"
    return replace(spec, bias=bias, priors={**spec.priors, key: read_spec(bias).priors[key]})
