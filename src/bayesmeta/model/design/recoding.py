"""The coding of a saved design made again, so that rows that are not in it can be coded in the same way."""

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
    """Levels of the moderators that are categories, in their order."""
    chosen = [
        str(name)
        for name in names
        if name in frame and not pd.api.types.is_numeric_dtype(frame[name])
    ]
    found = {name: pd.Categorical(frame[name]).categories for name in sorted(chosen)}
    return {name: list(map(str, levels)) for name, levels in found.items()}


def moderator_columns(design: xr.Dataset, names: Iterable[object]) -> pd.DataFrame:
    """Columns of a design over its effects, categories with their levels in the order of the table they came from."""
    levels = json.loads(design.attrs.get("levels", "{}"))
    group = design["effect_group"].values
    nested = {
        "group": group,
        "study": design["group_study"].values[group],
        "effect": np.arange(len(group)),
    }
    columns = {}
    for name in map(str, names):
        values = design[name].values[nested[name]] if name in nested else design[name].values
        columns[name] = pd.Categorical(values, levels[name]) if name in levels else values
    return pd.DataFrame(columns, range(len(group)))


def coding_of(design: xr.Dataset, spec: ModelSpec) -> Coding:
    """The coding of a design, for `code_rows`; the slope of a bias is none of its terms.

    Raises
    ------
    BadInput
        It was coded from something that the design does not hold.
    """
    from formulaic import Formula

    frame = moderator_columns(
        design, [name for name in variables_of(Formula(spec.terms)) if name in design]
    )
    coding = code_terms(
        frame,
        spec.terms,
        informed=[key.split(":") for key in spec.parts] if spec.pooling_sds else (),
    )
    terms = design["term"].values[~is_small_study(design)]
    again = coding.matrix.reindex(columns=list(terms))
    if len(terms) != coding.matrix.shape[1] or not np.allclose(
        again, design["X"].sel(term=terms).values
    ):
        raise BadInput(
            f"the terms '{spec.terms}' cannot be coded again from this posterior; it was made by another version of "
            "bayesmeta: run bayesmeta fit again"
        )
    return coding
