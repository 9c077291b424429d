"""The coding of a saved design, made again to code other rows in the same form."""

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr
from formulaic import Formula
from pandas.api.types import is_numeric_dtype

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import Coding, code_terms
from bayesmeta.model.design.expressions import variables_of
from bayesmeta.model.design.kinds import is_small_study
from bayesmeta.model.spec import ModelSpec


def levels_of_moderators(frame: pd.DataFrame, names: Iterable[object]) -> dict[str, list[str]]:
    """Return the levels of the moderators that are categories, in their order."""
    columns = {str(name): frame[name] for name in sorted(map(str, names)) if name in frame}
    categorical = {name: column for name, column in columns.items() if not is_numeric_dtype(column)}
    return {name: [*map(str, pd.Categorical(x).categories)] for name, x in categorical.items()}


def moderator_columns(design: xr.Dataset, names: Iterable[object]) -> pd.DataFrame:
    """Return columns of a design over its effects; categories keep the table's levels."""
    levels = json.loads(design.attrs.get("levels", "{}"))
    group = design["effect_group"].values
    positions = {"group": group, "study": design["group_study"].values[group]}
    columns = {}
    for name in map(str, names):
        values = design[name].values[positions.get(name, slice(None))]
        columns[name] = pd.Categorical(values, levels[name]) if name in levels else values
    return pd.DataFrame(columns, range(len(group)))


def coding_of(design: xr.Dataset, spec: ModelSpec) -> Coding:
    """Return the coding of a design, for `code_rows`; without the slope of a small-study effect.

    Raise BadInput if the design lacks the moderators from which it was coded.
    """
    names = [name for name in variables_of(Formula(spec.terms)) if name in design]
    columns = moderator_columns(design, names)
    coding = code_terms(columns, spec.terms, informed=spec.pooled_factors)
    terms = design["term"].values[~is_small_study(design)]
    again = coding.matrix.reindex(columns=list(terms))
    same_size = len(terms) == coding.matrix.shape[1]
    if not same_size or not np.allclose(again, design["X"].sel(term=terms).values):
        reason = f"cannot be coded again by the terms '{spec.terms}'; run bayesmeta fit again"
        raise BadInput(f"this posterior, of another version of bayesmeta, {reason}")
    return coding
