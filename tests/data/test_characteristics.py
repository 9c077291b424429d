"""Studies, risk of bias and flow, counted from tables whose counts are known."""

import pandas as pd
import pytest

from bayesmeta.data import datasets, sources
from bayesmeta.data.characteristics import characteristics_table, flow_table, forms, risk_of_bias_table
from bayesmeta.data.datasets.trace import moderators
from bayesmeta.infrastructure.errors import BadInput


@pytest.fixture
def small() -> pd.DataFrame:
    """Study b has two groups that share a control, and a group with two effects of different sizes."""
    return pd.DataFrame(
        {
            "study": ["b", "b", "b", "a"],
            "group": ["b1", "b1", "b2", "a1"],
            "control": ["c", "c", "c", "d"],
            "reference": ["Young 2001", "Young 2001", "Young 2001", None],
            "yi": [0.5, -1.0, 2.0, 0.1],
            "n1i": [10, 12, 8, 20],
            "n2i": [5, 5, 5, 21],
            "n2i_reported": [10, 10, 10, 21],
            "sex": pd.Categorical(["male", "female", "male", None]),
            "age": [8.0, 10.0, 9.0, 30.0],
            "drug_free": [True, True, True, False],
            "control_type": ["UnExp", "UnExp", "UnExp", "ShamExp"],
        }
    )


def test_a_study_is_a_row_and_a_subject_is_counted_once(small: pd.DataFrame) -> None:
    table = characteristics_table(small, ["sex", "age", "drug_free", "control_type", "absent"])
    first, second = table.to_dict("records")
    assert first == {
        "study": "a", "reference": "a", "k": 1, "groups": 1, "n1": 20, "n2": 21, "sex": "", "age": "30",
        "drug_free": "False", "control_type": "sham exposed", "yi_min": 0.1, "yi_max": 0.1,
    }  # fmt: skip
    assert second == {
        "study": "b", "reference": "Young 2001", "k": 3, "groups": 2, "n1": 20, "n2": 10, "sex": "male, female",
        "age": "8 to 10", "drug_free": "True", "control_type": "unexposed", "yi_min": -1.0, "yi_max": 2.0,
    }  # fmt: skip


def test_without_controls_each_group_has_its_own_and_without_sizes_there_are_none(small: pd.DataFrame) -> None:
    own = characteristics_table(small.drop(columns=["control", "n2i_reported"]), [])
    assert own["n2"].tolist() == [21, 10]
    assert list(characteristics_table(small[["study", "group", "yi"]], [])) == [
        "study", "k", "groups", "yi_min", "yi_max",
    ]  # fmt: skip
    assert pd.isna(characteristics_table(small.assign(n1i=[None, None, 8, 20]), []).loc[1, "n1"])


def test_many_values_are_cut_short(small: pd.DataFrame) -> None:
    many = small.iloc[[0] * 7].assign(task=["x", "x", *"vwyzu"])
    assert characteristics_table(many, ["task"]).loc[0, "task"] == "x, v, w, 3 others"


@pytest.mark.usefixtures("trace_data")
def test_the_flow_adds_up_from_rows_to_effects() -> None:
    frame = datasets.read("clinical")
    table = flow_table(frame, "clinical", "calibrated")
    published, rebuilt = table[table["part"] == "published screening"], table[table["part"] != "published screening"]
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
    assert (last["count"], last["unit"], last["what"]) == (542, "effects", "effects of 100 groups in 95 studies")
    assert set(rebuilt.loc[rebuilt["step"] == "set", "what"].head(3)) == {
        "comparison B", "other species", "phase x valence cell with fewer than 4 studies",
    }  # fmt: skip


@pytest.mark.usefixtures("trace_data")
def test_the_flow_ends_with_what_a_query_keeps() -> None:
    whole = datasets.read("preclinical")
    part = whole[whole["comparison"] == "D"]
    table = flow_table(part, "preclinical", "calibrated")
    out, kept = table.iloc[-2], table.iloc[-1]
    assert (out["kept"], out["count"], kept["count"]) == (False, len(whole) - len(part), len(part))
    assert kept["what"].startswith("effects of ")
    assert kept["search_3_animals"] == (part["search"] == "s3a").sum()


@pytest.mark.usefixtures("trace_data")
def test_items_count_the_studies_that_were_assessed() -> None:
    frame = datasets.read("translational")
    table = risk_of_bias_table(frame)
    assert table["form"].value_counts().to_dict() == {"SYRCLE, animals": 8, "Newcastle-Ottawa, persons": 8}
    assert set(table["item"]) == set(forms.ITEMS.values())
    assert (table["assessed"] == table[["yes", "unclear", "no"]].sum(axis=1)).all()
    scored = frame[frame["risk_of_bias_c_unclear"].notna()].groupby("organism", observed=True)["study"].nunique()
    assert table.groupby("form")["assessed"].unique().map(list).to_dict() == {
        "SYRCLE, animals": [scored["animal"]], "Newcastle-Ottawa, persons": [scored["human"]],
    }  # fmt: skip
    assert table["basis"].str.startswith("search 1 only").all()


@pytest.mark.usefixtures("trace_data")
def test_items_add_up_to_the_scores_of_the_effect_table() -> None:
    marks = forms._marks()
    sums = marks.assign(score=marks["mark"].map({"yes": 0.0, "unclear": 0.5, "no": 1.0})).groupby("study")["score"]
    scores = moderators.risk_of_bias(sources.locate("bias")).set_index("study")["risk_of_bias_c_unclear"].dropna()
    pd.testing.assert_series_equal(sums.sum()[scores.index], scores, check_names=False)


@pytest.mark.usefixtures("trace_data")
def test_studies_that_a_query_leaves_out_are_not_counted() -> None:
    frame = datasets.read("preclinical")
    first = frame.loc[frame["risk_of_bias_c_unclear"].notna(), "study"].iloc[0]
    table = risk_of_bias_table(frame[frame["study"] == first])
    assert (table["assessed"] == 1).all()
    assert risk_of_bias_table(frame[frame["search"] == "s3a"]).empty


def test_a_table_of_another_origin_has_no_forms(small: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="TRACE"):
        risk_of_bias_table(small)
    with pytest.raises(BadInput, match="raw sheets"):
        flow_table(small, "clinical-twin", "calibrated")
