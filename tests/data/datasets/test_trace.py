"""The TRACE reader: equal to the reference table row by row; bad rows are refused by name."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data import datasets, sources
from bayesmeta.data.datasets import trace
from bayesmeta.data.datasets.trace import inclusion, sets, sheets, tables
from bayesmeta.infrastructure.errors import BadInput

TEXT = {  # our column: the reference table's
    **{"study": "PMID", "group": "new.idPTSD", "control": "new.idHC", "reference": "reference"},
    **{"species": "species", "sample": "sample", "comparison": "comparison", "task": "task"},
    **{
        "outcome": "measure",
        "phase": "phase.label",
        "valence": "valence.label",
        "cue_context": "cuectx",
    },
    **{"information_type": "type", "code_source": "code.source", "sd1i_source": "sd.source.PTSD"},
    **{
        "sd2i_source": "sd.source.HC",
        "sex": "sex",
        "control_type": "control.type",
        "search": "search",
    },
    **{"ptsd_type": "ptsd.type", "ptsd_type_raw": "ptsd.type.raw", "population": "population"},
    **{
        "measure_kind": "measure2",
        "rhythm": "rhythm",
        "age_class": "age.cat",
        "shocks": "shocks.num",
    },
    **{
        "resilience_split": "res.sus.split",
        "shock_current": "shocks.amp",
        "ptsd_scale": "ptsd.measure",
    },
}
NUMBERS = {
    **{"direction": "recode.for.ext", "m1i": "meanPTSD", "sd1i": "sdPTSD", "n1i": "nPTSD"},
    **{
        "m2i": "meanHC",
        "sd2i": "sdHC",
        "n2i": "nHC",
        "sem1i": "semPTSD",
        "sem2i": "semHC",
        "yi": "yi",
    },
    **{"n2i_reported": "nHC.orig", "control_used": "used", "yi_raw": "yi.raw", "vi": "vi"},
    **{"age": "age.num", "time_since_trauma": "time.recoded", "time_pseudo_years": "time.pseudo"},
    **{"risk_of_bias": "RoB_score", "risk_of_bias_c_unclear": "RoB_score_Cunclear"},
    **{"sheet_row": "sheet_row"},
}
ROWS = {"strict": 1309, "extended": 1643, "calibrated": 1639}


@cache
def record(variant: str) -> trace.Record:
    return trace.build(variant)


@pytest.fixture(params=list(ROWS))
def pair(
    request: pytest.FixtureRequest, trace_data: object, trace_oracle: pd.DataFrame
) -> tuple[pd.DataFrame, ...]:
    """Return our table of a variant and its rows in the reference, by the label of the effect."""
    ours = record(request.param).effects.set_index("effect")
    theirs = trace_oracle[trace_oracle[f"in_{request.param}"] == "TRUE"]
    assert len(ours) == len(theirs) == ROWS[request.param]
    assert set(ours.index) == set(theirs.index)
    return ours, theirs.loc[ours.index]


@pytest.mark.parametrize("column", TEXT)
def test_text_equals_the_reference_row_by_row(pair: tuple[pd.DataFrame, ...], column: str) -> None:
    ours, theirs = pair
    text = ours[column].astype(object).where(ours[column].notna(), "")
    assert text[text != theirs[TEXT[column]]].to_dict() == {}


@pytest.mark.parametrize("column", NUMBERS)
def test_numbers_equal_the_reference_row_by_row(
    pair: tuple[pd.DataFrame, ...], column: str
) -> None:
    ours, theirs = pair
    expected = pd.to_numeric(theirs[NUMBERS[column]]).to_numpy(float)
    np.testing.assert_allclose(ours[column].to_numpy(float), expected, rtol=1e-9, atol=0)


def test_flags_and_columns_equal_the_reference(pair: tuple[pd.DataFrame, ...]) -> None:
    ours, theirs = pair
    assert (ours["negative_dispersion"] == (theirs["neg.disp"] == "TRUE")).all()
    assert set(ours.columns) == {*TEXT, *NUMBERS, "organism", "negative_dispersion"}


@pytest.mark.parametrize(
    ("name", "effects", "n_studies"),
    [
        ("preclinical", 1086, 184),
        ("clinical", 542, 95),
        ("clinical-all", 548, 95),
        ("translational", 1634, 279),
    ],
)
def test_sets(trace_data: object, name: str, effects: int, n_studies: int) -> None:
    frame = datasets.read(name)
    assert (len(frame), frame["study"].nunique()) == (effects, n_studies)
    assert (frame["species"] == "human").all() == name.startswith("clinical")
    assert "B" not in set(frame["comparison"])
    assert list(frame["phase"].cat.categories) == ["learning", "memory", "extinction"]
    assert frame["effect"].is_unique
    cells = frame.groupby(["phase", "valence"], observed=True)["study"].nunique()
    assert (cells.min() >= sets.FEWEST_STUDIES) == (name in ("clinical", "preclinical"))


def test_categories_are_those_that_occur_in_order(trace_data: object) -> None:
    frame = datasets.read("preclinical")
    assert list(frame["species"].cat.categories) == ["rat", "mouse"]
    assert list(frame["valence"].cat.categories) == ["neutral", "fear", "trauma"]


def test_attributes_carry_provenance(trace_data: object) -> None:
    attrs = datasets.read("clinical", variant="strict").attrs
    assert attrs["dataset"] == "clinical"
    assert attrs["variant"] == "strict"
    assert attrs["synthetic"] is False
    assert {source["name"] for source in attrs["sources"]} == {
        file.name for file in trace_data.values()
    }
    assert all(Path.home().as_posix() not in source["found_in"] for source in attrs["sources"])
    assert any("reconstruction" in note for note in attrs["notes"])
    assert any("no independent match" in note for note in datasets.read("clinical").attrs["notes"])


@pytest.mark.parametrize("name", ["preclinical", "clinical", "translational"])
def test_flow_adds_up(trace_data: object, name: str) -> None:
    flow = datasets.flow(name)
    read = flow[flow["step"] == "read"].set_index("search")["rows"]
    left = flow[flow["step"] != "read"].groupby("search")["rows"].sum()
    assert (read == left).all()
    assert flow.loc[flow["step"] == "effects", "rows"].sum() == len(datasets.read(name))
    assert flow["step"].notna().all()
    assert (flow.loc[flow["step"] != "effects", "reason"] != "").all()


def test_every_choice_in_the_tables_touches_a_row_and_has_a_reason(
    trace_data: dict[str, sources.Source],
) -> None:
    raw = inclusion.add_subjects(sheets.read_sheets(trace_data))
    for fix in tables.records("trace/repairs"):
        of = raw[raw["study"] == fix["study"]]
        assert of[fix["where"]].fillna("").str.contains(fix["pattern"]).any(), fix
    for drop in tables.records("trace/exclusions"):
        of = raw[(raw["study"] == drop["study"]) & (raw["search"] == drop["search"])]
        assert of[drop["column"]].fillna("").str.contains(drop["pattern"]).any(), drop
    for add in tables.records("trace/additions"):
        assert (raw["study"] == add["study"]).any(), add
    for name in ("repairs", "exclusions", "additions", "codes_by_name"):
        assert all(row["reason"] for row in tables.records(f"trace/{name}")), name


def test_unknown_dataset_and_variant_are_refused() -> None:
    with pytest.raises(
        BadInput,
        match=r"unknown dataset 'preclincal' \(did you mean 'preclinical'\?\); "
        r"choose one of: .*clinical-all",
    ):
        datasets.read("preclincal")
    for name in ("clinical", "clinical-twin"):
        with pytest.raises(
            BadInput, match="unknown variant 'loose'; choose one of: strict, extended, calibrated"
        ):
            datasets.read(name, variant="loose")
    with pytest.raises(BadInput, match="not made from raw sheets"):
        datasets.flow("clinical-twin")


def test_registry_is_frozen_and_complete() -> None:
    assert {name for name, known in datasets.DATASETS.items() if known.synthetic} == {
        "preclinical-twin",
        "clinical-twin",
    }
    assert datasets.DATASETS["translational"].model == "translational"
    assert datasets.DATASETS["clinical"].model == "three-level"
    with pytest.raises(TypeError):
        datasets.DATASETS["x"] = datasets.DATASETS["clinical"]  # type: ignore[index]


def test_a_dataset_states_its_variants_and_what_it_can_describe() -> None:
    clinical = datasets.DATASETS["clinical"]
    assert clinical.variants == datasets.VARIANTS == ("strict", "extended", "calibrated")
    assert clinical.default_variant == "calibrated"
    assert None not in (clinical.record, clinical.flow, clinical.tables)
    twin = datasets.DATASETS["clinical-twin"]
    assert twin.default_variant is twin.record is twin.flow is twin.tables is None


@pytest.mark.usefixtures("trace_data")
def test_the_full_record_of_a_table_has_its_kinds_and_its_variant() -> None:
    frame = datasets.read("clinical", variant="strict")
    full = datasets.full_record(frame[frame["phase"] == "memory"])
    assert set(full["species"]) == {"human"}
    assert set(frame["effect"]) < set(full["effect"])
    assert set(full["effect"]) < set(record("strict").effects["effect"])
    pd.testing.assert_frame_equal(
        datasets.read("clinical"), datasets.read("clinical", variant="calibrated")
    )


def test_a_table_without_a_record_is_its_own_record() -> None:
    frame = datasets.read("clinical-twin")
    assert datasets.full_record(frame) is frame
    file = pd.DataFrame({"study": ["a"]})
    assert datasets.full_record(file) is file


@pytest.mark.usefixtures("trace_data")
def test_a_table_that_is_read_again_is_a_copy() -> None:
    first = trace.read("clinical", "strict")
    kept = first.copy()
    first["yi"] = 0.0
    first.attrs["notes"] = ["changed"]
    pd.testing.assert_frame_equal(trace.read("clinical", "strict"), kept)
    assert trace.read("clinical", "strict").attrs["notes"] != ["changed"]
