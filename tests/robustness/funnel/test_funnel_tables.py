"""Tables and verdicts of the funnel check follow from its replicates."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from test_funnel import at, tree_of

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.robustness.funnel import TITLES, funnel_checks, funnel_data, replicate
from bayesmeta.robustness.funnel.tables import summarise
from bayesmeta.robustness.funnel.verdicts import HIGH, LOW, UNLINKED, overall, verdicts


def without(tree: xr.DataTree, *names: str) -> xr.DataTree:
    return xr.DataTree.from_dict(
        {
            "posterior": tree["posterior"].to_dataset(),
            "constant_data": tree["constant_data"].to_dataset().drop_vars(names),
        }
    )


def test_summary_by_hand() -> None:
    observed, replicates = np.full(100, 0.9), np.linspace(0, 0.99, 100)
    row = summarise(observed, replicates, np.zeros(100))
    assert (row["p"], row["p_two_sided"], row["naive_p"]) == pytest.approx((0.1, 0.2, 0.0))
    assert (row["observed"], row["replicate_mean"]) == pytest.approx((0.9, 0.495))
    assert summarise(-observed, replicates, replicates)["p_two_sided"] == 0
    assert summarise(replicates, replicates, replicates)["p_two_sided"] == 1
    assert summarise(np.where(np.arange(100) < 60, np.nan, 1.0), replicates, replicates) == {}


def test_verdicts_say_which_side_and_when_a_naive_check_would_be_wrong() -> None:
    table = pd.DataFrame(
        {
            "cell": "all",
            "statistic": list(TITLES),
            "p": [0.3, 0.02, 0.005, 0.999, 0.992],
            "p_two_sided": [0.6, 0.04, 0.01, 0.002, 0.03],
            "naive_p": [0.0, 0.5, 0.5, 0.5, 0.5],
            "observed": 5.0,
            "replicate_mean": 4.25,
        }
    )
    found = verdicts(table)
    assert found["flag"].tolist() == ["", "", "high", "low", ""]
    assert (
        "the slope is 5.00, and arithmetic alone gives 4.25; a check with fixed variances would"
        in found["verdict"][0]
    )
    assert found["verdict"][2:4].tolist() == [HIGH["skewness"], LOW["significant"]]
    said = overall(found, funnel_data(tree_of()))
    flagged = f"{HIGH['skewness']}; {LOW['significant']}"
    assert said == f"The model without selection does not explain this funnel: {flagged}."
    assert overall(found.assign(flag=""), funnel_data(tree_of())).startswith(
        "Nothing in the funnel"
    )


def test_tables_and_the_seed() -> None:
    tree = tree_of()
    one, same, other = (funnel_checks(tree, draws=120, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one.replicates, same.replicates)
    assert not one.replicates.equals(other.replicates)
    assert len(one.statistics) == 3 * len(TITLES)
    assert len(one.replicates) == 120 * 3 * len(TITLES)
    assert one.points["which"].value_counts().to_dict() == {"observed": 60, "replicate": 20_000}
    assert one.flagged == (one.statistics.query("cell == 'all'")["flag"] == "high").any()
    assert one.cells.set_index("cell").loc["other", "mean"] == pytest.approx(2, abs=0.02)
    (p,) = one.statistics.query("cell == 'one' and statistic == 'skewness'")["p"]
    rows = one.replicates.query("cell == 'one' and statistic == 'skewness'")
    assert p == (rows["replicate"] >= rows["observed"]).mean()
    with pytest.raises(BadInput, match="100 draws"):
        funnel_checks(tree, draws=20)


def test_without_sizes_the_output_says_that_the_link_is_missing() -> None:
    found = funnel_checks(without(tree_of(), "n1i", "n2i"), draws=100)
    assert found.linked == UNLINKED
    assert UNLINKED[1:] in found.verdict
    assert "egger_size" not in set(found.statistics["statistic"])
    assert (found.statistics["p"] == found.statistics["naive_p"]).all()


def test_rows_of_another_measure_keep_their_variance() -> None:
    tree = tree_of()
    design = tree["constant_data"].to_dataset()
    tree["constant_data"] = design.assign(vi=design["vi"] * np.where(np.arange(60) < 5, 1.3, 1))
    found, rows = funnel_checks(tree, draws=100), funnel_data(tree)
    assert found.linked.startswith("55 of 60")
    made = replicate(at(np.zeros((2, 60))), rows, np.random.default_rng(1)).linked
    assert ((made.vi == rows.vi).all(0) == (np.arange(60) < 5)).all()
