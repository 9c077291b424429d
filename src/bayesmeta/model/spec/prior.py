"""A prior as a model file writes it: `Normal(0, 1.5)`, with its reason."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec.families import FAMILIES, families_of

_PRIOR = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")
_NAMES = re.compile(r"`([^`]*)`|([^:`]*[^:`\s][^:`]*)")


@dataclass(frozen=True)
class Prior:
    """A distribution by name and parameters, with the reason for it: `Normal(0, 1.5)`."""

    family: str
    parameters: tuple[float, ...]
    reason: str = ""
    pooling_sd: "Prior | None" = None  # prior of an estimated sd; a Normal's sd is a multiple of it

    def __str__(self) -> str:
        if self.pooling_sd is not None:
            centre = f"{self.parameters[0]:g}"
            return f"{self.family}({centre}, pooling_sd), pooling_sd ~ {self.pooling_sd}"
        return f"{self.family}({', '.join(f'{value:g}' for value in self.parameters)})"

    @property
    def distribution(self) -> Any:
        """Return the frozen SciPy distribution; raise KeyError for a flat prior, which has none."""
        return _distribution(self.family, self.parameters)

    @classmethod
    def parse(cls, key: str, entry: Any) -> Self:
        """Read an entry of a model file, a text or a table.

            {prior = "HalfNormal(1)", reason = "..."}
            {prior = "Normal(0, pooling_sd)", pooling_sd = "HalfNormal(1)"}

        Raise BadInput on an unknown family, a wrong number of parameters or a scale of 0 or less.
        """
        entry = {"prior": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, Mapping) or not isinstance(entry.get("prior"), str):
            wanted = '{prior = "Normal(0, 1.5)", reason = "..."}'
            raise BadInput(f"prior of {key} is {entry!r}; it should read {wanted}")
        refuse_unknown(entry, ("prior", "pooling_sd", "reason"), f"prior of {key}")
        pooling_sd = cls.parse("tau", entry["pooling_sd"]) if "pooling_sd" in entry else None
        text = entry["prior"]
        match = _PRIOR.fullmatch(re.sub(r"\bpooling_sd\b", "1", text) if pooling_sd else text)
        try:
            values = tuple(float(number) for number in match[2].split(",")) if match else ()
        except ValueError:
            values = ()
        family = match[1] if match else ""
        families = families_of(key)
        positive = values[1:] if family == "Normal" else values
        counted = family in families and len(values) == len(FAMILIES[family].parameters)
        if not counted or not all(0 < value < float("inf") for value in positive):
            forms = [f"{name}({', '.join(FAMILIES[name].parameters)})" for name in families]
            wanted = f"one of {', '.join(forms)} with positive scales"
            raise BadInput(f"prior of {key} is '{text}'; it should be {wanted}")
        return cls(family, values, str(entry.get("reason", "")), pooling_sd)


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
