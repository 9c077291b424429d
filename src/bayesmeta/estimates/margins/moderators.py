"""What the mean of a posterior, and its taus, depend on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import coding_of, moderator_columns, variables_of
from bayesmeta.model.spec import spec_of

OURS = (
    "mean",
    "sd",
    "ci_lb",
    "ci_ub",
    "p_positive",
    "outside",
    "k",
    "studies",
    "moderator",
    "level",
)  # columns
FEW = 2  # a number with no more values is a category: its mean is nobody's


@dataclass(frozen=True)
class Moderators:
    """What a model's mean, and its taus, depend on.

    Attributes
    ----------
    names : tuple of str
        In the order of the formula; the column by which taus differ last, where the formula has it not.
    columns : DataFrame
        Their values in the effects that were analysed.
    levels : dict
        Of each category its values: text, truth values, or numbers that are few or coded as levels.
    fixed : frozenset of str
        Categories that can have no other values; the rest are numbers to the formula.
    numbers : tuple of str
        The others.
    """

    names: tuple[str, ...]
    columns: pd.DataFrame
    levels: dict[str, list[Any]]
    fixed: frozenset[str]
    numbers: tuple[str, ...]


def moderators_of(tree: xr.DataTree) -> Moderators:
    """The moderators of a posterior.

    Raises
    ------
    BadInput
        Its formula cannot be coded again, or a moderator has a name that the tables need.
    """
    design, spec = tree["constant_data"].to_dataset(), spec_of(tree)
    coded = coding_of(design, spec).spec
    names = variables_of(coded.formula)
    names += [spec.tau_by] if spec.tau_by and spec.tau_by not in names else []
    if clash := [name for name in names if name in OURS or name.startswith("pi_")]:
        raise BadInput(
            f"moderators {clash} have names that the tables of predictions need; rename the columns"
        )
    columns = moderator_columns(design, names)
    counted = [name for name in names if pd.api.types.is_integer_dtype(columns[name])]
    columns = columns.astype(dict.fromkeys(counted, float))
    expressions = {
        str(factor): set(map(str, known)) for factor, known in coded.factor_variables.items()
    }
    as_levels = {
        name
        for expression, (kind, _) in coded.encoder_state.items()
        if kind.value == "categorical"
        for name in expressions[expression] & set(names)
    }
    levels, fixed = {}, set()
    for name in names:
        values = columns[name]
        if (
            not pd.api.types.is_numeric_dtype(values)
            or name in as_levels
            or pd.api.types.is_bool_dtype(values)
        ):
            fixed.add(name)
        if name in fixed or values.nunique() <= FEW:
            levels[name] = _levels(values)
    numbers = tuple(name for name in names if name not in levels)
    return Moderators(tuple(names), columns, levels, frozenset(fixed), numbers)


def _levels(values: pd.Series) -> list[Any]:
    """The values that effects have, categories in their own order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [level for level in values.cat.categories if (values == level).any()]
    return sorted(values.unique().tolist())


def listed(names: Iterable[object]) -> str:
    """Names as an error says them."""
    return ", ".join(map(str, names)) or "none"
