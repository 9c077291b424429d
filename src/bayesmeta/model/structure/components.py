r"""The random effects of a model as components, each with effects of units that vary by category.

    theta = X beta + sum over components of  sum_j D_ij a[unit(i), j],      a[unit] ~ N(0, G)

D (k, c) holds an indicator of the category of every row, or numbers (random slopes); a level has a
single category and D = 1. With a scale formula the rows of D are exp(z_i' alpha), so that
log tau_i = log tau + z_i' alpha, where z are moderators less their means. The units of a crossed
factor may have known correlations R between them, as those of species of a phylogeny.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from formulaic import Formula, model_matrix
from scipy import stats

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.blanks import unknown_in
from bayesmeta.model.design.expressions import check_expressions, variables_of
from bayesmeta.model.design.standardising import CONTEXT
from bayesmeta.model.spec import LEVELS, ModelSpec
from bayesmeta.model.structure.matrices import Matrix
from bayesmeta.model.structure.parameters import Parameter, Values

ETA = 1.0  # of the LKJ prior
SLOPE_SD = 0.5  # of a slope of log tau, per sd of a number: it rarely changes tau threefold
IDENTITY = "ID"
MANY = 30  # categories, of which a matrix for every draw takes long


@dataclass(frozen=True, eq=False)
class Component:
    """Random effects of one factor."""

    name: str
    unit: np.ndarray  # of every row (k,)
    labels: tuple[str, ...]  # of the units
    matrix: Matrix
    loadings: np.ndarray  # D without a scale (k, c)
    crossed: bool = False
    factor: np.ndarray | None = None  # L with L L' = R (units, units)
    category: np.ndarray = field(default_factory=lambda: np.empty(0, int))  # of rows, if D is of it
    along: pd.DataFrame = field(default_factory=pd.DataFrame)  # moderators of log tau, less means
    means: Mapping[str, float] = field(default_factory=dict)  # of these moderators

    @property
    def has_indicators(self) -> bool:
        """Return whether D has a single 1 in every row, at its category."""
        return len(self.category) > 0 and not self.slope_names

    @property
    def slope_names(self) -> list[str]:
        """Return the names of the slopes of log tau."""
        return [f"slope_{self.name}[{column}]" for column in self.along]

    @property
    def unit_labels(self) -> list[str]:
        """Return the labels of the effects: of the units, or of every unit's categories."""
        if len(self.matrix.categories) == 1:
            return list(self.labels)
        return [f"{unit}: {name}" for unit in self.labels for name in self.matrix.categories]

    def parameters(self, tau: Any) -> list[Parameter]:
        """Return the parameters, with a prior of every tau."""
        slopes = [
            Parameter(name, stats.norm(0, SLOPE_SD / _unit(column)), (-np.inf, np.inf), 0.0)
            for name, (_, column) in zip(self.slope_names, self.along.items(), strict=True)
        ]
        return [*self.matrix.parameters(tau, ETA), *slopes]

    def loadings_at(self, values: Values, rows: np.ndarray) -> np.ndarray:
        """Return D of rows (...) as (draws or 1, ..., c)."""
        loadings = self.loadings[rows][None]
        if not self.slope_names:
            return loadings
        slopes = np.stack([values[name] for name in self.slope_names], -1)
        log_ratio = np.tensordot(slopes, self.along.to_numpy()[rows], axes=(1, -1))
        return loadings * np.exp(log_ratio)[..., None]

    def covariance(self, G: np.ndarray, values: Values, rows: np.ndarray) -> np.ndarray:
        """Return the covariance of the rows of blocks (n, m): (draws, n, m, m)."""
        unit = self.unit[rows]
        same = unit[:, :, None] == unit[:, None, :]
        if G.shape[-1] == 1 and not self.slope_names and self.has_indicators:
            return same * G[:, None]
        if self.has_indicators:
            at = self.category[rows]
            return same * G[:, at[:, :, None], at[:, None, :]]
        D = self.loadings_at(values, rows)
        return same * (D @ G[:, None] @ D.swapaxes(-1, -2))


