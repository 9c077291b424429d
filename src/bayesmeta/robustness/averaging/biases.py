"""The models of publication bias that are averaged, with their probabilities.

Half of the probability has no bias, a quarter PET and PEESE, a quarter six functions of publication
by p-value.

Source: Bartoš et al. 2023, doi 10.1002/jrsm.1594 (models, probabilities, and the cumulative
Dirichlet prior of weights).
"""

from collections.abc import Iterator
from dataclasses import replace

from bayesmeta.infrastructure.choices import WeightsPrior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec, Prior
from bayesmeta.model.spec.families import CUMULATIVE
from bayesmeta.model.spec.reading import with_bias

SELECTIONS: dict[str, tuple[tuple[float, ...], bool]] = {  # cutpoints of p, whether two-sided
    "two-sided p .05": ((0.05,), True),
    "two-sided p .05, .1": ((0.05, 0.1), True),
    "one-sided p .05": ((0.05,), False),
    "one-sided p .025, .05": ((0.025, 0.05), False),
    "one-sided p .05, .5": ((0.05, 0.5), False),
    "one-sided p .025, .05, .5": ((0.025, 0.05, 0.5), False),
}
NO_BIAS = "none"
FALLING = "weights fall from 1 over the steps, all their shares as probable (Bartoš et al. 2023)"


def biases_of(
    spec: ModelSpec, weights_prior: WeightsPrior
) -> Iterator[tuple[str, ModelSpec, float]]:
    """Yield name, model and prior probability of no bias, slopes, and weights.

    Raise BadInput if the model takes no model of bias.
    """
    biased: list[tuple[str, ModelSpec]] = []
    slopes = [(name.upper(), _with(spec, name)) for name in ("pet", "peese")]
    biased += [(name, model) for name, model in slopes if model is not None]
    of_slopes = len(biased)
    if (selected := _with(spec, "selection")) is not None:
        for name, (cutpoints, two_sided) in SELECTIONS.items():
            stepped = replace(selected, cutpoints=cutpoints, two_sided=two_sided)
            biased.append((name, _falling(stepped) if weights_prior == "cumulative" else stepped))
    if not biased:
        raise BadInput(f"model {spec.name} takes no model of bias; leave out bias")
    of_weights = len(biased) - of_slopes
    kinds = (of_slopes > 0) + (of_weights > 0)
    yield NO_BIAS, spec, 0.5
    for at, (name, model) in enumerate(biased):
        alike = of_slopes if at < of_slopes else of_weights
        yield name, model, 0.5 / kinds / alike


def _falling(spec: ModelSpec) -> ModelSpec:
    """Return a model whose weights have a cumulative Dirichlet prior."""
    alpha = (1.0,) * (len(spec.cutpoints) + 1)
    return replace(spec, priors={**spec.priors, "weights": Prior(CUMULATIVE, alpha, FALLING)})


def _with(spec: ModelSpec, bias: str) -> ModelSpec | None:
    """Return a model with a bias and the same likelihood, so that evidences can be compared."""
    biased = with_bias(spec, bias)
    return biased and replace(biased, likelihood=spec.likelihood)
