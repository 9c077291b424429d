"""The moderators of a design as features: what the unknown ones depend on.

Features are the columns of the regressions of numbers: 1, an indicator of every value of every
category but its first, and numbers, less their means and divided by their sds over units.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.blanks import BINARY, Number, level_of
from bayesmeta.model.design.completing import Unknowns, moderator_names, unknowns_of
from bayesmeta.model.design.recoding import coding_of, moderator_columns
from bayesmeta.model.spec import ModelSpec

Scales = Mapping[str, tuple[float, float]]  # mean and sd of numbers


class Feature(NamedTuple):
    """A number among the features."""

    name: str
    column: int
    level: str
    scale: tuple[float, float]


class Table:
    """The moderators of a design."""

    def __init__(self, design: xr.Dataset, spec: ModelSpec, scales: Scales | None = None) -> None:
        self.design = design
        self.frame, cells = observed(design, spec)
        self.coding = coding_of(design, spec)
        self.unknowns: Unknowns = unknowns_of(self.frame, self.coding, cells)
        self.rows = self.unknowns.states.rows
        self.numbers: list[Number] = self.unknowns.numbers
        self.blank = {blank.name: blank for blank in self.unknowns.blanks}
        names = [name for name in moderator_names(spec.terms) if name in self.frame]
        of_numbers = {number.name: number.x for number in self.numbers}
        others = [name for name in names if name not in of_numbers]
        self.categories = [name for name in others if not _is_number(self.frame[name])]
        complete = [name for name in others if name not in self.categories]
        self.complete_numbers = complete
        values = {name: self.frame[name].to_numpy(float) for name in complete} | of_numbers
        self.values = {name: _levels(self.frame[name]) for name in self.categories}  # of categories
        columns = [np.ones((len(self.frame), 1))]
        self.place: dict[str, int] = {}  # first column of a moderator
        size = 1
        for name in self.categories:
            self.place[name] = size
            columns.append(self.indicators(name, self.frame[name]))
            size += columns[-1].shape[1]
        self.features: dict[str, Feature] = {}
        for name, x in values.items():
            level = level_of(self.frame, name)
            of_units = pd.Series(x).groupby(self.unit(level)).first().dropna().to_numpy(float)
            known = (float(of_units.mean()), float(of_units.std()) or 1.0)
            scale = (scales or {}).get(name, known)
            self.features[name] = Feature(name, size, level, scale)
            columns.append(((x - scale[0]) / scale[1])[:, None])
            size += 1
        self.base = np.concatenate(columns, axis=1)  # (k, features), nan where unknown

    def unit(self, level: str) -> np.ndarray:
        """Return the study, group or effect of every row (k,)."""
        return np.asarray(pd.factorize(self.frame[level])[0])

    def indicators(self, name: str, values: pd.Series) -> np.ndarray:
        """Return indicators of the values of a category but the first (n, values - 1)."""
        known = values.notna().to_numpy()
        coded = np.column_stack(
            [np.zeros((len(values), 0))]
            + [(values == level).to_numpy(float, na_value=0.0) for level in self.values[name][1:]]
        )
        coded[~known] = np.nan
        return coded


def observed(design: xr.Dataset, spec: ModelSpec) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the moderators and the units of the rows, with blanks, and which cells are blank."""
    names = [name for name in moderator_names(spec.terms) if name in design]
    others = [name for name in names if name not in ("study", "group", "effect")]
    frame = moderator_columns(design, others)
    for name in ("study", "group"):
        frame[name] = moderator_columns(design, [name])[name].astype(str)
    frame["effect"] = design["effect"].values
    blank = design["is_blank"].transpose("effect", "blank_moderator")
    cells = pd.DataFrame(blank.values, columns=list(map(str, blank["blank_moderator"].values)))
    if unknown := [str(name) for name in cells if name not in frame]:
        raise BadInput(f"the table lacks the columns {unknown}, which moderators need")
    for name in map(str, cells):
        frame[name] = frame[name].where(~cells[name].to_numpy())
    return frame, cells


def _is_number(column: pd.Series) -> bool:
    is_number = is_numeric_dtype(column) and not is_bool_dtype(column)
    return is_number and column.nunique() > BINARY


def _levels(column: pd.Series) -> list[object]:
    """Return the values of a category, sorted."""
    return sorted(column.dropna().unique().tolist(), key=lambda x: (str(type(x)), x))
