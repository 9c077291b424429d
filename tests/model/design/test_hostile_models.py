"""A stranger's model file computes and reads, and does nothing else; it ends in a moment."""

from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.cli import LONGEST, readable
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import parse_spec
from bayesmeta.model.structure import components_of

ACT = "__import__('pathlib').Path('executed').touch()"
MODEL = """
terms = "~ dose"
levels = ["study", "effect"]
[priors.terms]
prior = "Normal(0, 1)"
[priors.tau]
prior = "HalfNormal(1)"
"""


@pytest.fixture
def table() -> pd.DataFrame:
    numbers = range(12)
    frame = pd.DataFrame(
        {
            "study": [f"s{at // 2}" for at in numbers],
            "group": [f"g{at}" for at in numbers],
            "effect": [f"e{at}" for at in numbers],
            "dose": [1.0 + at % 4 for at in numbers],
            "yi": [0.1 * at for at in numbers],
            "vi": 0.1,
        }
    )
    frame.attrs = {"dataset": "made up", "scale": "g", "synthetic": False, "title": "t"}
    return frame


def coded(text: str, table: pd.DataFrame) -> None:
    spec = parse_spec(text, "hostile")
    components_of(build_design(table, spec), spec)


@pytest.mark.filterwarnings("ignore:overflow")
def test_an_infinite_column_is_refused(table: pd.DataFrame) -> None:
    text = MODEL.replace("~ dose", "np.exp(np.exp(dose**9))")
    with pytest.raises(BadInput, match="is infinite or no number in some rows"):
        coded(text, table)


@pytest.mark.parametrize(
    "formula", [f"~ {ACT}", f"~ dose + np.log({ACT})", "~ np.fromfile('/etc/passwd')", "~ dose("]
)
@pytest.mark.parametrize("key", ["terms", "scale"])
def test_no_formula_executes(
    key: str, formula: str, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = MODEL.replace('"~ dose"', f'"{formula}"')
    if key == "scale":
        text = f'scale = {{study = "{formula}"}}\n{MODEL}'
    with pytest.raises(BadInput, match="formula"):
        coded(text, table)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ("dose + " * 5000 + "dose", "a formula of model hostile has 35,004 characters"),
        ("dose**99999999", "has a power above 20"),
        ("(dose + 1) ^ 21", "has a power above 20"),
    ],
)
def test_formulas_that_would_never_end_or_are_infinite_are_refused(
    formula: str, problem: str, table: pd.DataFrame
) -> None:
    with pytest.raises(BadInput, match=problem):
        build_design(table, parse_spec(MODEL.replace("~ dose", formula), "hostile"))


def test_powers_up_to_20_are_formulas(table: pd.DataFrame) -> None:
    spec = parse_spec(MODEL.replace("~ dose", "dose**20"), "fine")
    assert build_design(table, spec).sizes["term"] == 2


def test_a_message_is_short_and_commands_no_terminal() -> None:
    assert readable("dose 'é' is\nno number") == "dose 'é' is\nno number"
    assert readable("\x1b]0;x\x07 \u202eabc") == "\\x1b]0;x\\x07 \\u202eabc"
    long = readable("x" * 10_000_000)
    assert len(long) == LONGEST + len(" ... ")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('scale = "~ dose"\ncrossed = 3', "crossed of model hostile are 3; they should be a list"),
        ('[errors]\nrho = "study"', "rho of errors of model hostile is 'study'; .* a number"),
        ("[errors]\nrho = [0.5, true]", r"rho of errors of .* is \[0.5, True\]; .* list of two"),
        ('[errors]\nphi = [0.5]\ntime = "dose"', r"phi of errors of .* is \[0.5\]; .* a number"),
        ("[errors]\ncluster = {a = 1}", "cluster of errors of .* a name, like"),
        ('[errors]\nrho = 0.5\nphi = 0.5\ntime = "study"', "column 'study' .time. should have num"),
        ('[errors]\ngroup1 = "study"\ngroup2 = "group"\nw1 = "study"', "'study' .w1. should have"),
        ("[correlation]\nstudy = 3", "correlation.study is 3; it should read"),
        ("[correlation.study]\nfile = 3", "correlation.study is {'file': 3}; it should read"),
        ("[inner]\nstudy = 3", "inner.study of model hostile is 3; it should read"),
    ],
)
def test_an_entry_of_another_kind_is_named(entry: str, message: str, table: pd.DataFrame) -> None:
    keys, header, tables = entry.partition("[")
    if not entry.startswith("scale"):
        keys, tables = "", header + tables
    with pytest.raises(BadInput, match=message):
        coded(f"{keys}{MODEL}{tables}", table)
