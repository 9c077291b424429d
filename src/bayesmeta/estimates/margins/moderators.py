"""The moderators of a posterior: the columns on which its means and taus depend."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import coding_of, moderator_columns, variables_of
from bayesmeta.model.spec import spec_of

At = Mapping[str, Sequence[Any]] | None  # values of some moderators in a reference grid
RESERVED = ["mean", "sd", "ci_lb", "ci_ub", "p_positive"]  # columns of the tables of predictions
RESERVED += ["outside", "k", "studies", "moderator", "level"]
MAX_LEVELS = 2  # a number with so few values is a category: no study has a value at its mean


@dataclass(frozen=True)
class Moderators:
    """The columns on which a model's means, and its taus, depend."""

    names: tuple[str, ...]  # in the order of the formula; the column of the taus last, if not in it
    columns: pd.DataFrame  # their values in the analysed effects
    levels: dict[str, list[Any]]  # of text, truth values, numbers that are few or coded as levels
    fixed: frozenset[str]  # categories without other values; to the formula the rest are numbers
    numbers: tuple[str, ...]  # the names that are no categories


def moderators_of(tree: xr.DataTree) -> Moderators:
    """Return the moderators; BadInput if the formula is not coded again or a name is reserved."""
    design = tree["constant_data"].to_dataset()
    spec = spec_of(tree)
    coding = coding_of(design, spec).spec
    names = variables_of(coding.formula)
    names += [spec.tau_by] if spec.tau_by and spec.tau_by not in names else []
    if clash := [name for name in names if name in RESERVED or name.startswith("pi_")]:
        problem = f"moderators {clash} have names that the tables of predictions need"
        raise BadInput(f"{problem}; rename the columns")
    columns = moderator_columns(design, names)
    integers = [name for name in names if pd.api.types.is_integer_dtype(columns[name])]
    columns = columns.astype(dict.fromkeys(integers, float))
    coded_as_levels = _coded_as_levels(coding)
    fixed = {name for name in names if name in coded_as_levels or is_category(columns[name])}
    levels = {
        name: _levels(columns[name])
        for name in names
        if name in fixed or columns[name].nunique() <= MAX_LEVELS
    }
    numbers = tuple(name for name in names if name not in levels)
    return Moderators(tuple(names), columns, levels, frozenset(fixed), numbers)


def _coded_as_levels(coding: Any) -> set[str]:
    """Return the variables that a formulaic ModelSpec codes as categories, such as `C(dose)`."""
    kinds = {name: kind.value for name, (kind, _) in coding.encoder_state.items()}
    categories = [name for name, kind in kinds.items() if kind == "categorical"]
    variables = {str(factor): names for factor, names in coding.factor_variables.items()}
    return {str(name) for category in categories for name in variables[category]}


def is_category(values: pd.Series) -> bool:
    """Return whether values are text or truth values."""
    return not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)


def _levels(values: pd.Series) -> list[Any]:
    """Return the values that effects have; those of a categorical column in its order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [level for level in values.cat.categories if (values == level).any()]
    return sorted(values.unique().tolist())


def listed(names: Iterable[object]) -> str:
    """Return names with commas between them for an error message, `none` without any."""
    return ", ".join(map(str, names)) or "none"


def check_names(moderators: Moderators, names: Iterable[str]) -> None:
    """Raise BadInput if names are not those of moderators."""
    if unknown := [name for name in names if name not in moderators.names]:
        known = f"it has: {listed(moderators.names)}"
        raise BadInput(f"{listed(unknown)} are not moderators of this model; {known}")
