r"""Targets of the forest: posterior means or draws of the true effects, or the effect sizes.

The model has a mean and no moderators, since under a model with cells the shrinkage would put the
cells into the target:

    y_i = mu + u[study] + w[group] + d[effect] + e_i,    theta_i = mu + u + w + d
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.quadrature.density import table_of
from bayesmeta.inference.quadrature.grid import Grid, refine
from bayesmeta.inference.quadrature.tree import draw
from bayesmeta.inference.reml import fit_reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import Nesting, draw_random_effects, group_sums, nesting_of
from bayesmeta.model.likelihood.conditionals import place_random_effects
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
    """The values to predict.

    Attributes
    ----------
    name : means, draws or raw; a column of every table that depends on it
    values : (n, k), n targets with a value per effect; n is 1 except for draws
    """

    name: str
    values: np.ndarray

    @property
    def title(self) -> str:
        """Return the choice in words."""
        return TITLES[self.name]


def target_of(
    frame: pd.DataFrame, name: str = "means", *, draws: int = 50, seed: int = 1
) -> Target:
    """Return the target of a screening.

    Parameters
    ----------
    frame : DataFrame
        Effect table.
    name : {"means", "draws", "raw"}
    draws, seed : int
        Number of independent draws, and their seed.

    Raises
    ------
    BadInput
        The name is unknown; draws is below 1.
    """
    if name not in TITLES:
        raise BadInput(f"unknown target '{name}'; the targets are: {', '.join(TITLES)}")
    if name == "raw":
        return Target(name, frame["yi"].to_numpy(float)[None, :])
    if name == "draws" and draws < 1:
        raise BadInput(f"draws is {draws}; it should be 1 or more")
    spec = model_without_moderators()
    design = build_design(frame, spec)
    grid, _ = refine(design, spec, tolerance=TOLERANCE)
    if name == "means":
        return Target(name, posterior_means(design, grid)[None, :])
    return Target(name, _draws(design, spec, grid, draws, seed))


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


def posterior_means(design: xr.Dataset, grid: Grid) -> np.ndarray:
    """Return E(theta_i | y) (k,), the random effects integrated exactly at the nodes of a grid.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`; sampling errors are assumed independent.
    grid : Grid
        From `quadrature.grid.refine` with the levels study, group, effect (its taus are in this
        order).
    """
    nesting, design_x, y, v = _arrays(design)

    @jax.jit
    def add_up(tau: jax.Array, beta: jax.Array, weight: jax.Array) -> jax.Array:
        def step(total: jax.Array, node: tuple[jax.Array, ...]) -> tuple[jax.Array, None]:
            tau_node, beta_node, share = node
            return total + share * _expected(tau_node, design_x @ beta_node, y, v, nesting), None

        return jax.lax.scan(step, jnp.zeros_like(y), (tau, beta, weight))[0]

    seen = grid.weight > NEGLIGIBLE
    weight = grid.weight[seen] / grid.weight[seen].sum()
    return np.asarray(
        add_up(jnp.asarray(grid.tau[seen]), jnp.asarray(grid.beta[seen]), jnp.asarray(weight))
    )


def _expected(
    tau: jax.Array, mean: jax.Array, y: jax.Array, v: jax.Array, nesting: Nesting
) -> jax.Array:
    """Return E(theta | y, taus, beta): conditional means of u, then of w, then of d."""
    study, group, effect = tau
    sums = group_sums((y - mean)[:, None], v, nesting, effect)
    u, w = place_random_effects(sums, 0.0, 0.0, nesting, tau_study=study, tau_group=group)
    above = mean + u[nesting.study_of_effect] + w[nesting.group_of_effect]
    return above + effect**2 / (effect**2 + v) * (y - above)


def _draws(design: xr.Dataset, spec: ModelSpec, grid: Grid, count: int, seed: int) -> np.ndarray:
    """Draw theta independently (count, k)."""
    nesting, design_x, y, v = _arrays(design)
    drawn = draw(grid, table_of(design, spec), spec, count=count, seed=seed)

    def theta(key: jax.Array, tau: jax.Array, beta: jax.Array) -> jax.Array:
        mean = design_x @ beta
        u, w, d = draw_random_effects(
            key, y - mean, v, nesting, tau_study=tau[0], tau_group=tau[1], tau_effect=tau[2]
        )
        return mean + u[nesting.study_of_effect] + w[nesting.group_of_effect] + d

    keys = jax.random.split(jax.random.key(seed), count)
    return np.asarray(
        jax.jit(jax.vmap(theta))(keys, jnp.asarray(drawn.tau), jnp.asarray(drawn.beta))
    )


def _arrays(design: xr.Dataset) -> tuple[Nesting, jax.Array, jax.Array, jax.Array]:
    design_x, y, v = (jnp.asarray(design[name].values) for name in ("X", "yi", "vi"))
    return nesting_of(design), design_x, y, v
