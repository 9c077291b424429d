"""Options of the commands: refusals from Python, defaults that depend on the table, bad input."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from bayesmeta.commands.data import data_tables
from bayesmeta.commands.options import Comparison, Machine, Options, Sampling, Scope, Screening
from bayesmeta.commands.request import Inputs, Request, read_inputs
from bayesmeta.commands.run import Task
from bayesmeta.commands.screen import impute
from bayesmeta.data import datasets
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps

REFUSED: dict[str, tuple[Callable[[], Options], str]] = {
    "sampler": (
        lambda: Sampling("stan"),
        "unknown sampler 'stan'; choose one of: auto, numpyro, nutpie",
    ),
    "draws": (lambda: Sampling(draws=9), "draws is 9; it should be a whole number of at least 10"),
    "no draws": (lambda: Sampling(draws=None), "draws is None; it should be a whole number"),
    "a flag": (lambda: Sampling(chains=True), "chains is True; it should be a whole number"),
    "test": (lambda: Comparison("F"), "unknown test 'F'; choose one of: z, t, containment"),
    "target": (lambda: Screening("mean"), r"unknown target 'mean' \(did you mean 'means'\?\)"),
    "workers": (lambda: Machine(0), "workers is 0; it should be a whole number of at least 1"),
    "variant": (lambda: Request(variant="loose"), "choose one of: strict, extended, calibrated"),
    "studies": (lambda: Scope(studies="0"), "--studies is '0'; it should be whole numbers from 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_python_refuses_the_values_that_the_command_line_refuses(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(BadInput, match=message):
        make()


def test_a_file_has_no_variants(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("study,yi,vi\na,1,1\nb,2,1\n")
    with pytest.raises(
        BadInput, match=r"--variant chooses a variant of a named dataset, and .* is"
    ):
        read_inputs(Request(str(tmp_path / "own.csv"), variant="strict"))


def blank(dataset: str) -> tuple[Inputs, pd.DataFrame]:
    """A table with a blank dose of a rat; rats have doses of 1, mice doses of 9."""
    species = ["rat", "rat", "mouse", "mouse", "mouse"]
    frame = pd.DataFrame({"study": list("abcde"), "species": species, "dose": [1, None, 9, 9, 9]})
    frame.attrs["dataset"] = dataset
    return Inputs(frame, None, None, []), frame  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dataset", "options", "dose"),
    [
        ("preclinical-twin", Screening(), 1),
        ("mine", Screening(), 9),
        ("mine", Screening(impute="species"), 1),
        ("preclinical-twin", Screening(impute="across"), 9),
    ],
)
def test_moderators_are_imputed_within_the_column_of_the_dataset(
    dataset: str, options: Screening, dose: float
) -> None:
    inputs, frame = blank(dataset)
    (filled,) = impute(inputs, frame, ["dose"], options)
    assert filled["dose"][1] == dose


def test_a_file_is_counted_by_its_categories_and_not_by_those_of_a_dataset() -> None:
    frame = datasets.read("preclinical-twin")[["study", "group", "species", "phase", "yi", "vi"]]
    named = data_tables(frame, "preclinical-twin", None)["sizes"]
    assert named["by"].unique().tolist() == ["species", "all"]
    assert data_tables(frame, "mine", None)["sizes"]["by"].unique().tolist() == [
        "species",
        "phase",
        "all",
    ]


@pytest.mark.parametrize(
    ("effects", "given", "used"), [(20, None, 1), (20, 2, 2), (200, None, None)]
)
def test_small_tables_are_refitted_in_the_process_that_asks(
    tmp_path: Path, effects: int, given: int | None, used: int | None
) -> None:
    table = pd.DataFrame({"study": [f"s{i}" for i in range(effects)], "yi": 0.1, "vi": 0.2})
    table["yi"] += table.index / effects
    table.to_csv(tmp_path / "mine.csv", index=False)
    request = Request(str(tmp_path / "mine.csv"))
    rest = (Options(), Machine(given), tmp_path, Steps(), Console())
    assert Task(request, read_inputs(request), *rest).workers == used


def test_bad_input_is_refused_before_the_command_is_imported() -> None:
    code = (
        "import sys\nfrom bayesmeta.cli import main\n"
        "try:\n    main(['compare', '--dataset', 'nowhere.csv'])\nexcept SystemExit as ended:\n"
        "    assert ended.code == 2\n"
        "assert not {'bayesmeta.commands.compare', 'bayesmeta.output.figures'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("error: ")
