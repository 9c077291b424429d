"""The verdict fails for every reason that it names, and only then."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from bayesmeta.estimates import convergence


def changed(
    tree: xr.DataTree, group: str, change: Callable[[xr.Dataset], xr.Dataset]
) -> xr.DataTree:
    """Copy of a tree with a changed group."""
    return xr.DataTree.from_dict(
        {
            name: change(node.to_dataset()) if name == group else node.to_dataset()
            for name, node in tree.children.items()
        }
    )


def test_good_draws_pass(handmade: xr.DataTree) -> None:
    verdict = convergence.diagnose(handmade)
    assert (verdict["passed"], verdict["failures"], verdict["divergences"]) == (True, [], 0)
    assert verdict["bfmi"] > 0.3
    assert 400 < verdict["min_ess_bulk"] < 1500


def test_the_prior_of_a_tau_of_few_studies_is_said(handmade: xr.DataTree) -> None:
    few = convergence.FEW_UNITS
    small = changed(handmade, "constant_data", lambda data: data.isel(study=[0] * few))
    warnings = " ".join(convergence.few_units(small))
    assert (
        f"tau of study is estimated from {few} studies, so that its prior, HalfNormal(1)"
        in warnings
    )
    mean = float(handmade["posterior"]["tau_study"].mean())
    assert f"posterior mean {mean:.2f}, prior mean 0.80" in warnings
    large = changed(handmade, "constant_data", lambda data: data.isel(study=[0] * (few + 1)))
    assert "of study" not in " ".join(convergence.few_units(large))


def test_a_coarse_grid_is_said(handmade: xr.DataTree) -> None:
    assert convergence.coarse_grid(handmade) == []
    tree = handmade.copy()
    tree["posterior"].attrs |= {"quadrature_converged": 0, "quadrature_error": 0.0021}
    assert "2.1e-03" in convergence.coarse_grid(tree)[0]


def test_divergences_fail(handmade: xr.DataTree) -> None:
    tree = changed(
        handmade, "sample_stats", lambda stats: stats.assign(diverging=stats["energy"] > 3)
    )
    verdict = convergence.diagnose(tree)
    assert not verdict["passed"]
    assert verdict["failures"][0].startswith(f"{verdict['divergences']} divergences")


def test_chains_that_disagree_fail(handmade: xr.DataTree) -> None:
    tree = changed(
        handmade,
        "posterior",
        lambda draws: draws.assign(tau_study=draws["tau_study"] + draws["chain"]),
    )
    failures = " ".join(convergence.diagnose(tree)["failures"])
    assert "R-hat" in failures
    assert "bulk ESS" in failures


def test_low_energy_fails(handmade: xr.DataTree) -> None:
    walk = lambda stats: stats.assign(energy=stats["energy"].cumsum("draw"))  # noqa: E731
    assert "E-BFMI" in " ".join(
        convergence.diagnose(changed(handmade, "sample_stats", walk))["failures"]
    )


def test_aliased_levels_are_reported(handmade: xr.DataTree) -> None:
    assert convergence.aliased_levels(handmade) == []
    single = changed(
        handmade, "constant_data", lambda design: design.assign(group_study=("group", [0, 1, 2, 3]))
    )
    [warning] = convergence.aliased_levels(single)
    assert "4 of 4 studies have a single group" in warning

    def against(draws: xr.Dataset) -> xr.Dataset:
        return draws.assign(tau_group=(1 - draws["tau_study"] ** 2) ** 0.5)

    [warning] = convergence.aliased_levels(changed(handmade, "posterior", against))
    assert "correlation of the variances -1.00" in warning


def test_trace_and_ranks(handmade: xr.DataTree) -> None:
    trace = convergence.trace_table(handmade, keep=100)
    assert trace.groupby(["parameter", "chain"]).size().unique().tolist() == [100]
    value = handmade["posterior"].dataset["tau_group"].sel(chain=1, draw=5).item()
    at = (trace["parameter"] == "tau_group") & (trace["chain"] == 1) & (trace["draw"] == 5)
    assert trace.loc[at, "value"].item() == value
    ranks = convergence.rank_table(handmade, bins=10)
    assert (ranks.groupby(["parameter", "chain"])["count"].sum() == 500).all()
    assert (ranks.groupby(["parameter", "bin"])["count"].sum() == 100).all()
    assert ranks["expected"].unique() == pytest.approx([50])
    assert list(ranks["parameter"].unique()) == [
        "neutral:memory",
        "fear:memory",
        "tau_study",
        "tau_group",
    ]
    first = ranks[(ranks["parameter"] == "tau_group") & (ranks["chain"] == 0)]
    assert np.array_equal(first["bin"], np.arange(10))
