"""The coding of a saved design, made again to code other rows in the same form."""

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import Coding, code_terms
from bayesmeta.model.design.expressions import variables_of
from bayesmeta.model.design.kinds import is_small_study
from bayesmeta.model.spec import ModelSpec


def levels_of_moderators(frame: pd.DataFrame, names: Iterable[object]) -> dict[str, list[str]]:
    """Return the levels of the moderators that are categories, in their order."""
    categories = sorted(
        str(name)
        for name in names
        if name in frame and not pd.api.types.is_numeric_dtype(frame[name])
    )
    return {name: list(map(str, pd.Categorical(frame[name]).categories)) for name in categories}


def moderator_columns(design: xr.Dataset, names: Iterable[object]) -> pd.DataFrame:
    """Return columns of a design over its effects.

    Categories have their levels in the order of the original table.
    """
    levels = json.loads(design.attrs.get("levels", "{}"))
    group = design["effect_group"].values
    positions = {
        "group": group,
        "study": design["group_study"].values[group],
        "effect": np.arange(len(group)),
    }
    columns = {}
    for name in map(str, names):
        values = design[name].values
        if name in positions:
            values = values[positions[name]]
        columns[name] = pd.Categorical(values, levels[name]) if name in levels else values
    return pd.DataFrame(columns, range(len(group)))


def coding_of(design: xr.Dataset, spec: ModelSpec) -> Coding:
    """Return the coding of a design, for `code_rows`; without the slope of a small-study effect.

    Raises
    ------
    BadInput
        The design does not contain the moderators from which it was coded.
    """
    from formulaic import Formula

    names = [name for name in variables_of(Formula(spec.terms)) if name in design]
    frame = moderator_columns(design, names)
    coding = code_terms(frame, spec.terms, informed=spec.pooled_factors)
    terms = design["term"].values[~is_small_study(design)]
    again = coding.matrix.reindex(columns=list(terms))
    same_size = len(terms) == coding.matrix.shape[1]
    if not same_size or not np.allclose(again, design["X"].sel(term=terms).values):
        raise BadInput(
            f"the terms '{spec.terms}' cannot be coded again from this posterior; it was made by "
            "another version of bayesmeta: run bayesmeta fit again"
        )
    return coding
