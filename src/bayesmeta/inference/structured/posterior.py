"""Independent draws of a model with any dependence structure, by importance.

The parameters are few: beta and the effects of crossed factors are integrated out exactly, and
drawn from their normal distribution given each draw of the parameters (`model.structure`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from bayesmeta.inference.approximation import (
    Density,
    adapt,
    curvature,
    dealt,
    draw_by_weight,
    moments,
)
from bayesmeta.inference.conventions import MAX_K_HAT
from bayesmeta.inference.structured.moves import FORGOTTEN, move
from bayesmeta.inference.structured.tree import structured_tree
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.spec import HEAVY, ModelSpec
from bayesmeta.model.structure import Structured
from bayesmeta.model.structure.parameters import Values, values_at

MOST_VALUES = 50_000_000  # draws times effects: 400 MB, of which a tree has four


class At(NamedTuple):
    """A posterior at draws."""

    log_density: np.ndarray  # without its constant (draws,)


class StructuredPosterior(Density[At]):
    """The posterior of the parameters of a dependence structure, by coordinates z."""

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        self.likelihood = Structured(design, spec)
        self.parameters = self.likelihood.parameters
        self.start = np.array([item.coordinate(item.start) for item in self.parameters])

    def at(self, z: np.ndarray) -> At:
        """Evaluate at coordinates (draws, size)."""
        log_likelihood = self.likelihood.log_likelihood(values_at(self.parameters, z))
        prior = -0.5 * (z**2 + np.log(2 * np.pi)).sum(1)
        return At(np.nan_to_num(log_likelihood + prior, nan=-np.inf))


def structured_posterior(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    draws: int = 1000,
    chains: int = 4,
    seed: int = 1,
    without: Sequence[str] = (),
    parameters_only: bool = False,
    steps: Steps | None = None,
) -> xr.DataTree:
    """Draw independently, with arguments as for `nuts.sample_posterior`.

    Attributes of posterior: sampler, log_marginal_likelihood, k_hat, importance_ess; where k-hat
    is above .7, the draws are moved (`moves`), and there are moves and start_correlation instead,
    and no evidence. Raise BadInput if studies are to be left out: refit the table without them.
    """
    if without:
        raise BadInput(f"model {spec.name} cannot leave out studies; refit a table without them")
    heavy = [key for key, prior in spec.parts.items() if prior.family in HEAVY]
    if spec.pooling_sds or spec.auxiliary_parameters or heavy:
        fixed = "normal priors of the terms with fixed sds, and no estimated rho"
        raise BadInput(f"independent draws of model {spec.name} need {fixed}")
    effects = design.sizes["effect"]
    if not parameters_only and draws * chains * effects > MOST_VALUES:
        most = max(10, MOST_VALUES // (chains * effects))
        raise BadInput(
            f"{chains} x {draws} draws of {effects} effects are too many to be kept for model "
            f"{spec.name}; use --draws {most}, or fewer"
        )
    steps = steps or Steps()
    rng = np.random.default_rng(seed)
    with steps("approximating the posterior"):
        density = StructuredPosterior(design, spec)
        mean, covariance = adapt(density, *curvature(density), rng)
    with steps(f"drawing {chains} x {draws} independent draws"):
        z, log_ratio, evaluated, kept = draw_by_weight(
            density, mean, covariance, draws * chains, rng
        )
    drawn = z[kept.chosen]
    log_density = evaluated.log_density[kept.chosen]
    attributes: dict[str, Any] = {"sampler": "importance", "log_marginal_likelihood": kept.log_mean}
    of_weights = {"k_hat": kept.k_hat, "importance_ess": kept.ess}
    if kept.k_hat > MAX_K_HAT:
        with steps("moving the draws by Markov chain steps"):
            moved = move(density, drawn, *moments(z, log_ratio), rng)
        drawn = moved.z
        log_density = moved.log_density
        forgotten = moved.correlation < FORGOTTEN
        of_weights = {"moves": moved.moves, "start_correlation": moved.correlation}
        of_weights |= {} if forgotten else {"k_hat": kept.k_hat}
        attributes["log_marginal_likelihood"] = np.nan
    attributes |= of_weights
    values = values_at(density.parameters, drawn)
    coefficients, log_normal = draw_coefficients(density.likelihood, values, rng)
    log_joint = log_density + log_normal
    labels = {"chain": range(chains), "draw": range(draws)}
    stats = xr.Dataset({"lp": (("chain", "draw"), dealt(log_joint, chains))}, labels)
    with steps("exact random effects"):
        return structured_tree(
            design,
            density.likelihood,
            values,
            coefficients,
            stats=stats,
            attributes=attributes,
            seed=seed,
            parameters_only=parameters_only,
        )


def draw_coefficients(
    likelihood: Structured, values: Values, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw (a, beta) given the parameters (draws, q + p), and return their log densities."""
    drawn = []
    densities = []
    for some in likelihood.chunks(values):
        given = likelihood.condition(some)
        noise = rng.standard_normal(given.half.shape)
        drawn.append(given.coefficients(noise))
        log_normal = -0.5 * (noise**2 + np.log(2 * np.pi)).sum(1)
        densities.append(log_normal + 0.5 * given.log_pivots.sum(1))
    return np.concatenate(drawn), np.concatenate(densities)