def components_of(design: xr.Dataset, spec: ModelSpec) -> list[Component]:
    """Return the components of a model: levels from the highest, crossed factors, inner factors."""
    components = [_level(design, spec.levels[: at + 1]) for at in range(len(spec.levels))]
    components += [_crossed(design, name) for name in spec.crossed]
    components += [_correlated(design, name, entry) for name, entry in spec.correlation.items()]
    components += [_inner(design, outer, entry) for outer, entry in spec.inner.items()]
    names = [component.name for component in components]
    if unknown := sorted(set(spec.scale) - set(names)):
        got = f"scale names {unknown}"
        raise BadInput(f"{got}; the random effects of model {spec.name} are of: {', '.join(names)}")
    return [_scaled(component, design, spec.scale) for component in components]


def _unit(column: pd.Series) -> float:
    """Return the unit of a moderator's prior: its sd, or 1 for an indicator of a category."""
    return 1.0 if column.nunique() == 2 else float(column.std())


def column_of(design: xr.Dataset, name: str) -> np.ndarray:
    """Return a column of the table as text (k,); raise BadInput if it is missing or has blanks."""
    group = design["effect_group"].values
    if name == "study":
        return np.asarray(design["study"].values[design["group_study"].values[group]], str)
    if name == "group":
        return np.asarray(design["group"].values[group], str)
    if name not in design:
        of_rows = (str(key) for key in design.data_vars if design[key].dims == ("effect",))
        columns = [key for key in of_rows if key not in ("yi", "vi", "sheet_row", "effect_group")]
        known = ", ".join([*LEVELS, *columns])
        raise BadInput(f"no column '{name}' for random effects; levels and columns: {known}")
    values = design[name].values
    blank = pd.isna(values) | (values.astype(str) == "") | unknown_in(design, name)
    if blank.any():
        raise BadInput(f"column '{name}' of random effects is blank in {blank.sum()} rows")
    return np.asarray(_integers_if_exact(values), str)


def _integers_if_exact(values: np.ndarray) -> np.ndarray:
    """Return whole numbers as integers, so that their labels are those of the file."""
    numbers = values.dtype.kind == "f" and (values == np.round(values)).all()
    return values.astype(int) if numbers else values


def _single(name: str, unit: np.ndarray, labels: Any, **others: Any) -> Component:
    matrix = Matrix(IDENTITY, name, ("",), np.zeros(1))
    ones = np.ones((len(unit), 1))
    category = np.zeros(len(unit), int)
    return Component(name, unit, tuple(labels), matrix, ones, category=category, **others)


def _level(design: xr.Dataset, nested: tuple[str, ...]) -> Component:
    """Return the last of nested levels: its units are those of its column within those above."""
    columns = [column_of(design, name) for name in nested]
    unit, labels = pd.factorize(pd.MultiIndex.from_arrays(columns), sort=True)
    last = [str(label[-1]) for label in labels]
    unique = last if len(set(last)) == len(last) else ["/".join(map(str, x)) for x in labels]
    return _single(nested[-1], unit, unique)


def _crossed(design: xr.Dataset, name: str) -> Component:
    unit, labels = pd.factorize(column_of(design, name), sort=True)
    return _single(name, unit, labels, crossed=True)


def _correlated(design: xr.Dataset, name: str, entry: Mapping[str, Any]) -> Component:
    """Return the effects of a factor whose units correlate by a known matrix."""
    unit, labels = pd.factorize(column_of(design, name), sort=True)
    known = design[f"correlation_{name}"]
    missing = sorted(set(labels) - set(map(str, known[known.dims[0]].values)))
    if missing:
        raise BadInput(f"the correlation of {name} lacks {missing[:5]}, which the table has")
    R = known.loc[list(labels), list(labels)].values
    return _single(f"{name} (correlated)", unit, labels, crossed=True, factor=np.linalg.cholesky(R))


