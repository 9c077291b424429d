"""A slope is a term and no cell: no prediction interval, no row of a forest or a funnel."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.estimates import discrepancy, summaries
from bayesmeta.inference import quadrature
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, Prior, check_spec, read_spec
from bayesmeta.output.folders.fit import fit_tables
from bayesmeta.robustness import funnel
from bayesmeta.robustness.influence.outlying import baujat_table

TERMS = ["neutral:memory", "fear:memory"]


@pytest.fixture(scope="module")
def sided() -> ModelSpec:
    spec = read_spec("translational")
    slope = Prior.parse("slope", "Normal(0, 1)")
    return check_spec(
        replace(spec, name="sided", bias="pet", priors={**spec.priors, "slope": slope})
    )


@pytest.fixture(scope="module")
def tree(sized: pd.DataFrame, sided: ModelSpec) -> xr.DataTree:
    """Persons (studies s0 to s29) and animals, both with the same two cells."""
    frame = sized.assign(
        organism=np.where(sized["study"].str[1:].astype(int) < 30, "human", "animal")
    )
    frame.attrs = {**sized.attrs, "dataset": "translational"}
    return quadrature.quadrature_posterior(build_design(frame, sided), sided, draws=250)


def test_a_slope_of_a_sided_model_is_a_term_and_no_cell(tree: xr.DataTree) -> None:
    cells = [
        "animal:neutral:memory",
        "human:neutral:memory",
        "animal:fear:memory",
        "human:fear:memory",
    ]
    slopes = {"animal:pet", "human:pet"}
    tables = fit_tables(tree)
    assert set(tables["terms"]["term"]) == {*cells, *slopes}
    assert set(tables["prediction"]["term"]) == set(cells)
    assert tables["heterogeneity"]["level"].str.split(":").str[0].value_counts().to_dict() == {
        "animal": 3,
        "human": 3,
    }
    assert {"neutral memory: human - animal", "fear memory: human - animal"} <= set(
        tables["discrepancies"]["contrast"]
    )
    assert not tables["discrepancies"]["contrast"].str.contains("pet").any()
    assert tables["concordance"]["p"].notna().any()
    for table in (
        summaries.means_table(tree),
        summaries.studies_table(tree),
        discrepancy.sided_terms_table(tree),
    ):
        assert set(table["term"]) == set(cells)
    assert set(discrepancy.sided_terms_table(tree)["side"]) == {"human", "animal"}
    assert set(discrepancy.quadrants_table(tree, "human", "animal")["cell"]) == {
        "neutral:memory",
        "fear:memory",
    }
    rows = funnel.funnel_data(tree)
    assert set(rows.cells) == {"all", *cells}
    assert rows.x.shape[1] == 6  # the fitted means have the slopes in them


def test_no_study_has_a_slope_for_a_cell(sized: pd.DataFrame) -> None:
    """A study of two cells has the slope in all of its effects."""
    spec = replace(read_spec("pet"), levels=("study",))
    design = build_design(sized, spec)
    table = baujat_table(design, spec, quadrature.leave_one_study_out(design, spec))
    assert set(table["cell"]) == set(TERMS)
