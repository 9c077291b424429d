"""Priors from earlier meta-analyses, by name: `data/informed_priors.csv`.

A prior of tau^2 in a publication is that of tau here: with log tau^2 ~ N(m, s^2), log tau ~
N(m / 2, s^2 / 4), and likewise for a Student-t distribution. Values were compared with a second
source: those of Bartos et al. with the published tables and with the R package BayesTools, those of
Turner et al. and Rhodes et al. with the R packages bayesmeta and rnmamod, that of Oosterwijk with
BayesTools and metaBMA. Three settings of Rhodes et al. are left out: the packages have different
signs for one, and two are off by .3 and 1 from the sum of effects of area, outcome and comparison
that all others are.
"""

import csv
import difflib
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root
from bayesmeta.model.spec.families import TAU_OF
from bayesmeta.model.spec.model import ModelSpec
from bayesmeta.model.spec.prior import Prior

TABLE = "data/informed_priors.csv"
ALIKE = {"SMD": ("SMD", "SMDH", "SMD1", "SMD1H", "SMCC", "SMCR", "SMCRP")}  # on the same scale


class Informed(NamedTuple):
    """Priors from a publication; "" where it has none."""

    name: str
    measure: str
    field: str
    effect: str
    lower: str  # limit of the effect
    tau: str
    source: str
    doi: str

    def priors(self) -> dict[str, Prior]:
        """Return the prior of the effect and that of tau, of those that there are."""
        priors = {}
        if self.effect:
            limit = {"lower": float(self.lower)} if self.lower else {}
            priors["effect"] = Prior.parse("terms", {"prior": self.effect, **limit})
        if self.tau:
            priors["tau"] = Prior.parse("tau", self.tau)
        return priors


@cache
def informed_priors() -> tuple[Informed, ...]:
    """Return the catalogue, in the order of the file."""
    with (root() / TABLE).open(encoding="utf-8", newline="") as file:
        return tuple(Informed(**row) for row in csv.DictReader(file))


def informed(name: str) -> Informed:
    """Return the priors of a name; raise BadInput with the nearest ones if there are none."""
    known = {entry.name: entry for entry in informed_priors()}
    if name in known:
        return known[name]
    within = [other for other in known if name.lower() in other][:5]
    near = within or difflib.get_close_matches(name.lower(), known, 5, 0.5)
    hint = f"; similar ones: {', '.join(near)}" if near else ""
    raise BadInput(f"no informed prior '{name}'{hint}; bayesmeta priors lists all")


def with_informed(spec: ModelSpec, name: str, measures: Collection[str]) -> ModelSpec:
    """Return a model with the priors of a name, of its mean effects and of its taus.

    measures : that the table may have; empty if it is not known. Where a formula has an intercept,
    slopes and differences keep their priors. Raise BadInput if the name does not exist, is of
    another measure, or the model has no prior of terms to replace.
    """
    entry = informed(name)
    same = {entry.measure, *ALIKE.get(entry.measure, ())}
    if measures and not same & set(measures):
        got = f"prior {name} is of {entry.measure}, the effects are {', '.join(sorted(measures))}"
        raise BadInput(f"{got}; bayesmeta priors {sorted(measures)[0]} lists its priors")
    reason = f"{entry.field}: {entry.source}, doi {entry.doi}"
    priors = dict(spec.priors)
    of_entry = entry.priors()
    if "effect" in of_entry:
        if "terms" not in priors:
            parts = ", ".join(spec.parts)
            raise BadInput(f"prior {name} replaces [priors.terms]; model {spec.name} has {parts}")
        has_intercept = not spec.terms.replace(" ", "").startswith(("0+", "-1+"))
        key = "intercept" if has_intercept else "terms"
        priors[key] = replace(of_entry["effect"], reason=reason)
    if "tau" in of_entry:
        priors = {key: x for key, x in priors.items() if not key.startswith(TAU_OF)}
        priors["tau"] = replace(of_entry["tau"], reason=reason)
    return replace(spec, name=f"{spec.name}-{name.replace(':', '-')}", priors=priors)