def _inner(design: xr.Dataset, outer: str, entry: Mapping[str, Any]) -> Component:
    """Return the effects of an inner factor, or of slopes, within the units of an outer factor."""
    unit, labels = pd.factorize(column_of(design, outer), sort=True)
    name = entry.get("name", f"{entry.get('factor', 'slopes')} in {outer}")
    kind = entry["struct"]
    if "slopes" in entry:
        columns = {"intercept": np.ones(len(unit))}
        columns |= {x: _numbers(design, x) for x in entry["slopes"]}
        loadings = np.column_stack(list(columns.values()))
        matrix = Matrix(kind, name, tuple(columns), np.arange(float(len(columns))))
        return Component(name, unit, tuple(labels), matrix, loadings)
    category, categories, places = _categories(design, entry["factor"], kind)
    if kind == "CS" and len(categories) > MANY:  # all are alike: what counts is which agree
        category = _within(unit, category)
        places = np.arange(float(category.max() + 1))
        categories = tuple(str(at + 1) for at in range(len(places)))
    loadings = np.eye(len(categories))[category]
    matrix = Matrix(kind, name, categories, places)
    return Component(name, unit, tuple(labels), matrix, loadings, category=category)


def _within(unit: np.ndarray, category: np.ndarray) -> np.ndarray:
    """Return the number of every row's category among those of its unit, from 0 (k,)."""
    pairs = pd.DataFrame({"unit": unit, "category": category})
    return pairs.groupby("unit")["category"].transform(lambda x: pd.factorize(x)[0]).to_numpy()


def _categories(
    design: xr.Dataset, name: str, kind: str
) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    """Return the category of every row (k,), labels, and places on the axis of a time series."""
    texts = column_of(design, name)
    if "AR" in kind or pd.api.types.is_numeric_dtype(design[name].dtype):
        numbers = _numbers(design, name)
        times = np.unique(numbers)
        places = times if kind == "CAR" else np.arange(len(times))
        shown = tuple(f"{time:g}" for time in times)
        return np.searchsorted(times, numbers), shown, places.astype(float)
    category, labels = pd.factorize(texts, sort=True)
    return category, tuple(map(str, labels)), np.arange(float(len(labels)))


def _numbers(design: xr.Dataset, name: str) -> np.ndarray:
    column_of(design, name)
    values = pd.to_numeric(pd.Series(design[name].values), errors="coerce").to_numpy(float)
    if np.isnan(values).any():
        raise BadInput(f"column '{name}' should be numbers, such as times or a slope's moderator")
    return values


def _scaled(component: Component, design: xr.Dataset, scale: Mapping[str, str]) -> Component:
    """Return a component whose tau depends on moderators, if there is a formula for it."""
    if component.name not in scale:
        return component
    formula = scale[component.name].lstrip("~ ")
    names = [str(name) for name in design.data_vars if design[name].dims == ("effect",)]
    frame = design[names].to_dataframe()
    try:
        parsed = Formula(formula)
        check_expressions(parsed, formula)
        matrix = pd.DataFrame(model_matrix(parsed, frame, context=CONTEXT))
    except BadInput:
        raise
    except Exception as error:  # a user's expression may raise any exception
        reason = str(error).partition("\n")[0]
        raise BadInput(f"scale '{formula}' is not a formula of this table: {reason}") from error
    used = variables_of(parsed)
    if len(matrix) < design.sizes["effect"] or any(unknown_in(design, x).any() for x in used):
        raise BadInput(f"a moderator of scale '{formula}' is blank in some rows")
    along = matrix.drop(columns="Intercept", errors="ignore").astype(float)
    means = along.mean()
    centred = along.reset_index(drop=True) - means.to_numpy()
    of = vars(component) | {"along": centred, "means": dict(means)}
    return Component(**of)
