"""A prior as a model file writes it: `Normal(0, 1.5)`, with its reason."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from bayesmeta.infrastructure.errors import BadInput

FAMILIES = {
    "Normal": 2,
    "Beta": 2,
    "Gamma": 2,
    "HalfNormal": 1,
    "HalfCauchy": 1,
    "Exponential": 1,
    "InvGamma": 2,
}
FAMILIES_OF = dict.fromkeys(("rho", "aggregate"), ("Beta",)) | dict.fromkeys(  # of priors that are not of terms
    ("tau", "nu", "weights", "gap"), tuple(name for name in FAMILIES if name not in ("Normal", "Beta"))
)
_PRIOR = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")


@dataclass(frozen=True)
class Prior:
    """A distribution by name and parameters, with the reason it was chosen: `Normal(0, 1.5)`.

    With a `spread`, a Normal's sd is that many times a standard deviation that is estimated under the spread's prior.
    """

    family: str
    parameters: tuple[float, ...]
    reason: str = ""
    pooling_sd: "Prior | None" = None

    def __str__(self) -> str:
        if self.pooling_sd is not None:
            return f"{self.family}({self.parameters[0]:g}, pooling_sd), pooling_sd ~ {self.pooling_sd}"
        return f"{self.family}({', '.join(f'{value:g}' for value in self.parameters)})"

    @classmethod
    def parse(cls, key: str, entry: Any) -> Self:
        """Read `{prior = "HalfNormal(1)", reason = "..."}` or `{prior = "Normal(0, pooling_sd)", pooling_sd = ...}`.

        Raises
        ------
        BadInput
            Unknown family, wrong number of parameters, a scale that is not positive.
        """
        entry = {"prior": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, Mapping) or not isinstance(entry.get("prior"), str):
            raise BadInput(f'prior of {key} is {entry!r}; it should read {{prior = "Normal(0, 1.5)", reason = "..."}}')
        refuse_unknown(entry, ("prior", "pooling_sd", "reason"), f"prior of {key}")
        spread = cls.parse("tau", entry["pooling_sd"]) if "pooling_sd" in entry else None
        match = _PRIOR.fullmatch(entry["prior"] if spread is None else re.sub(r"\bpooling_sd\b", "1", entry["prior"]))
        try:
            values = tuple(float(number) for number in match[2].split(",")) if match else ()
        except ValueError:
            values = ()
        family = match[1] if match else ""
        wanted = FAMILIES_OF.get(key, ("Normal",))
        positive = values[1:] if family == "Normal" else values
        if family not in wanted or len(values) != FAMILIES[family] or not all(0 < v < float("inf") for v in positive):
            raise BadInput(
                f"prior of {key} is '{entry['prior']}'; it should be one of "
                f"{', '.join(f'{name}({_arguments(name)})' for name in wanted)} with positive scales"
            )
        return cls(family, values, str(entry.get("reason", "")), spread)


def _arguments(family: str) -> str:
    named = {"Normal": "mean, sd", "Beta": "a, b", "InvGamma": "shape, scale", "Gamma": "shape, rate"}
    return named.get(family, "scale")


def refuse_unknown(got: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise BadInput when a key is not among the known ones, with the nearest known one."""
    known = tuple(known)
    if unknown := [key for key in got if key not in known]:
        near = difflib.get_close_matches(unknown[0], known, 1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        raise BadInput(f"{where} has unknown keys {unknown}{hint}; the known ones are: {', '.join(known)}")
