"""The command line: help, choices, completion, version, and `python -m bayesmeta`."""

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from click import Command, Parameter
from typer.testing import CliRunner

from bayesmeta import __version__
from bayesmeta.cli import app
from bayesmeta.commands.options import Machine, Output, Screening, ScreenRequest
from bayesmeta.data.datasets.trace import VARIANTS
from bayesmeta.infrastructure.choices import (
    Coding,
    Folds,
    Sampler,
    Target,
    Test,
    Variant,
    Weights,
)

COMMANDS: dict[str, Command] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PARAMETERS = [
    pytest.param(name, parameter, id=f"{name} {parameter.name}")
    for name, command in COMMANDS.items()
    for parameter in command.params
]
RENDERED: dict[str, str] = {}


def rendered(name: str) -> str:
    """Letters of a command's help as a terminal shows it, without spaces and frames."""
    if name not in RENDERED:
        found = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
        assert found.exit_code == 0
        RENDERED[name] = bare(found.output)
    return RENDERED[name]


def bare(text: str) -> str:
    return "".join(sign for sign in text if not sign.isspace() and sign not in "│╭╮╰╯─")


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_the_whole_help_of_an_option_is_shown(name: str, parameter: Parameter) -> None:
    text = getattr(parameter, "help", None)
    assert text
    assert bare(text) in rendered(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_shown(name: str) -> None:
    assert bare(COMMANDS[name].help or "") in rendered(name)


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bayesmeta", "fit", "--dataset", "no-such"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def choices_of(parameter: Any) -> tuple[str, ...]:
    return parameter.type_descriptor.choices or ()


@pytest.mark.parametrize(
    ("name", "parameter"), [case for case in PARAMETERS if choices_of(case.values[1])]
)
def test_choices_are_listed_and_completed(name: str, parameter: Parameter) -> None:
    choices = choices_of(parameter)
    in_words = bare(", ".join(choices))  # where there are too many for the column of kinds
    assert "|".join(choices) in rendered(name) or in_words in rendered(name)
    words = ["bayesmeta", name]
    words += [parameter.opts[0]] if parameter.param_type_name == "option" else []
    environment = {"_BAYESMETA_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words))}
    environment["COMP_WORDS"] = " ".join([*words, ""])
    shown = CliRunner().invoke(app, [], prog_name="bayesmeta", env=environment)
    assert shown.output.split() == list(choices)


@pytest.mark.parametrize(
    ("arguments", "choices"),
    [
        (["fit", "--sampler", "stan"], get_args(Sampler)),
        (["fit", "--variant", "loose"], get_args(Variant)),
        (["compare", "--test", "F"], get_args(Test)),
        (["screen", "--target", "mean"], get_args(Target)),
        (["screen", "--folds", "lab"], get_args(Folds)),
        (["screen", "--coding", "roman"], get_args(Coding)),
        (["predict", "here", "--weights", "size"], get_args(Weights)),
    ],
)
def test_a_bad_choice_ends_with_code_2_and_the_choices(
    arguments: list[str], choices: tuple[str, ...]
) -> None:
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert f"{arguments[-1]!r} is not one of {', '.join(map(repr, choices))}" in done.output
    assert "Traceback" not in done.output


def test_the_variants_of_the_option_are_those_of_the_datasets() -> None:
    assert get_args(Variant) == VARIANTS


def test_the_version_is_printed() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"bayesmeta {__version__}\n")


def test_an_option_reaches_the_command_with_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def record(*arguments: Any) -> int:
        calls.append(arguments)
        return 1

    monkeypatch.setattr("bayesmeta.commands.run.run", record)
    line = (
        "a.csv --overwrite --columns study=lab --moderator x --moderator y --workers 2 --out here"
    )
    done = CliRunner().invoke(app, ["screen", *line.split()])
    assert done.exit_code == 1
    verb, request, options, out, _, machine, output = calls[0]
    assert (verb, out, machine) == ("screen", Path("here"), Machine(2))
    assert output == Output(overwrite=True)
    assert request == ScreenRequest("a.csv", columns={"study": "lab"})
    assert (request.model, request.moderators) == ("intercept", None)
    assert options == Screening(moderators=("x", "y"))
