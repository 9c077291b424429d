"""The sampled posterior of the real data against an independent engine: dense algebra on a grid of taus."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
import xarray as xr

from bayesmeta.data import datasets
from bayesmeta.estimates import convergence
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec

pytestmark = pytest.mark.usefixtures("trace_data")
MOST = {"study": 2.2, "group": 1.3, "effect": 1.2}  # all but a vanishing share of each posterior lies below
LEAST = {"effect": 0.55}


class Exact(NamedTuple):
    """Posterior means and sds of (beta, taus)."""

    mean: np.ndarray
    sd: np.ndarray


def exact_posterior(design: xr.Dataset, levels: tuple[str, ...], nodes: int) -> Exact:
    """Gauss-Legendre over the taus, beta integrated out, each study's covariance matrix written out and inverted.

    Priors: beta ~ N(0, 1.5^2), every tau ~ HalfNormal(1).
    """
    unit, weight = np.polynomial.legendre.leggauss(nodes)
    ranges = [(LEAST.get(level, 0.0), MOST[level]) for level in levels]
    axes = [low + (high - low) * (unit + 1) / 2 for low, high in ranges]
    taus = np.array(list(itertools.product(*axes)))
    weights = np.array([np.prod(ws) for ws in itertools.product(weight, repeat=len(levels))])
    x, y, v = (design[name].values for name in ("X", "yi", "vi"))
    group = design["effect_group"].values
    study = design["group_study"].values[group]
    terms = x.shape[1]
    precision = np.tile(np.eye(terms) / 1.5**2, (len(taus), 1, 1))
    shift, log_density = np.zeros((len(taus), terms)), -0.5 * (taus**2).sum(1)
    for s in range(design.sizes["study"]):
        rows = study == s
        n, same_group = rows.sum(), np.equal.outer(group[rows], group[rows])
        parts = {"study": np.ones((n, n)), "group": same_group, "effect": np.eye(n)}
        covariance = np.diag(v[rows]) + sum(
            taus[:, i, None, None] ** 2 * parts[level] for i, level in enumerate(levels)
        )
        solved = np.linalg.solve(covariance, np.column_stack([x[rows], y[rows]]))
        precision += x[rows].T @ solved[:, :, :terms]
        shift += solved[:, :, terms] @ x[rows]
        log_density -= 0.5 * (np.linalg.slogdet(covariance)[1] + solved[:, :, terms] @ y[rows])
    covariance = np.linalg.inv(precision)
    beta = np.einsum("tij,tj->ti", covariance, shift)
    log_density += 0.5 * (np.linalg.slogdet(covariance)[1] + (shift * beta).sum(1))
    mass = weights * np.exp(log_density - log_density.max())
    mass /= mass.sum()
    first = np.column_stack([beta, taus])
    second = np.column_stack([beta**2 + np.diagonal(covariance, axis1=1, axis2=2), taus**2])
    mean = mass @ first
    return Exact(mean, np.sqrt(mass @ second - mean**2))


def check_fit(dataset: str, model: str, *, seeds: list[int], nodes: int, least_ess: float) -> None:
    """Means within 0.1 sd of the exact ones, sds within 10 %, and diagnostics as promised, for every seed."""
    spec = read_spec(model)
    design = build_design(datasets.read(dataset), spec)
    exact = exact_posterior(design, spec.levels, nodes)
    for seed in seeds:
        tree = sample_posterior(design, spec, seed=seed)
        posterior = tree["posterior"].dataset
        draws = [posterior["beta"].values.reshape(-1, design.sizes["term"])]
        draws += [posterior[f"tau_{level}"].values.reshape(-1, 1) for level in spec.levels]
        sampled = np.hstack(draws)
        assert np.abs((sampled.mean(0) - exact.mean) / exact.sd).max() < 0.1
        np.testing.assert_allclose(sampled.std(0), exact.sd, rtol=0.1)
        found = convergence.diagnose(tree)
        assert found["passed"], found["failures"]
        assert found["min_ess_bulk"] > least_ess
        if dataset != "preclinical":
            assert "nearly aliased" in found["warnings"][0]


@pytest.mark.parametrize("dataset", ["preclinical", "clinical"])
def test_three_level(dataset: str) -> None:
    check_fit(dataset, "three-level", seeds=[1], nodes=40, least_ess=3000)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["preclinical", "clinical", "clinical-all"])
def test_three_level_over_five_seeds(dataset: str) -> None:
    check_fit(dataset, "three-level", seeds=[1, 2, 3, 4, 5], nodes=60, least_ess=3000)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["preclinical", "clinical", "clinical-all"])
def test_four_level_over_five_seeds(dataset: str) -> None:
    check_fit(dataset, "four-level", seeds=[1, 2, 3, 4, 5], nodes=24, least_ess=2000)
