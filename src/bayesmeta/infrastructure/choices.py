"""Named choices: the command line lists them, and Python refuses every other value."""

import difflib
from importlib.util import find_spec
from typing import Any, Literal, get_args

from bayesmeta.infrastructure.errors import BadInput

NutsSampler = Literal["numpyro", "nutpie", "pymc"]
Sampler = Literal[NutsSampler, "quadrature"]
Test = Literal["z", "t", "containment"]
Method = Literal["REML", "ML"]
Variant = Literal["strict", "extended", "calibrated"]
Target = Literal["means", "draws", "raw"]
Folds = Literal["study", "group"]
Coding = Literal["levels", "alphabet"]
Weights = Literal["equal", "frequency"]


def check_choice(name: str, value: object, choices: Any) -> None:
    """Raise BadInput unless a value is a member of a Literal.

    Parameters
    ----------
    name : str
        Name of the choice in the message.
    value : object
        The value to check.
    choices : Literal type
        The values that are allowed.
    """
    allowed = get_args(choices)
    if value in allowed:
        return
    close = difflib.get_close_matches(str(value), allowed, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise BadInput(f"unknown {name} {value!r}{hint}; choose one of: {', '.join(allowed)}")


def check_sampler(sampler: str) -> None:
    """Raise BadInput if a NUTS sampler is unknown or not installed."""
    check_choice("sampler", sampler, NutsSampler)
    if find_spec(sampler) is None:
        raise BadInput(
            f"the sampler '{sampler}' is not installed; install it with: "
            f"pip install 'bayesmeta[{sampler}]'"
        )
