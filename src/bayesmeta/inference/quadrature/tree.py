"""Independent draws from the quadrature's posterior, as the tree that NUTS would give."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import softmax

from bayesmeta.inference.predictive import compile_programs, complete_tree, step_of
from bayesmeta.inference.quadrature.density import Table, at_taus, table_of
from bayesmeta.inference.quadrature.grid import Grid, outside_of, refine
from bayesmeta.inference.quadrature.nodes import cells
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.build import build_model
from bayesmeta.model.coordinates import guess_start
from bayesmeta.model.design import split_strata
from bayesmeta.model.likelihood import tau_labels
from bayesmeta.model.spec import LEVELS, ModelSpec

CANDIDATES = 2  # candidates per draw: enough for almost no draw to be taken twice


class Draws(NamedTuple):
    """Independent draws: tau (draws, levels), beta (draws, p), log p(y, beta, tau) (draws,)."""

    tau: np.ndarray
    beta: np.ndarray
    log_joint: np.ndarray


def quadrature_posterior(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    draws: int = 1000,
    chains: int = 4,
    seed: int = 1,
    tolerance: float = 1e-6,
    steps: Steps | None = None,
) -> xr.DataTree:
    """Integrate a model and draw from the result.

    Parameters
    ----------
    design, spec : Dataset, ModelSpec
        As for `sampling.sample_posterior`.
    draws, chains, seed : int
        Independent draws, dealt to so many chains of so many draws, fewer of a large table (`predictive.step_of`); seed
        of every random step.
    tolerance : float
        As for `integrate_posterior`.
    steps : Steps, optional
        Shows and times what is being done.

    Returns
    -------
    DataTree
        The groups, names and dims of `sampling.sample_posterior`. sample_stats has lp, log p(y, beta, tau). Attributes
        of posterior: sampler, log_marginal_likelihood, quadrature_error, quadrature_converged, quadrature_order.
    """
    steps = steps or Steps()
    draws = len(range(0, draws, step_of(design, draws * chains)))
    with steps("integrating over the taus"), ThreadPoolExecutor(1) as background:
        programs = background.submit(compile_programs, design, spec, draws * chains)
        parts = split_strata(design, spec) if spec.tau_by else {"": (design, spec)}
        grids = {name: refine(*part, tolerance=tolerance) for name, part in parts.items()}
    with steps(f"drawing {chains} x {draws} independent draws"):
        each = [
            draw(grids[name][0], table_of(*part), part[1], count=draws * chains, seed=seed + at)
            for at, (name, part) in enumerate(parts.items())
        ]
        found = _joined(each, [list(part["term"].values) for part, _ in parts.values()], design)
        model = build_model(design, spec, guess_start(design, spec))
    labels = {"chain": range(chains), "draw": range(draws), "term": design["term"].values}
    labels["level"] = tau_labels(design, spec)
    beta, tau = (values.reshape(chains, draws, -1) for values in (found.beta, found.tau))
    error = max(one for _, one in grids.values())
    posterior = xr.Dataset(
        {"beta": (("chain", "draw", "term"), beta), "tau": (("chain", "draw", "level"), tau)},
        labels,
        attrs={
            "sampler": "quadrature",
            "log_marginal_likelihood": sum(grid.log_evidence for grid, _ in grids.values()),
            "quadrature_error": error,
            "quadrature_converged": int(error <= tolerance),
            "quadrature_order": max(grid.rule.order for grid, _ in grids.values()),
        },
    )
    stats = xr.Dataset(
        {"lp": (("chain", "draw"), found.log_joint.reshape(chains, draws))}, {k: labels[k] for k in ("chain", "draw")}
    )
    with steps("exact random effects"):
        tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
        return complete_tree(tree, model, design, spec, programs.result(), seed=seed)


def _joined(each: list[Draws], terms: list[list[str]], design: xr.Dataset) -> Draws:
    """Independent draws of the strata side by side, terms in the order of the whole design."""
    names = [name for part in terms for name in part]
    beta = np.column_stack([one.beta for one in each])[:, [names.index(term) for term in design["term"].values]]
    return Draws(np.column_stack([one.tau for one in each]), beta, np.sum([one.log_joint for one in each], axis=0))


def draw(grid: Grid, table: Table, spec: ModelSpec, *, count: int, seed: int) -> Draws:
    """Independent draws of (taus, beta).

    Candidates come from the nodes by weight, spread evenly over each node's cell; they are resampled by the ratio of
    the exact density to that of the candidates, so that draws do not sit on the nodes. Resampling is systematic.
    """
    rng = np.random.default_rng(seed)
    lower, width = (part[grid.kept] for part in cells(grid.rule))
    node = systematic(grid.weight, CANDIDATES * count, rng)
    x = lower[node] + width[node] * rng.random((len(node), lower.shape[1]))
    tau, outside = outside_of(x[:, ::-1], spec, grid.scale)
    every = np.zeros((len(node), len(LEVELS)))
    every[:, [LEVELS.index(level) for level in spec.levels]] = tau
    given = [np.asarray(values) for values in at_taus(table, every, same_effect="effect" not in spec.levels)]
    log_density = given[0] + outside
    ratio = log_density - np.log(grid.weight[node]) + np.log(width[node]).sum(1)
    chosen = rng.permutation(systematic(softmax(ratio), count, rng))
    mean, covariance = given[1][chosen], given[2][chosen]
    noise = rng.standard_normal(mean.shape)
    factor = np.linalg.cholesky(covariance)
    log_normal = -0.5 * (noise**2 + np.log(2 * np.pi)).sum(1) - np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(1)
    jacobian = np.log(grid.scale * np.cosh(x[chosen])).sum(1)
    return Draws(
        tau[chosen], mean + np.einsum("nij,nj->ni", factor, noise), log_density[chosen] - jacobian + log_normal
    )


def systematic(weight: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Positions drawn with probability weight: each turns up count x weight times, rounded up or down.

    Source: systematic resampling, Kitagawa 1996, doi 10.1080/10618600.1996.10474692.
    """
    comb = (np.arange(count) + rng.random()) / count
    return np.searchsorted(np.cumsum(weight) / weight.sum(), comb).clip(max=len(weight) - 1)
