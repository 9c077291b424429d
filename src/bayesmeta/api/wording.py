"""Errors of the commands in the words of Python: arguments in place of options."""

import re
from collections.abc import Callable
from functools import wraps

from bayesmeta.infrastructure.errors import BadInput

_OPTION = re.compile(
    r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)(?:[ =]('[^']*'|\"[^\"]*\"|[\w.]+(?= |;|,|$)))?"
)
_NAMES = {"new": "rows", "contrast": "question"}  # of options, in Python
_VALUES = {
    "sampler",
    "variant",
    "likelihood",
    "missing",
}  # options whose values stand without quotes
_NUMBERS = {"draws", "tune", "chains", "seed"}


def in_python_words(text: str) -> str:
    """Return a message with `columns="yi=es"` in place of `--columns "yi=es"`."""

    def replaced(match: re.Match[str]) -> str:
        name = _NAMES.get(match[1], match[1].replace("-", "_"))
        value = match[2] or ""
        if value[:1] in ("'", '"') or (name in _NUMBERS and value.isdigit()):
            return f"{name}={value}"
        if name in _VALUES and value:
            return f'{name}="{value}"'
        return f"{name} {value}".rstrip()

    return _OPTION.sub(replaced, text)


def python_errors[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that raises BadInput and warns in the words of Python."""

    @wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return function(*arguments, **named)
        except BadInput as error:
            worded = type(error)(in_python_words(str(error)))
            raise worded.with_traceback(error.__traceback__) from error.__cause__

    return call
