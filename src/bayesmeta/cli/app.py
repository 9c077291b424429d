"""The typer application, and the decorator that adds a command to it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, get_args, get_type_hints

import typer

from bayesmeta import __version__
from bayesmeta.commands.options import Request
from bayesmeta.infrastructure.errors import BadInput

HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    help="Bayesian hierarchical meta-analysis, from raw tables to named contrasts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)
Table = typer.Argument(
    metavar="TABLE", help="A file or a dataset, as for --dataset.", show_default=False
)


def print_version(wanted: bool) -> None:
    """Print the version and exit, if wanted."""
    if wanted:
        typer.echo(f"bayesmeta {__version__}")
        raise typer.Exit()


Version = typer.Option("--version", is_eager=True, callback=print_version, help="Show version.")


@app.callback()
def options_of_all_commands(version: Annotated[bool, Version] = False) -> None:
    """Accept the options that stand before a command."""


def command[**P](function: Callable[P, int]) -> Callable[P, int]:
    """Add a command to the application; the integer that the function returns is the exit code.

    typer takes plain parameters only. A parameter that is a dataclass (`commands.options`) is
    therefore replaced by its fields, and built again before the function is called.
    """
    parameters = inspect.signature(function).parameters.values()
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    flat: list[inspect.Parameter] = []
    for parameter in parameters:
        plain = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        flat += map_fields(groups[parameter.name]) if parameter.name in groups else [plain]
    if any(issubclass(group, Request) for group in groups.values()):
        hint = Annotated[str | None, Table]
        settings: dict[str, Any] = {"default": None, "annotation": hint}
        flat.append(inspect.Parameter("table", inspect.Parameter.KEYWORD_ONLY, **settings))

    def call(**values: Any) -> None:
        given = {name: value for name, value in values.items() if value is not None}
        if (table := given.pop("table", None)) is not None:
            if "dataset" in given:
                both = f"{table} and --dataset {given['dataset']}"
                raise BadInput(f"two tables are named, {both}; name one of them")
            given["dataset"] = table
        raise typer.Exit(function(**build(groups, given)))  # type: ignore[call-arg]

    call.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    app.command(function.__name__, help=function.__doc__, context_settings=HELP)(call)
    return function


def map_fields(group: Any) -> list[inspect.Parameter]:
    """Return a keyword parameter for typer for every field that the dataclass initialises."""
    hints = get_type_hints(group, include_extras=True)
    parameters = []
    for field in (field for field in fields(group) if field.init):
        filled = {"default": default_of(field), "annotation": repeatable(hints[field.name])}
        parameters.append(inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, **filled))
    return parameters


def default_of(field: Field[Any]) -> Any:
    """Return a field's default; None stands for a default that is made when needed."""
    if field.default_factory is not MISSING or field.default == ():
        return None
    return inspect.Parameter.empty if field.default is MISSING else field.default


def repeatable(hint: Any) -> Any:
    """Return a list as annotation for a tuple of any length: the option may be repeated."""
    kind, *metadata = get_args(hint)
    if kind == tuple[str, ...]:
        return Annotated[list[str] | None, *metadata]
    return hint


def build(groups: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a command: its dataclasses, and what belongs to none of them."""
    rest = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    built = {}
    for parameter, group in groups.items():
        names = [field.name for field in fields(group) if field.name in rest and field.init]
        built[parameter] = group(**{name: rest.pop(name) for name in names})
    return built | rest
