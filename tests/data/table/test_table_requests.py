"""table: columns of the command line over those of a model, and tables as a command reads them."""

from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.commands.effects import columns_of, read_effects
from bayesmeta.commands.options import Request
from bayesmeta.commands.request import read_inputs
from bayesmeta.infrastructure.errors import BadInput

DISTRICTS = (
    "district,school,study,year,yi,vi\n11,1,1,1976,-0.18,0.118\n11,2,2,1976,-0.22,0.118\n"
    "12,1,3,1989,0.13,0.014\n12,2,4,1989,-0.26,0.014\n12,3,5,1989,0.19,0.015\n"
)


def test_the_flag_wins_over_the_models_columns_which_hold_where_it_is_silent(
    tmp_path: Path,
) -> None:
    model = tmp_path / "mine.toml"
    model.write_text(
        'terms = "1"\nlevels = ["study", "group"]\n'
        '[priors]\nterms = "Normal(0, 1)"\ntau = "HalfNormal(1)"\n'
        '[columns]\nstudy = "school"\ngroup = "school"\n',
        encoding="utf-8",
    )
    (tmp_path / "mine.csv").write_text(DISTRICTS, encoding="utf-8")
    asked = columns_of(str(model), "study=district")
    assert asked == {"study": "district", "group": "school"}
    frame = read_effects(
        Request(str(tmp_path / "mine.csv"), str(model), columns={"study": "district"})
    )
    assert frame["group"].tolist()[:2] == ["11/1", "11/2"]
    model.write_text(model.read_text().replace('"school"', "1"), encoding="utf-8")
    with pytest.raises(BadInput, match="columns of model mine are"):
        columns_of(str(model), None)


def test_columns_are_of_files_only() -> None:
    with pytest.raises(
        BadInput, match="--columns names the columns of a file, and clinical-twin is a dataset"
    ):
        read_effects(Request("clinical-twin", columns={"study": "x"}))


def test_names_that_results_need_or_cannot_hold_are_changed_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "study,yi,vi,level,mg/kg,mg_kg,sheet_row\na,1,1,x,1,2,7\nb,2,1,y,3,4,8\n"
    )
    frame = read_effects(Request(str(tmp_path / "a.csv")))
    assert frame["level_in_file"].tolist() == ["x", "y"]
    assert frame["mg_kg"].tolist() == [2, 4]
    assert frame["mg_kg_"].tolist() == [1, 3]
    assert frame["sheet_row_in_file"].tolist() == [7, 8]
    assert "the file's column level is kept as level_in_file" in frame.attrs["notes"][-1]


def test_a_file_with_one_effect_per_study_has_one_level(tmp_path: Path) -> None:
    rows = pd.DataFrame({"study": ["a", "b", "c"], "yi": [0.1, 0.2, 0.4], "vi": 0.1})
    rows.to_csv(tmp_path / "single.csv", index=False)
    inputs = read_inputs(Request(str(tmp_path / "single.csv")))
    assert inputs.spec.levels == ("study",)
    assert any("one effect" in note for note in inputs.frame.attrs["notes"])
    pd.concat([rows, rows]).to_csv(tmp_path / "two.csv", index=False)
    assert read_inputs(Request(str(tmp_path / "two.csv"))).spec.levels == ("study", "group")
    assert read_inputs(Request(str(tmp_path / "single.csv"), "intercept")).spec.levels == (
        "study",
        "group",
    )


def test_a_users_file_is_not_the_dataset_of_that_name(tmp_path: Path) -> None:
    pd.DataFrame({"study": list("aabb"), "yi": 0.1, "vi": [0.1, 0.2, 0.3, 0.4]}).to_csv(
        tmp_path / "clinical.csv"
    )
    inputs = read_inputs(Request(str(tmp_path / "clinical.csv")))
    assert inputs.dataset == "clinical-file"
    assert inputs.spec.terms == "1"
