"""A prior as a model file writes it: `Normal(0, 1.5)`, with its reason."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec.families import (
    CUMULATIVE,
    FAMILIES,
    POINT,
    REAL,
    families_of,
    support_of,
)
from bayesmeta.model.spec.truncated import Truncated

_PRIOR = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")
_NAMES = re.compile(r"`([^`]*)`|([^:`]*[^:`\s][^:`]*)")


@dataclass(frozen=True)
class Prior:
    """A distribution by name and parameters, with the reason for it: `Normal(0, 1.5)`."""

    family: str
    parameters: tuple[float, ...]
    reason: str = ""
    pooling_sd: "Prior | None" = None  # prior of an estimated sd; a Normal's sd is a multiple of it
    allocation: tuple[float, ...] = ()  # of a total tau: Dirichlet of the levels' variance shares
    raw: bool = False  # of a term: about the coefficient in the units of the table
    lower: float | None = None  # of a term: it is at least this
    upper: float | None = None  # of a term: it is at most this

    def __str__(self) -> str:
        if self.pooling_sd is not None:
            centre = f"{self.parameters[0]:g}"
            return f"{self.family}({centre}, pooling_sd), pooling_sd ~ {self.pooling_sd}"
        text = _call(self.family, self.parameters)
        if self.allocation:
            return (
                f"total {text}, shares ~ {_call(_shares_family(self.allocation), self.allocation)}"
            )
        ends = {"above": self.lower, "below": self.upper}
        limits = [f"{word} {end:g}" for word, end in ends.items() if end is not None]
        text = f"{text} {' and '.join(limits)}" if limits else text
        return f"{text} in the units of the table" if self.raw else text

    @property
    def falling(self) -> int:
        """Return how many publication weights fall from 1 in a stratum, 0 if they do not."""
        return len(self.parameters) - 1 if self.family == CUMULATIVE else 0

    @property
    def is_limited(self) -> bool:
        """Return whether the prior is of a part of the numbers."""
        return self.lower is not None or self.upper is not None

    @property
    def limits(self) -> tuple[float, float]:
        """Return the ends of the range, infinite where there is none."""
        return (
            -np.inf if self.lower is None else self.lower,
            np.inf if self.upper is None else self.upper,
        )

    @property
    def distribution(self) -> Any:
        """Return the distribution of SciPy; raise KeyError for a flat prior, which has none."""
        untruncated = _distribution(self.family, self.parameters)
        return Truncated(untruncated, *self.limits) if self.is_limited else untruncated

    @classmethod
    def parse(cls, key: str, entry: Any) -> Self:
        """Read an entry of a model file, a text or a table.

            {prior = "HalfNormal(1)", reason = "..."}
            {prior = "Normal(0, pooling_sd)", pooling_sd = "HalfNormal(1)"}
            {prior = "Normal(0, 1)", scale = "raw"}                       a slope per unit
            {prior = "Normal(0, 1)", lower = 0}                           a term of a known sign
            {prior = "HalfNormal(0.5)", allocation = "Beta(1, 1)"}        the total tau, its split

        Raise BadInput on an unknown family, a wrong number of parameters or a scale of 0 or less.
        """
        entry = {"prior": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, Mapping) or not isinstance(entry.get("prior"), str):
            wanted = '{prior = "Normal(0, 1.5)", reason = "..."}'
            raise BadInput(f"prior of {key} is {entry!r}; it should read {wanted}")
        known = ("prior", "pooling_sd", "reason", "allocation", "scale", "lower", "upper")
        refuse_unknown(entry, known, f"prior of {key}")
        pooling_sd = cls.parse("tau", entry["pooling_sd"]) if "pooling_sd" in entry else None
        text = entry["prior"]
        family, values = _parsed(re.sub(r"\bpooling_sd\b", "1", text) if pooling_sd else text)
        families = families_of(key)
        if family not in families or not FAMILIES[family].fits(values):
            forms = [f"{name}({', '.join(FAMILIES[name].parameters)})" for name in families]
            wanted = f"one of {', '.join(forms)}, with finite numbers and positive scales"
            raise BadInput(f"prior of {key} is '{text}'; it should be {wanted}")
        allocation = _allocation(key, entry["allocation"]) if "allocation" in entry else ()
        scale = entry.get("scale", "standardised")
        if scale not in SCALES or (scale == "raw" and support_of(key) != REAL):
            wanted = f"one of {', '.join(SCALES)}, and a tau has none"
            raise BadInput(f"scale of the prior of {key} is {scale!r}; it should be {wanted}")
        reason = str(entry.get("reason", ""))
        lower, upper = (entry.get(end) for end in ("lower", "upper"))
        prior = cls(family, values, reason, pooling_sd, allocation, scale == "raw", lower, upper)
        check_limits(key, prior)
        return prior


SCALES = ("standardised", "raw")
LEAST_MASS = 1e-3  # probability of the range of a limited prior without the limits


def _call(name: str, parameters: Iterable[float]) -> str:
    return f"{name}({', '.join(f'{value:g}' for value in parameters)})"


def _shares_family(allocation: tuple[float, ...]) -> str:
    return "Beta" if len(allocation) == 2 else "Dirichlet"


def _parsed(text: str) -> tuple[str, tuple[float, ...]]:
    """Return family and parameters of `Normal(0, 1.5)`; ("", ()) of a text that is no prior."""
    match = _PRIOR.fullmatch(text)
    try:
        return (match[1], tuple(map(float, match[2].split(",")))) if match else ("", ())
    except ValueError:
        return "", ()


def _allocation(key: str, text: Any) -> tuple[float, ...]:
    """Return the parameters of a Beta or Dirichlet distribution; raise BadInput otherwise."""
    family, values = _parsed(str(text))
    fine = len(values) > 1 and all(0 < value < float("inf") for value in values)
    if key != "tau" or not fine or family != _shares_family(values):
        wanted = 'allocation = "Beta(1, 1)" of two levels, "Dirichlet(1, 1, 1)" of three, of tau'
        raise BadInput(f"allocation of the prior of {key} is {text!r}; it should read {wanted}")
    return values


def check_limits(key: str, prior: Prior) -> None:
    """Raise BadInput unless the limits of a prior, if it has any, are those of a term."""
    if not prior.is_limited:
        return
    ends = [end for end in (prior.lower, prior.upper) if end is not None]
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
    got = f"limits of the prior of {key} are lower = {prior.lower!r}, upper = {prior.upper!r}"
    if not numbers or not np.isfinite(ends).all() or ends != sorted(set(ends)):
        raise BadInput(f"{got}; they should be finite numbers, the lower below the upper")
    if support_of(key) != REAL or prior.family == POINT or prior.pooling_sd is not None:
        of = "of a term that is neither a point nor has a pooling sd"
        raise BadInput(f"{got}; lower and upper belong to the prior {of}")
    if prior.distribution.mass < LEAST_MASS:
        raise BadInput(f"{got}; {_call(prior.family, prior.parameters)} has nearly nothing there")


@cache
def _distribution(family: str, parameters: tuple[float, ...]) -> Any:
    return FAMILIES[family].distribution(*parameters)


FLAT = Prior("Flat", ())  # improper, as the next; no model file has them
FLAT_VARIANCE = Prior("FlatVariance", ())  # of a tau, flat on its square


def refuse_unknown(got: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise BadInput with the nearest known key if a key is unknown."""
    known = tuple(known)
    if unknown := [key for key in got if key not in known]:
        near = difflib.get_close_matches(unknown[0], known, 1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        names = ", ".join(known)
        raise BadInput(f"{where} has unknown keys {unknown}{hint}; the known ones are: {names}")


def split_names(text: str) -> list[str]:
    """Return the columns that `valence:phase` or "`study id`:phase" names, without backticks."""
    return [(match[1] or match[2]).strip() for match in _NAMES.finditer(text)]
