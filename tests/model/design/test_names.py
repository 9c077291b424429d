"""Names of levels and columns with signs in them are names, never operators."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.commands.effects import keep_rows
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.estimates.discrepancy.statements import parse_statement
from bayesmeta.estimates.margins.at import parse_at
from bayesmeta.estimates.margins.moderators import Moderators
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import code_rows, code_terms
from bayesmeta.model.design.contrasts import contrast_weights, named_weights
from bayesmeta.model.design.formulas import quote_names
from bayesmeta.model.design.tables import build_design
from bayesmeta.model.spec import parse_spec, split_names

LEVELS = ["<= 5 mg", "(none)", "1", "A", "A + B", "A - B", "B", "[z]", "a:b", "it's", "p,q"]
LEVELS += ["a{b}", 'say "hi"', "x*y", "x{1}", "été"]
COLUMNS = ["dose", "low", "dose (mg)", "age-group", "a:b", "a", "b", "1st", "class", "study id"]
COLUMNS += ["log(dose)", "1", "été", "p,q", "C", "a.b", "x [mg/kg]", "50%"]
MODEL = """
terms = "0 + arm"
levels = ["study"]
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[contrasts]
adding = "CBT + SSRI - CBT"
"""

SPEC = MODEL.partition("[contrasts]")[0].replace("0 + arm", "0 + `the arm`")


def weights_of(text: str, terms: list[str]) -> dict[str, float]:
    weights = contrast_weights({"c": text}, terms).sel(contrast="c").to_series()
    return {str(name): float(weight) for name, weight in weights[weights != 0].items()}


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("A + B - A", {"A + B": 1, "A": -1}),
        ("`A` + B - A + '1'", {"B": 1, "1": 1}),
        ('"A - B" - "A"', {"A - B": 1, "A": -1}),
        ("- x*y + 2 * été", {"x*y": -1, "été": 2}),
        ("1 - <= 5 mg", {"1": 1, "<= 5 mg": -1}),
        ("2 * 1 - 0.5 * (none) - .5*[z]", {"1": 2, "(none)": -0.5, "[z]": -0.5}),
        ("it's - 'a:b'", {"it's": 1, "a:b": -1}),
        ('say "hi" - `p,q`', {'say "hi"': 1, "p,q": -1}),
    ],
)
def test_a_contrast_is_read_by_the_names_that_exist(text: str, weights: dict[str, float]) -> None:
    assert weights_of(text, LEVELS) == weights


@pytest.mark.parametrize(
    ("text", "terms", "choices"),
    [
        ("A - B", LEVELS, ['"A - B"', '"A" - "B"']),
        ("a + b - c", ["a + b", "b - c", "a", "c"], ['"a + b" - "c"', '"a" + "b - c"']),
    ],
)
def test_without_a_longest_reading_all_are_shown_and_each_can_be_written(
    text: str, terms: list[str], choices: list[str]
) -> None:
    with pytest.raises(BadInput, match="several readings") as error:
        weights_of(text, terms)
    for choice in choices:
        assert choice in str(error.value)
        assert weights_of(choice, terms)


def test_every_level_is_a_contrast_by_itself_whatever_it_is_called() -> None:
    frame = table(LEVELS)
    design = xr.Dataset(coords={"term": code_terms(frame, "0 + arm").matrix.columns.to_numpy(str)})
    spec: Any = type("Spec", (), {"contrasts_of": lambda _, dataset: {}})()
    weights = named_weights(design, spec)
    assert list(weights["contrast"].values) == sorted(LEVELS)
    np.testing.assert_array_equal(weights.values, np.eye(len(LEVELS)))


def table(levels: list[str], column: str = "arm") -> pd.DataFrame:
    rows = 3 * len(levels)
    yi = np.random.default_rng(1).normal(size=rows)
    labels = [f"s{row}" for row in range(rows)]
    named = {"study": labels, "yi": yi.round(3), "vi": 0.1, column: levels * 3}
    return pd.DataFrame(named)


def test_a_query_changes_no_reading_of_a_contrast(tmp_path: Path) -> None:
    table(["CBT", "CBT + SSRI", "SSRI"]).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "m.toml").write_text(MODEL)
    request = Request(str(tmp_path / "t.csv"), str(tmp_path / "m.toml"))
    inputs = read_inputs(request)
    assert inputs.spec.contrasts == {"adding": '"CBT + SSRI" - "CBT"'}
    assert 'write "CBT" + "SSRI" - "CBT"' in inputs.frame.attrs["notes"][-1]
    kept = Request(request.dataset, request.model, where="arm != 'CBT + SSRI'")
    assert read_inputs(kept).left_out == ["adding"]


@pytest.mark.parametrize(
    ("formula", "quoted"),
    [
        ("1", "1"),
        ("~ dose (mg) + age-group", "~ `dose (mg)` + `age-group`"),
        ("dose (mg):study id", "`dose (mg)`:`study id`"),
        ("0 + class + `1st`", "0 + `class` + `1st`"),
        ("np.log(dose (mg)) + C(study id)", "np.log(`dose (mg)`) + C(`study id`)"),
        ("~ dose - low + 1", "~ dose - low + 1"),
        ("x [mg/kg]*50% + p,q", "`x [mg/kg]`*`50%` + `p,q`"),
        ("21st", "21st"),
    ],
)
def test_odd_names_of_columns_are_put_into_backticks(formula: str, quoted: str) -> None:
    assert quote_names(formula, COLUMNS) == quoted


@pytest.mark.parametrize("formula", ["a:b", "log(dose)"])
def test_a_name_that_is_also_an_expression_is_not_guessed(formula: str) -> None:
    with pytest.raises(BadInput, match=r"write `.*` for the column, or .*`(a|dose)`"):
        quote_names(formula, COLUMNS)


def test_parts_of_a_prior_split_at_colons_outside_backticks() -> None:
    assert split_names("`a:b`:phase") == ["a:b", "phase"]
    assert split_names("study id:phase") == ["study id", "phase"]


def test_labels_are_the_levels_of_the_table() -> None:
    frame = table(LEVELS, "my arm [x]").assign(**{"1st": ["u, v", "w"] * 24})
    assert list(code_terms(frame, "0 + `my arm [x]`").matrix) == sorted(LEVELS)
    coding = code_terms(frame, "0 + `my arm [x]`:`1st`")
    assert "<= 5 mg:u, v" in coding.matrix
    assert set(coding.factors["my arm [x]"]) == set(LEVELS)


@pytest.mark.parametrize("column", ["class", "dose-low", "1st", "été", "a b"])
def test_numbers_in_columns_with_odd_names_are_standardised(column: str) -> None:
    frame = table(["x"]).assign(**{column: [1.0, 2.0, 6.0]})
    coding = code_terms(frame, quote_names(f"~ {column}", frame.columns))
    assert list(coding.matrix) == ["intercept", column]
    assert coding.standardised is not None
    np.testing.assert_allclose(coding.standardised, [[1, 3], [0, np.sqrt(7)]])


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("dose (mg) > 1", [2.0, 3.0]),
        ("`dose (mg)` > 1 and class == 'A + B'", [3.0]),
        ("class in ['A', 'A + B'] and dose (mg) < 3", [1.0]),
    ],
)
def test_a_query_takes_odd_names(where: str, kept: list[float]) -> None:
    frame = pd.DataFrame({"dose (mg)": [1.0, 2.0, 3.0], "class": ["A", "B", "A + B"]}, [5, 5, 7])
    assert keep_rows(frame, where)["dose (mg)"].tolist() == kept


def test_values_at_which_to_predict_are_known_levels() -> None:
    levels: dict[str, list[Any]] = {"the arm": LEVELS, "n=5": ["u;v", "w"]}
    names = ("the arm", "n=5", "dose")
    moderators = Moderators(names, pd.DataFrame(), levels, frozenset(levels), ("dose",))
    given = parse_at('the arm=p,q, A + B,"it\'s"; n=5=u;v,w; `dose`=1,2', moderators)
    assert given == {"the arm": ["p,q", "A + B", "it's"], "n=5": ["u;v", "w"], "dose": ["1", "2"]}


def test_statements_about_levels_with_signs_and_words() -> None:
    terms = ["up and down", "<= 5 mg", "A > 0"]
    parts = parse_statement("s", "up and down > 0 and <= 5 mg - A > 0 < 0 and A > 0 > 0", terms)
    assert [part.combination for part in parts] == ["up and down", "<= 5 mg - A > 0", "A > 0"]


@pytest.mark.parametrize(
    ("formula", "terms", "dropped"),
    [
        ("~ dose + twice", ["intercept", "dose"], ["twice"]),
        ("~ constant + dose", ["intercept", "dose"], ["constant"]),
        ("~ single + dose", ["intercept", "dose"], ["single"]),
        ("~ arm + copy", ["intercept", "arm[y]"], ["copy[v]"]),
        ("0 + single", ["s"], []),
        ("0 + constant", ["constant"], []),
    ],
)
def test_redundant_columns_are_dropped(formula: str, terms: list[str], dropped: list[str]) -> None:
    dose = np.array([1.0, 2.0, 5.0, 7.0, 4.0, 4.0])
    columns = {"dose": dose, "twice": 2 * dose, "constant": 3.0, "single": "s"}
    frame = table(["x", "y"]).assign(**columns, copy=["u", "v"] * 3)
    coding = code_terms(frame, formula)
    assert list(coding.matrix) == terms
    assert coding.dropped == dropped


def test_new_rows_that_tell_redundant_columns_apart_are_not_predicted() -> None:
    dose = np.array([1.0, 2.0, 5.0])
    coding = code_terms(table(["x"]).assign(dose=dose, twice=2 * dose), "~ dose + twice")
    rows = pd.DataFrame({"dose": [3.0, 3.0], "twice": [6.0, 7.0]})
    np.testing.assert_allclose(code_rows(coding, rows), [[1, 3], [np.nan, np.nan]])


def test_a_factor_with_a_space_is_a_coordinate_of_the_terms(tmp_path: Path) -> None:
    frame = table(["x", "y"], "the arm").assign(group=lambda t: t["study"])
    design = build_design(frame.assign(effect=frame["study"]), parse_spec(SPEC, "m"))
    design.to_netcdf(tmp_path / "design.nc", engine="h5netcdf")
    read = xr.open_dataset(tmp_path / "design.nc", engine="h5netcdf")
    assert list(read["term"].coords["term_the_arm"].values) == ["x", "y"]
    read.close()
