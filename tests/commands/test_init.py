"""`bayesmeta init`: what is inferred from a table, and a model file that runs as it is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.commands.column_roles import columns_table, moderators_of
from bayesmeta.commands.default_priors import GENERAL, WIDTHS, widened, widths_of
from bayesmeta.commands.effects import columns_of
from bayesmeta.commands.model_draft import levels_of, structures_of
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.table import read_file
from bayesmeta.infrastructure.files import root
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simulated table of districts and schools, as a European Excel saves it."""
    rng = np.random.default_rng(5)
    size = rng.integers(2, 6, 8)
    district = np.repeat(np.arange(11, 19), size)
    frame = pd.DataFrame(
        {
            "district": district,
            "school": np.concatenate([np.arange(1, n + 1) for n in size]),
            "author": [f"Author {number}" for number in district],
            "g": (0.2 + rng.normal(0, 0.3, len(district))).round(3),
            "se": rng.uniform(0.1, 0.3, len(district)).round(3),
            "dose mg": rng.integers(1, 9, len(district)) / 2,
            "sex": rng.choice(["f", "m"], len(district)),
            "level": rng.choice(["low", "high"], len(district)),
            "unit": "mg",
            "row": np.arange(1, len(district) + 1),
        }
    )
    frame.loc[3, "dose mg"] = np.nan
    frame.to_csv(tmp_path / "mine.csv", sep=";", decimal=",", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine.csv"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["init", *arguments])
    return int(ended.value.code or 0)


COLUMNS = ("--columns", "study=district, group=school")


def test_the_file_that_is_written_runs_as_it_is(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("mine.csv", *COLUMNS) == 0
    said = capsys.readouterr().out
    assert "bayesmeta fit --dataset mine.csv --model mine.toml" in said
    spec = read_spec("mine.toml")
    assert dict(spec.columns) == {"study": "district", "group": "school", "yi": "g", "sei": "se"}
    assert spec.terms == "1"
    assert spec.levels == ("study", "group")
    inputs = read_inputs(Request("mine.csv", "mine.toml"))
    assert inputs.frame["group"][0] == "11/1"
    assert inputs.design["term"].values.tolist() == ["intercept"]


def test_rows_that_were_left_out_are_left_out_by_the_file_that_is_written(table: Path) -> None:
    text = table.read_text(encoding="utf-8").splitlines()
    cells = text[4].split(";")
    text[4] = ";".join("" if at == 4 else cell for at, cell in enumerate(cells))  # a standard error
    table.write_text("\n".join(text), encoding="utf-8")
    assert run("mine.csv", *COLUMNS) == 0
    written = Path("mine.toml").read_text(encoding="utf-8")
    assert "because cells of their effect are blank: at row 5" in written
    assert read_spec("mine.toml").columns["incomplete"] == "omit"
    frame = read_inputs(
        Request("mine.csv", "mine.toml", columns=columns_of("mine.toml", None))
    ).frame
    assert len(frame) == len(text) - 2
    assert 5 not in set(frame["sheet_row"])


def test_moderators_are_suggested_as_comments_that_are_terms(table: Path) -> None:
    run("mine.csv", *COLUMNS)
    text = Path("mine.toml").read_text(encoding="utf-8")
    assert '# terms = "0 + sex"  # a mean for each of 2 levels' in text
    assert '# terms = "0 + level_in_file"' in text
    assert "1 blank cells: fill them in" in text
    suggested = [line[2:] for line in text.splitlines() if line.startswith("# terms = ")]
    assert len(suggested) == 3
    for line in suggested:
        Path("own.toml").write_text(text.replace('terms = "1"', line, 1), encoding="utf-8")
        inputs = read_inputs(Request("mine.csv", "mine.toml"))
        frame = inputs.frame.dropna(subset=["dose mg"])
        assert build_design(frame, read_spec("own.toml")).sizes["term"] == 2


def test_what_each_column_is_is_told(table: Path) -> None:
    reading = read_file(table, columns={"study": "district", "group": "school"})
    told = columns_table(reading).set_index("column")
    assert told["role"].to_dict() == {
        "district": "study",
        "school": "group",
        "author": "names the studies",
        "g": "yi",
        "se": "sei",
        "dose mg": "moderator",
        "sex": "moderator",
        "level": "moderator",
        "unit": "constant",
        "row": "row numbers",
    }
    assert told.loc["dose mg", ["kind", "missing"]].tolist() == ["numbers", 1]
    assert told.loc["sex", "kind"] == "words, 2 levels"
    assert moderators_of(reading) == ["dose mg", "sex", "level"]


def test_nothing_is_overwritten_without_force_and_nothing_written_of_bad_tables(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.toml").write_text("mine", encoding="utf-8")
    assert run("mine.csv", *COLUMNS) == 2
    assert "mine.toml exists" in capsys.readouterr().err
    assert Path("mine.toml").read_text(encoding="utf-8") == "mine"
    assert run("mine.csv", *COLUMNS, "--force") == 0
    assert run("mine.csv", "--columns", "study=nowhere", "--out", "other.toml") == 2
    assert not Path("other.toml").exists()
    assert run("mine.csv", *COLUMNS, "--out", "nowhere/other.toml") == 2


@pytest.mark.parametrize(
    ("study", "group", "levels"),
    [
        (["a", "b", "c"], ["1", "2", "3"], ["study"]),
        (["a", "a", "b"], ["1", "2", "3"], ["study", "group"]),
        (["a", "a", "b"], ["a", "a", "b"], ["study", "effect"]),
        (["a", "a", "a", "b"], ["1", "1", "2", "3"], ["study", "group", "effect"]),
    ],
)
def test_levels_are_those_that_labels_can_tell_apart(
    study: list[str], group: list[str], levels: list[str]
) -> None:
    assert levels_of(pd.DataFrame({"study": study, "group": group})) == levels


def test_priors_suit_the_measure_or_the_size_of_the_effects() -> None:
    def effects(size: float) -> pd.DataFrame:
        return pd.DataFrame({"yi": [-size, size]})

    assert widths_of(effects(40), "SMD") == GENERAL
    assert widths_of(effects(0.5), None) == GENERAL
    assert widths_of(effects(40), None)[:3] == (100, 40, 4)
    assert widths_of(effects(40), "MD")[:3] == (100, 40, 4)
    assert widths_of(effects(2), "MD")[:3] == (5, 2, 0.2)
    assert widths_of(effects(0.01), None)[:2] == (0.025, 0.01)


UNIT_TABLES = {  # effects near 0, proportions of a half, groups of equal size; subjects in all
    "SMD": ({"n1i": 5000, "n2i": 5000, "m1i": 1.0, "m2i": 1.0, "sd1i": 1.0, "sd2i": 1.0}, 10_000),
    "OR": ({"ai": 2500, "bi": 2500, "ci": 2500, "di": 2500}, 10_000),
    "RR": ({"ai": 2500, "bi": 2500, "ci": 2500, "di": 2500}, 10_000),
    "IRR": ({"x1i": 2500, "x2i": 2500, "t1i": 9000.0, "t2i": 9000.0}, 5000),  # events
    "ROM": ({"n1i": 5000, "n2i": 5000, "m1i": 2.0, "m2i": 2.0, "sd1i": 1.0, "sd2i": 1.0}, 10_000),
    "ZCOR": ({"ri": 0.0, "ni": 10_000}, 10_000),
    "RD": ({"ai": 2500, "bi": 2500, "ci": 2500, "di": 2500}, 10_000),
    "PLO": ({"xi": 5000, "ni": 10_000}, 10_000),
}


@pytest.mark.parametrize("measure", UNIT_TABLES)
def test_widths_are_the_documented_multiples_of_the_unit_information_sd(measure: str) -> None:
    columns, subjects = UNIT_TABLES[measure]
    _, vi = MEASURES[measure](**columns)
    uisd = float(np.sqrt(subjects * np.asarray(vi)))
    widths = WIDTHS[measure]
    assert widths.uisd is not None
    assert uisd == pytest.approx(widths.uisd, rel=0.01)
    documented = (root() / "docs" / "models.md").read_text(encoding="utf-8")
    shares = (widths.terms_sd / widths.uisd, widths.tau_sd / widths.uisd)
    numbers = [widths.uisd, widths.terms_sd, widths.tau_sd, *shares]
    (row,) = [
        line
        for line in documented.splitlines()
        if line.startswith("| ") and f"`{measure}`" in line and line.count("|") == 7
    ]
    assert [float(cell) for cell in row.split("|")[2:7]] == pytest.approx(numbers)


@pytest.mark.parametrize("measure", ["SMD", "RR", "ZCOR", "RD", "MD"])
def test_a_fit_without_a_model_has_the_priors_that_init_writes(measure: str) -> None:
    sizes = {"RD": 0.3, "MD": 40.0}
    frame = pd.DataFrame({"yi": [-sizes.get(measure, 0.5), sizes.get(measure, 0.5)]})
    frame.attrs["measure"] = measure
    spec = widened(read_spec("three-level"), frame)
    widths = widths_of(frame, measure)
    assert spec.priors["terms"].parameters == (0.0, widths.terms_sd)
    assert spec.priors["tau"].parameters == (widths.tau_sd,)
    assert spec.rope == widths.rope
    assert bool(frame.attrs.get("notes")) == (widths[:2] != GENERAL[:2])


def test_a_computed_measure_and_awkward_names_are_written_so_that_toml_reads_them(
    table: Path,
) -> None:
    name = 'a"b\\c\u2028\x7f é'
    pd.DataFrame(
        {
            name: ["x", "x", "y"],
            "tpos": [1, 2, 3],
            "tneg": 9,
            "cpos": 4,
            "cneg": 8,
            "kind\n2": list("ppq"),
        }
    ).to_excel("odd.xlsx", index=False)
    assert (
        run(
            "odd.xlsx", "--columns", f"study={name}, ai=tpos, bi=tneg, ci=cpos, di=cneg, measure=RR"
        )
        == 0
    )
    spec = read_spec("odd.toml")
    assert spec.columns["study"] == name
    assert spec.columns["measure"] == "RR"
    assert read_inputs(Request("odd.xlsx", "odd.toml")).frame.attrs["scale"] == "log risk ratio"


def test_factors_that_cross_the_studies_and_levels_above_them_are_proposed() -> None:
    study = np.repeat(np.arange(12), 3)
    frame = pd.DataFrame(
        {
            "study": [f"s{code}" for code in study],
            "species": pd.Categorical([f"species {code % 6}" for code in range(36)]),
            "lab": pd.Categorical([f"lab {code % 5}" for code in study]),
            "sex": pd.Categorical(["f", "m"] * 18),
        }
    )
    lines = structures_of(frame, ["species", "lab", "sex"], ["study", "group"])
    assert lines == [
        'crossed = ["species"]   # 6 values, 6 studies each (dependence.md)',
        'levels = ["lab", "study", "group"]   # 5 values, 2 studies each (dependence.md)',
    ]
    blank = frame.assign(species=frame["species"].where(frame.index > 0))
    assert len(structures_of(blank, ["species"], ["study"])) == 0
