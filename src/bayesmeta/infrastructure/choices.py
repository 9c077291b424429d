"""Named choices: the command line lists them, and Python refuses every other value."""

import difflib
from collections.abc import Collection, Iterable
from importlib.util import find_spec
from typing import Any, Literal, get_args

from bayesmeta.infrastructure.errors import BadInput

NutsSampler = Literal["numpyro", "nutpie", "pymc"]
Sampler = Literal["auto", NutsSampler, "quadrature"]
Likelihood = Literal["normal", "t"]
Missing = Literal["joint", "complete", "refuse"]
Test = Literal["z", "t", "containment"]
Method = Literal["REML", "ML"]
Variant = Literal["strict", "extended", "calibrated"]
Target = Literal["means", "draws", "raw"]
Folds = Literal["study", "group"]
Coding = Literal["levels", "alphabet"]
Weights = Literal["equal", "frequency"]
WeightsPrior = Literal["cumulative", "independent"]
Transform = Literal["auto", "none"]
PictureOfStudies = Literal[
    "forest", "bubble", "funnel", "zplot", "cumulative", "labbe", "radial", "rob"
]
Picture = Literal[PictureOfStudies, "means", "orchard", "caterpillar", "taus", "chains"]
ForestLayout = Literal["plain", "revman", "jama", "bmj"]
AxisTransform = Literal["auto", "none", "exp", "tanh", "plogis"]


def check_choice(name: str, value: object, choices: Any) -> None:
    """Raise BadInput unless a value is a member of a Literal; `name` is that of the choice."""
    check_known(name, value, get_args(choices))


def check_known(name: str, value: object, known: Collection[str]) -> None:
    """Raise BadInput, with the nearest known value, unless a value is known."""
    if value not in known:
        near = nearest(str(value), known)
        raise BadInput(f"unknown {name} {value!r}{near}; choose one of: {', '.join(known)}")


def nearest(name: str, known: Iterable[object]) -> str:
    """Return " (did you mean 'X'?)" with the known name nearest to `name`, or ""."""
    by_lower = {str(candidate).lower(): str(candidate) for candidate in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f" (did you mean {by_lower[near[0]]!r}?)" if near else ""


def check_sampler(sampler: str) -> None:
    """Raise BadInput if a NUTS sampler is unknown or not installed."""
    check_choice("sampler", sampler, NutsSampler)
    if find_spec(sampler) is None:
        install = f"pip install 'bayesmeta[{sampler}]'"
        raise BadInput(f"the sampler '{sampler}' is not installed; install it with: {install}")
