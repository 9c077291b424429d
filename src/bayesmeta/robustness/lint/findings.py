"""Input and output of the lint: an analysis; findings with the rows concerned and a remedy."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api.types import is_numeric_dtype

from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.inference.reml import Reml, fit_reml
from bayesmeta.model.design import split_strata
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.multiverse.changes import add_effect_level

NUMBERS = (*TWO_GROUPS, "sem1i", "sem2i", "n2i_reported")  # where a file may have text
ROWS = ["effect", "study", "group", "value", "usual"]
MAX_CELLS = 20  # more distinct rows of X, in a small table, are values of a continuous moderator


@dataclass(frozen=True)
class LintInput:
    """The analysis to check."""

    frame: pd.DataFrame  # effect table with the index 0, 1, ...
    spec: ModelSpec
    design: xr.Dataset  # of both

    @cached_property
    def cell(self) -> "pd.Series[str]":
        """Return the cell of every effect, its values of all terms; a single cell if continuous."""
        _, codes = np.unique(self.design["X"].values, axis=0, return_inverse=True)
        if codes.max() + 1 > max(MAX_CELLS, len(codes) // 10):
            codes = np.zeros_like(codes)
        return pd.Series(codes.astype(str), self.frame.index)

    @cached_property
    def nested(self) -> dict[str, Reml]:
        """Return `fits` of the model with the effect level."""
        return self.fits(add_effect_level(self.spec))

    def fits(self, spec: ModelSpec) -> dict[str, Reml]:
        """Return REML fits by stratum, "" for a single stratum; raise BadInput for no such fit."""
        parts = split_strata(self.design, spec) if spec.tau_by else {"": (self.design, spec)}
        return {stratum: fit_reml(*part) for stratum, part in parts.items()}

    def has(self, name: str) -> bool:
        """Return whether the table has a column, with numbers if it is a column of numbers."""
        present = name in self.frame
        return present and (name not in NUMBERS or is_numeric_dtype(self.frame[name]))

    @property
    def raw(self) -> bool:
        """Return whether the table has means, standard deviations and sizes of both groups."""
        return all(map(self.has, TWO_GROUPS))

    @property
    def reported(self) -> "pd.Series[float]":
        """Return the sizes of the control groups before they were split (k,)."""
        return self.frame["n2i_reported" if self.has("n2i_reported") else "n2i"]

    def kinds(self, *names: str) -> "pd.Series[str] | None":
        """Return the kind of every effect: the values of these columns, within a side of the model.

        None if a column is missing. A side is a level of the factor `sides` or `tau_by`.
        """
        if not set(names) <= set(self.frame.columns):
            return None
        side = self.spec.sides or self.spec.tau_by
        within = [*names, side] if side in self.frame else names
        columns = [self.frame[name].astype(object).fillna("").astype(str) for name in within]
        kind, *others = columns
        for column in others:
            kind = kind + " | " + column
        return kind


@dataclass(frozen=True)
class Remedy:
    """An analysis without the problem."""

    what: str  # in words, the change: "SDs read as SEMs and converted to SDs"
    frame: pd.DataFrame  # its effect table
    spec: ModelSpec  # its model
    against: ModelSpec | None = None  # the model to compare with, if not that of the input


@dataclass(frozen=True)
class Finding:
    """A problem."""

    rank: int  # 1 almost certain, can change conclusions; 2 check the source; 3 for information
    code: str  # its kind, for programs
    title: str  # its kind, in words
    why: str  # why it matters
    advice: str  # what to do
    evidence: float = 0.0
    measure: str = ""  # the meaning of the evidence in words
    # the effects concerned; `usual` is the value to expect
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ROWS))
    remedy: Remedy | None = None  # the analysis without the problem, if there is such an analysis
    priority: float = 0.0  # sorts findings of the same rank and code, largest first

    @property
    def studies(self) -> list[str]:
        """Return the studies of the rows, in the order of the table."""
        return [str(study) for study in self.rows["study"].unique()]


Findings = Iterator[Finding]


def rows_of(frame: pd.DataFrame, selected: Any, value: Any, usual: Any = "") -> pd.DataFrame:
    """Return `Finding.rows` of the selected effects (k,); value and usual are (k,) or scalars."""
    columns = pd.DataFrame({"value": value, "usual": usual}, frame.index)
    rows = frame[["effect", "study", "group"]].join(columns)
    return rows[np.asarray(selected, bool)].reset_index(drop=True)


def left_out(inputs: LintInput, selected: Any, what: str) -> Remedy | None:
    """Return the analysis without the selected effects (k,); None if a single study remains."""
    kept = inputs.frame[~np.asarray(selected, bool)].reset_index(drop=True)
    kept.attrs = inputs.frame.attrs
    return Remedy(what, kept, inputs.spec) if len(set(kept["study"])) > 1 else None
