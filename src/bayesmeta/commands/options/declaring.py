"""Base of the option classes: a choice is checked when it is made."""

from dataclasses import dataclass, fields
from numbers import Integral
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import typer

from bayesmeta.infrastructure.choices import check_choice
from bayesmeta.infrastructure.errors import BadInput


def option(text: str, *names: str, **settings: Any) -> Any:
    """Return an option of the command line with its help; `min` is checked in Python, too."""
    return typer.Option(*names, help=text, **settings)


@dataclass(frozen=True)
class Options:
    """Choices of a command, checked when they are made.

    `folder` is the last part of the default folder of results; "" is the model's name.
    """

    folder: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Raise BadInput if a choice is unknown or a number is too small."""
        hints = get_type_hints(type(self), include_extras=True)
        for name in (entry.name for entry in fields(self)):
            if get_origin(hints[name]) is Annotated:
                kind, declared = get_args(hints[name])
                check_value(name, getattr(self, name), kind, minimum=declared.min)


def check_value(name: str, value: Any, kind: Any, *, minimum: float | None = None) -> None:
    """Raise BadInput if a value is no member of a Literal, or no integer of at least a minimum."""
    kinds = (kind, *get_args(kind))
    if value is None and NoneType in kinds:
        return
    for literal in (member for member in kinds if get_origin(member) is Literal):
        check_choice(name, value, literal)
    if minimum is None:
        return
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise BadInput(f"{name} is {value!r}; it should be a whole number of at least {minimum}")
