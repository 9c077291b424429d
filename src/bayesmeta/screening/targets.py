r"""What the forest predicts: posterior means or draws of the true effects, or the effect sizes as they are.

The model has a mean and no moderators, for under a model with cells the shrinkage would put the cells into the target:

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
from bayesmeta.infrastructure import choices
from bayesmeta.infrastructure.choices import check_choice
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
TOLERANCE = 1e-4
NEGLIGIBLE = 1e-9  # the weight below which a node is not visited


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Attributes
    ----------
    name : means, draws or raw; written beside every number that comes of it
    values : (n, k), n targets of one value per effect; n is 1 but for draws
    """

    name: str
    values: np.ndarray

    @property
    def title(self) -> str:
        """The choice in words."""
        return TITLES[self.name]


def target_of(frame: pd.DataFrame, name: str = "means", *, draws: int = 50, seed: int = 1) -> Target:
    """The target of a screening.

    Parameters
    ----------
    frame : DataFrame
        Effect table.
    name : {"means", "draws", "raw"}
    draws, seed : int
        How many independent draws, and their seed.

    Raises
    ------
    BadInput
        Another name; no draws.
    """
    check_choice("target", name, choices.Target)
    if name == "raw":
        return Target(name, frame["yi"].to_numpy(float)[None, :])
    if name == "draws" and draws < 1:
        raise BadInput(f"draws is {draws}; it should be 1 or more")
    spec = model_without_moderators()
    design = build_design(frame, spec)
    grid, _ = refine(design, spec, tolerance=TOLERANCE)
    values = posterior_means(design, grid)[None, :] if name == "means" else _draws(design, spec, grid, draws, seed)
    return Target(name, values)


def model_without_moderators() -> ModelSpec:
    """`models/intercept.toml` with an effect level.

    Without that level all effects of a group share one true effect, and a moderator that differs within a group, such
    as the phase, could not tell them apart.
    """
    return replace(read_spec("intercept"), levels=LEVELS)


def total_tau2(frame: pd.DataFrame) -> float:
    """Heterogeneity of a table without moderators or nesting, by REML; metaforest's `rma(yi, vi)`."""
    spec = replace(model_without_moderators(), levels=("effect",))
    return float(fit_reml(build_design(frame, spec), spec).tau["effect"] ** 2)


def posterior_means(design: xr.Dataset, grid: Grid) -> np.ndarray:
    """E(theta_i | y), (k,), with the random effects integrated exactly at each node of a grid over the taus.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`; sampling errors are taken as independent.
    grid : Grid
        From `quadrature.grid.refine` with the levels study, group, effect (its taus are in this order).
    """
    nesting, design_x, y, v = _arrays(design)

    @jax.jit
    def add_up(tau: jax.Array, beta: jax.Array, weight: jax.Array) -> jax.Array:
        def step(total: jax.Array, node: tuple[jax.Array, ...]) -> tuple[jax.Array, None]:
            own_tau, own_beta, share = node
            return total + share * _expected(own_tau, design_x @ own_beta, y, v, nesting), None

        return jax.lax.scan(step, jnp.zeros_like(y), (tau, beta, weight))[0]

    seen = grid.weight > NEGLIGIBLE
    weight = grid.weight[seen] / grid.weight[seen].sum()
    return np.asarray(add_up(jnp.asarray(grid.tau[seen]), jnp.asarray(grid.beta[seen]), jnp.asarray(weight)))


def _expected(tau: jax.Array, mean: jax.Array, y: jax.Array, v: jax.Array, nesting: Nesting) -> jax.Array:
    """E(theta | y, taus, beta): each random effect at its conditional mean, from study down to effect."""
    study, group, effect = tau
    sums = group_sums((y - mean)[:, None], v, nesting, effect)
    u, w = place_random_effects(sums, 0.0, 0.0, nesting, tau_study=study, tau_group=group)
    above = mean + u[nesting.study_of_effect] + w[nesting.group_of_effect]
    return above + effect**2 / (effect**2 + v) * (y - above)


def _draws(design: xr.Dataset, spec: ModelSpec, grid: Grid, count: int, seed: int) -> np.ndarray:
    """Independent draws of theta (count, k)."""
    nesting, design_x, y, v = _arrays(design)
    drawn = draw(grid, table_of(design, spec), spec, count=count, seed=seed)

    def theta(key: jax.Array, tau: jax.Array, beta: jax.Array) -> jax.Array:
        mean = design_x @ beta
        u, w, d = draw_random_effects(key, y - mean, v, nesting, tau_study=tau[0], tau_group=tau[1], tau_effect=tau[2])
        return mean + u[nesting.study_of_effect] + w[nesting.group_of_effect] + d

    keys = jax.random.split(jax.random.key(seed), count)
    return np.asarray(jax.jit(jax.vmap(theta))(keys, jnp.asarray(drawn.tau), jnp.asarray(drawn.beta)))


def _arrays(design: xr.Dataset) -> tuple[Nesting, jax.Array, jax.Array, jax.Array]:
    design_x, y, v = (jnp.asarray(design[name].values) for name in ("X", "yi", "vi"))
    return nesting_of(design), design_x, y, v
