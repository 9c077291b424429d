r"""Targets of the forest: posterior means or draws of the true effects, or the effect sizes.

The model has a mean and no moderators, since under a model with cells the shrinkage would put the
cells into the target:

    y_i = mu + u[study] + w[group] + d[effect] + e_i,    theta_i = mu + u + w + d
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.quadrature.draws import draw
from bayesmeta.inference.quadrature.grid import Grid
from bayesmeta.inference.quadrature.integral import Integral, integrate
from bayesmeta.inference.reml import fit_reml
from bayesmeta.infrastructure import choices
from bayesmeta.infrastructure.choices import check_choice
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import Parameters, likelihood_of
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.spec.reading import read_spec

TITLES = {
    "means": "posterior means of the true effects",
    "draws": "posterior draws of the true effects",
    "raw": "effect sizes yi",
}
LEVELS = ("study", "group", "effect")
TOLERANCE = 1e-4  # of the quadrature: far below the noise of a forest
NEGLIGIBLE = 1e-9  # weight below which a node is left out


@dataclass(frozen=True)
class Target:
    """The values to predict."""

    name: str  # means, draws or raw; a column of every table that depends on it
    values: np.ndarray  # (n, k), n targets with a value per effect; n is 1 except for draws

    @property
    def title(self) -> str:
        """Return the choice in words."""
        return TITLES[self.name]


def target_of(
    frame: pd.DataFrame, name: str = "means", *, draws: int = 50, seed: int = 1
) -> Target:
    """Return the target of a screening.

    `frame`: effect table. `name`: {"means", "draws", "raw"}. `draws`, `seed`: number of independent
    draws, and their seed. Raises BadInput: the name is unknown; draws is below 1.
    """
    check_choice("target", name, choices.Target)
    if name == "raw":
        return Target(name, frame["yi"].to_numpy(float)[None, :])
    if name == "draws" and draws < 1:
        raise BadInput(f"draws is {draws}; it should be 1 or more")
    spec = model_without_moderators()
    design = build_design(frame, spec)
    integral = integrate(design, spec, tolerance=TOLERANCE)
    if name == "means":
        return Target(name, posterior_means(design, spec, integral.grids[0])[None, :])
    return Target(name, posterior_draws(design, spec, integral, draws, seed))


def model_without_moderators() -> ModelSpec:
    """Return `models/intercept.toml` with an effect level.

    Without that level all effects of a group share the same true effect, and a moderator that
    differs within a group, such as the phase, could not distinguish them.
    """
    return replace(read_spec("intercept"), levels=LEVELS)


def total_tau2(frame: pd.DataFrame) -> float:
    """Return tau2 of a table without moderators or nesting, by REML; metaforest's `rma(yi, vi)`."""
    spec = replace(model_without_moderators(), levels=("effect",))
    return float(fit_reml(build_design(frame, spec), spec).tau["effect"] ** 2)


def posterior_means(design: xr.Dataset, spec: ModelSpec, grid: Grid) -> np.ndarray:
    """Return E(theta_i | y) (k,), the random effects integrated exactly at every node of a grid.

    The grid over the taus is from `integral.integrate`; the model is that without moderators, and
    sampling errors are taken as independent.
    """
    likelihood = likelihood_of(design, spec)
    kept = grid.weight > NEGLIGIBLE
    nodes = Parameters(grid.beta[kept].T, grid.tau[kept].T)
    share = grid.weight[kept] / grid.weight[kept].sum()
    size = likelihood.draws_at_once
    chunks = [slice(start, start + size) for start in range(0, len(nodes), size)]
    means = [likelihood.expected_effects(nodes.part(chunk)) @ share[chunk] for chunk in chunks]
    return np.sum(means, axis=0)


def posterior_draws(
    design: xr.Dataset, spec: ModelSpec, integral: Integral, count: int, seed: int
) -> np.ndarray:
    """Return independent draws of theta (count, k)."""
    likelihood = likelihood_of(design, spec)
    drawn = draw(integral, spec, count=count, seed=seed)
    parameters = Parameters(drawn.beta.T, drawn.tau.T)
    random = likelihood.draw_random_effects(np.random.default_rng(seed), parameters)
    theta = likelihood.x @ parameters.beta + likelihood.above_effects(random.u, random.w) + random.d
    return theta.T
