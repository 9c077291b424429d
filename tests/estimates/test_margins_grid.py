"""The reference grid of moderators, and what predictions refuse."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.estimates import margins
from bayesmeta.infrastructure.errors import BadInput
from moderated import tree_of


def test_numbers_with_few_values_or_coded_as_levels_are_levels(frame: pd.DataFrame) -> None:
    coded = frame.assign(
        blinded=(frame["dose"] > 3).astype(int), half=frame["dose"].round().clip(1, 4).astype(int)
    )
    tree = tree_of(coded, "~ blinded + C(half)")
    grid = margins.reference_grid(tree)
    assert grid["blinded"].unique().tolist() == [0, 1]
    assert grid["half"].unique().tolist() == [1, 2, 3, 4]
    assert (
        margins.predicted_table(tree, grid)["k"].to_numpy()
        == coded.groupby(["blinded", "half"])
        .size()
        .reindex(pd.MultiIndex.from_frame(grid), fill_value=0)
        .to_numpy()
    ).all()
    with pytest.raises(BadInput, match="'half' has the levels"):
        margins.reference_grid(tree, {"half": ["7"]})


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("dose", "cannot be read at 'dose'"),
        ("dose=1;dose=2", "write every moderator once"),
        ("dose=1,", "cannot be read"),
        ("dosis=1", "dosis are not moderators of this model; it has: dose, species, phase"),
        ("species=cat", "'species' has the levels rat, mouse; got cat$"),
        ("dose=much", "'dose' is a number; got much"),
        ("dose=" + ",".join(map(str, range(9000))), "more than 20000"),
    ],
)
def test_refuses_a_grid(tree: xr.DataTree, at: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        margins.reference_grid(tree, margins.parse_at(at, margins.moderators_of(tree)))


def test_refuses_rows_and_averages(tree: xr.DataTree, frame: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="the rows lack species, phase; predicting needs"):
        margins.predicted_table(tree, pd.DataFrame({"dose": [1.0]}))
    with pytest.raises(BadInput, match="'dose' is blank or infinite at row 3"):
        margins.predicted_table(
            tree, frame[["species", "phase"]].iloc[:2].assign(dose=[1.0, np.nan])
        )
    with pytest.raises(BadInput, match="unknown weights 'some'; choose one of: equal, frequency"):
        margins.marginal_weights(tree, "species", weights="some")
    with pytest.raises(BadInput, match="not moderators of this model"):
        margins.marginal_weights(tree, "sex")
    clash = tree_of(frame.assign(mean=frame["dose"]), "~ mean")
    with pytest.raises(BadInput, match=r"moderators \['mean'\] have names"):
        margins.reference_grid(clash)
