"""A prior as a model file writes it: `Normal(0, 1.5)`, with its reason."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec.families import FAMILIES, REAL, families_of, support_of

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

    def __str__(self) -> str:
        if self.pooling_sd is not None:
            centre = f"{self.parameters[0]:g}"
            return f"{self.family}({centre}, pooling_sd), pooling_sd ~ {self.pooling_sd}"
        text = _call(self.family, self.parameters)
        if self.allocation:
            return (
                f"total {text}, shares ~ {_call(_shares_family(self.allocation), self.allocation)}"
            )
        return f"{text} in the units of the table" if self.raw else text

    @property
    def distribution(self) -> Any:
        """Return the frozen SciPy distribution; raise KeyError for a flat prior, which has none."""
        return _distribution(self.family, self.parameters)

    @classmethod
    def parse(cls, key: str, entry: Any) -> Self:
        """Read an entry of a model file, a text or a table.

            {prior = "HalfNormal(1)", reason = "..."}
            {prior = "Normal(0, pooling_sd)", pooling_sd = "HalfNormal(1)"}
            {prior = "Normal(0, 1)", scale = "raw"}                       a slope per unit
            {prior = "HalfNormal(0.5)", allocation = "Beta(1, 1)"}        the total tau, its split

        Raise BadInput on an unknown family, a wrong number of parameters or a scale of 0 or less.
        """
        entry = {"prior": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, Mapping) or not isinstance(entry.get("prior"), str):
            wanted = '{prior = "Normal(0, 1.5)", reason = "..."}'
            raise BadInput(f"prior of {key} is {entry!r}; it should read {wanted}")
        known = ("prior", "pooling_sd", "reason", "allocation", "scale")
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
        return cls(family, values, reason, pooling_sd, allocation, scale == "raw")


SCALES = ("standardised", "raw")


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
