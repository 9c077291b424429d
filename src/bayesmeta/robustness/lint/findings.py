"""What the lint looks at and what it gives: a subject, findings, and for each the rows concerned and a remedy."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.inference.reml import Reml, fit_reml
from bayesmeta.model.design import split_strata
from bayesmeta.model.spec import ModelSpec

NUMBERS = (*TWO_GROUPS, "sem1i", "sem2i", "n2i_reported")  # where a file may have text
ROWS = ["effect", "study", "group", "value", "usual"]


@dataclass(frozen=True)
class Subject:
    """An analysis as it is: effect table with labels 0, 1, ..., model, design of both."""

    frame: pd.DataFrame
    spec: ModelSpec
    design: xr.Dataset

    @cached_property
    def cell(self) -> "pd.Series[str]":
        """Each effect's cell: effects with the same values of every term; one for all where terms are continuous."""
        _, codes = np.unique(self.design["X"].values, axis=0, return_inverse=True)
        if codes.max() + 1 > max(20, len(codes) // 10):
            codes = np.zeros_like(codes)
        return pd.Series(codes.astype(str), self.frame.index)

    @cached_property
    def nested(self) -> dict[str, Reml]:
        """REML fits of the model with the effect level, by stratum; "" where taus do not differ by stratum.

        Raises
        ------
        BadInput
            There is none.
        """
        return self.fits(with_effects(self.spec))

    def fits(self, spec: ModelSpec) -> dict[str, Reml]:
        """REML fits of a model by stratum, as `nested`."""
        parts = split_strata(self.design, spec) if spec.tau_by else {"": (self.design, spec)}
        return {name: fit_reml(own, single) for name, (own, single) in parts.items()}

    def has(self, name: str) -> bool:
        """Whether the table has a column, and numbers in it where they are wanted."""
        return name in self.frame and (name not in NUMBERS or pd.api.types.is_numeric_dtype(self.frame[name]))

    @property
    def raw(self) -> bool:
        """Whether the table has the means, standard deviations and sizes of both groups."""
        return all(map(self.has, TWO_GROUPS))

    @property
    def reported(self) -> "pd.Series[float]":
        """Sizes of the control groups before they were split, (k,)."""
        return self.frame["n2i_reported" if self.has("n2i_reported") else "n2i"]

    def kinds(self, *names: str) -> "pd.Series[str] | None":
        """Each effect's kind: the values of these columns, within an organism; None where a column is not there."""
        if not set(names) <= set(self.frame.columns):
            return None
        within = [*names, *(["organism"] if "organism" in self.frame else [])]
        columns = [self.frame[name].astype(object).fillna("").astype(str) for name in within]
        return pd.concat(columns, axis=1).agg(" | ".join, axis=1)


@dataclass(frozen=True)
class Remedy:
    """An analysis without the problem.

    Attributes
    ----------
    what : in words, what is done: "SDs read as SEMs, turned into SDs".
    frame, spec : its effect table and model.
    against : the model that it is set against, where that is not the subject's.
    """

    what: str
    frame: pd.DataFrame
    spec: ModelSpec
    against: ModelSpec | None = None


@dataclass(frozen=True)
class Finding:
    """One problem.

    Attributes
    ----------
    rank : 1 it is all but certain and can change conclusions; 2 look at it; 3 know about it.
    code, title : its kind, for machines and in words.
    evidence, measure : a number, and in words what it is.
    why, advice : why it matters; what to do.
    rows : effect, study, group, value, usual (what would be usual), of the effects concerned; may be empty.
    remedy : where there is one.
    weight : orders findings of one rank and code, largest first.
    """

    rank: int
    code: str
    title: str
    evidence: float
    measure: str
    why: str
    advice: str
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ROWS))
    remedy: Remedy | None = None
    weight: float = 0.0

    @property
    def studies(self) -> list[str]:
        """Studies of the rows, in the order of the table."""
        return [str(study) for study in self.rows["study"].unique()]


def with_effects(spec: ModelSpec) -> ModelSpec:
    """The model with the effect level."""
    return spec if "effect" in spec.levels else replace(spec, levels=(*spec.levels, "effect"))


def rows_of(frame: pd.DataFrame, which: Any, value: Any, usual: Any = "") -> pd.DataFrame:
    """`Finding.rows` of the effects for which `which` (k,) holds; value and usual (k,) or one for all."""
    told = pd.DataFrame({"value": value, "usual": usual}, frame.index)
    return frame[["effect", "study", "group"]].join(told)[np.asarray(which, bool)].reset_index(drop=True)


def left_out(subject: Subject, which: Any, what: str) -> Remedy | None:
    """The analysis without the effects for which `which` (k,) holds; None where too little is left."""
    kept = subject.frame[~np.asarray(which, bool)].reset_index(drop=True)
    kept.attrs = subject.frame.attrs
    return Remedy(what, kept, subject.spec) if len(set(kept["study"])) > 1 else None


def ordered(findings: Sequence[Finding], codes: Sequence[str]) -> list[Finding]:
    """By rank, then in the order of the codes, then by weight."""
    place = {code: number for number, code in enumerate(codes)}
    return sorted(findings, key=lambda one: (one.rank, place.get(one.code, len(place)), -one.weight))
