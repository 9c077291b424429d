"""The sampled posterior of the real data against an independent engine.

Dense algebra on a grid of taus.
"""

import numpy as np
import pytest

from bayesmeta.data import datasets
from bayesmeta.estimates import convergence
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec
from exact import exact_posterior

pytestmark = pytest.mark.usefixtures("trace_data")


def check_fit(dataset: str, model: str, *, seeds: list[int], nodes: int, least_ess: float) -> None:
    """Means within 0.1 sd of the exact ones, sds within 10 %, and diagnostics as promised.

    For every seed.
    """
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


@pytest.mark.slow
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
