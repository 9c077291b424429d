"""The command line's help, and `python -m bayesmeta`."""

import subprocess
import sys

import pytest
import typer
from click import Command, Parameter
from typer.testing import CliRunner

from bayesmeta.cli import app

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
        found = CliRunner().invoke(app, [name, "--help"], terminal_width=200)
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
        [sys.executable, "-m", "bayesmeta", "fit", "--dataset", "no-such"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
