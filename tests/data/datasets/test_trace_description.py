"""Risk of bias and flow of the TRACE record, counted from tables with known counts."""

import pandas as pd
import pytest

from bayesmeta.data import datasets, sources
from bayesmeta.data.datasets.trace import (
    describe,
    flow_table,
    forms,
    moderators,
    risk_of_bias_table,
    subjects_table,
)
from bayesmeta.infrastructure.errors import BadInput


@pytest.mark.usefixtures("trace_data")
def test_the_flow_adds_up_from_rows_to_effects() -> None:
    frame = datasets.read("clinical")
    table = flow_table(frame, "clinical", "calibrated")
    screening = table["part"] == "published screening"
    published = table[screening]
    rebuilt = table[~screening]
    assert published["count"].tolist() == [1653, 92, 182]
    assert published["source"].str.contains("doi:10.1038/s41398-023-02660-7").all()
    counts = ["count", *(name for name in table if name.startswith("search_"))]
    left = rebuilt.iloc[0][counts]
    assert left["count"] == 2181
    for row in rebuilt.iloc[1:].to_dict("records"):
        if row["kept"]:
            assert left.tolist() == [row[name] for name in counts]
        else:
            left = left - pd.Series(row)[counts]
    last = rebuilt.iloc[-1]
    assert (last["count"], last["unit"], last["what"]) == (
        542,
        "effects",
        "effects of 100 groups in 95 studies",
    )
    assert set(rebuilt.loc[rebuilt["step"] == "set", "what"].head(3)) == {
        "comparison B", "other species", "phase x valence cell with fewer than 4 studies",
    }  # fmt: skip


@pytest.mark.usefixtures("trace_data")
def test_the_flow_ends_with_what_a_query_keeps() -> None:
    frame = datasets.read("preclinical")
    part = frame[frame["comparison"] == "D"]
    table = flow_table(part, "preclinical", "calibrated")
    out = table.iloc[-2]
    kept = table.iloc[-1]
    assert (out["kept"], out["count"], kept["count"]) == (False, len(frame) - len(part), len(part))
    assert kept["what"].startswith("effects of ")
    assert kept["search_3_animals"] == (part["search"] == "s3a").sum()


@pytest.mark.usefixtures("trace_data")
def test_items_count_the_studies_that_were_assessed() -> None:
    frame = datasets.read("translational")
    table = risk_of_bias_table(frame)
    assert table["form"].value_counts().to_dict() == {
        "SYRCLE, animals": 8,
        "Newcastle-Ottawa, persons": 8,
    }
    assert set(table["item"]) == set(forms.ITEMS.values())
    assert (table["assessed"] == table[["yes", "unclear", "no"]].sum(axis=1)).all()
    scored = (
        frame[frame["risk_of_bias_c_unclear"].notna()]
        .groupby("organism", observed=True)["study"]
        .nunique()
    )
    assert table.groupby("form")["assessed"].unique().map(list).to_dict() == {
        "SYRCLE, animals": [scored["animal"]], "Newcastle-Ottawa, persons": [scored["human"]],
    }  # fmt: skip
    assert table["basis"].str.startswith("search 1 only").all()


@pytest.mark.usefixtures("trace_data")
def test_items_add_up_to_the_scores_of_the_effect_table() -> None:
    marks = forms._marks()
    sums = marks.assign(score=marks["mark"].map({"yes": 0.0, "unclear": 0.5, "no": 1.0})).groupby(
        "study"
    )["score"]
    scores = (
        moderators.risk_of_bias(sources.locate("bias"))
        .set_index("study")["risk_of_bias_c_unclear"]
        .dropna()
    )
    pd.testing.assert_series_equal(sums.sum()[scores.index], scores, check_names=False)


@pytest.mark.usefixtures("trace_data")
def test_studies_that_a_query_leaves_out_are_not_counted() -> None:
    frame = datasets.read("preclinical")
    first = frame.loc[frame["risk_of_bias_c_unclear"].notna(), "study"].iloc[0]
    table = risk_of_bias_table(frame[frame["study"] == first])
    assert (table["assessed"] == 1).all()
    assert risk_of_bias_table(frame[frame["search"] == "s3a"]).empty


def test_a_table_of_another_origin_has_no_forms() -> None:
    small = pd.DataFrame({"study": ["a", "b"], "yi": [0.5, 1.0]})
    assert describe("clinical", small, "calibrated") == {}
    with pytest.raises(BadInput, match="TRACE"):
        risk_of_bias_table(small)
    with pytest.raises(BadInput, match="raw sheets"):
        flow_table(small, "clinical-twin", "calibrated")


def test_subjects_are_counted_once_by_either_rule() -> None:
    frame = pd.DataFrame(
        {
            "study": ["s", "s", "s", "t"],
            "group": ["s.1", "s.1", "s.2", "t.1"],
            "control": ["s.c", "s.c", "s.c", "t.c"],
            "sample": ["Rat", "Rat", "Rat", "Civilian"],
            "organism": ["rat", "rat", "rat", "human"],
            "n1i": [8, 10, 6, 20],
            "n2i_reported": [10, 10, 9, 30],
        }
    )
    table = subjects_table(frame).set_index(["subjects", "nearest"])["count"]
    assert table["animals", True] == 10 + 6 + 10  # groups, and the control that they share
    assert table["animals", False] == 20
    assert table["persons", True] == table["persons", False] == 50


@pytest.mark.usefixtures("trace_data")
@pytest.mark.parametrize(("dataset", "count"), [("clinical", 6726), ("preclinical", 6688)])
def test_subjects_come_near_to_the_printed_numbers(dataset: str, count: int) -> None:
    (row,) = subjects_table(datasets.read(dataset)).query("nearest").to_dict("records")
    assert row["count"] == count
    assert abs(row["count"] / row["printed"] - 1) < 0.025
