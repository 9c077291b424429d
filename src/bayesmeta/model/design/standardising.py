r"""The coefficients of centred and scaled moderators, which the priors of the terms are about.

A model has its terms in the units of the table, so that a slope is per milligram, say, and the
intercept is the mean where every number is 0, as in metafor. A prior cannot depend on these units.
It holds for the coefficients gamma of the same model with every number centred on its mean and
divided by its standard deviation, Z in place of X:

    X beta = Z gamma,    gamma = U beta

with gamma's intercept the mean at the average moderators, and its slopes per standard deviation.
"""

from keyword import iskeyword
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from formulaic import Formula
from formulaic.materializers.types import FactorValues
from formulaic.parser.types import Factor, Term

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.kinds import numeric_factors

MAX_MEAN_IN_SDS = 1e5  # beyond it products of a column lose their digits
CONTEXT = {"np": np}  # names that a formula may use besides the transforms of formulaic
SPAN_TOLERANCE = 1e-8  # relative length of a residual: square root of the precision of a double
ZERO_WEIGHT = 1e-12  # relative to the largest in a column: rounding of the least-squares solution
PLAIN = "_column_"  # before the position of a column: its second name
IDENTITY_TOLERANCE = 1e-9  # of U, which is then the identity up to rounding


def standardised_weights(
    frame: pd.DataFrame, spec: Any, matrix: pd.DataFrame, kept: np.ndarray
) -> np.ndarray | None:
    """Return U of the module's equations for the kept columns, or None where it is the identity.

    A number is centred if the terms span its mean, as with an intercept. If they do not, as in `1 +
    species:dose`, each of its columns is centred; without any intercept, as in `0 + dose`, they are
    only scaled. Columns of 0 and 1 are categories and stay as they are. `matrix` (k, p) includes
    the columns that are not `kept`; `spec` is its formulaic ModelSpec. Raise BadInput if a number
    lies so far from zero that rounding destroys its variation.
    """
    numbers = _continuous(frame, spec)
    if not numbers:
        return None
    x = matrix.to_numpy(float)[:, kept]
    centred: list[str] = []
    for number in numbers:
        z = _coded(frame, spec, numbers, [*centred, number])
        if _weights(x, z[:, kept]) is not None:
            centred.append(number)
    z = _coded(frame, spec, numbers, centred)
    if _spans(x, np.ones((len(x), 1))):
        uncentred = _columns_with(spec, set(numbers) - set(centred))
        z[:, uncentred] -= z[:, uncentred].mean(axis=0)
    weights = _weights(x, z[:, kept])
    assert weights is not None  # these changes leave the span as it was
    identity = np.allclose(weights, np.eye(len(weights)), atol=IDENTITY_TOLERANCE)
    return None if identity else weights


def _continuous(frame: pd.DataFrame, spec: Any) -> list[str]:
    """Return the factors of the formula that are numbers, not those of 0 and 1, nor constants."""
    expressions = []
    for expression in numeric_factors(spec):
        values = _evaluated(frame, [_term([_quoted(frame, expression)])]).to_numpy(float)
        if not np.isin(values, (0.0, 1.0)).all() and np.ptp(values, axis=0).any():
            _check_variation(values, expression)
            expressions.append(expression)
    return expressions


def _check_variation(values: np.ndarray, name: str) -> None:
    sd = values.std(axis=0, ddof=1)
    far = np.abs(values.mean(axis=0)) > MAX_MEAN_IN_SDS * sd
    if (far & (values.std(axis=0) > 0)).any():
        mean = values.mean()
        size = f"relative to its size (mean {mean:g}, sd {values.std():.3g})"
        better = f"subtract a number near its mean: I({name} - {mean:.0f})"
        raise BadInput(f"moderator '{name}' hardly varies {size}; {better}")


def _coded(frame: pd.DataFrame, spec: Any, numbers: list[str], centred: list[str]) -> np.ndarray:
    """Return Z (k, p): the formula with its numbers scaled and some of them centred."""
    scaled = {name: f"standardise({_quoted(frame, name)}, {name in centred})" for name in numbers}
    terms = []
    for term in spec.formula:
        names = [factor.expr for factor in term.factors]
        expressions = [scaled.get(name, _quoted(frame, name)) for name in names]
        terms.append(_term(expressions) if term.degree else term)
    return _evaluated(frame, terms).to_numpy(float)


def _term(expressions: list[str]) -> Any:
    return Term([Factor(expression, eval_method="python") for expression in expressions])


def _quoted(frame: pd.DataFrame, expression: str) -> str:
    """Return a name that Python code can contain: of an odd column that of `_with_plain_names`."""
    is_plain = expression.isidentifier() and not iskeyword(expression)
    is_odd_column = expression in frame.columns and not is_plain
    return f"{PLAIN}{frame.columns.get_loc(expression)}" if is_odd_column else expression


def _with_plain_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which every column has a second name that Python code can contain."""
    plain = frame.set_axis([f"{PLAIN}{place}" for place in range(frame.shape[1])], axis=1)
    return pd.concat([frame, plain], axis=1)


def _evaluated(frame: pd.DataFrame, terms: list[Any]) -> pd.DataFrame:
    formula = Formula(terms, _ordering="none")
    context = CONTEXT | {"standardise": standardise}
    table = _with_plain_names(frame)
    return pd.DataFrame(formula.get_model_matrix(table, context=context, na_action="raise"))


def standardising_rows(design: xr.Dataset) -> np.ndarray:
    """Return U of a design (p, p), the identity if no moderator is a number."""
    if "standardised" not in design:
        return np.eye(design.sizes["term"])
    return np.array(design["standardised"].transpose("standard", "term").values)


def standardise(values: Any, centre: bool) -> Any:
    """Return columns, minus their mean if `centre`, divided by their sd (n - 1)."""
    plain = getattr(values, "__wrapped__", values)
    if isinstance(plain, dict):  # a spline, for example
        scaled: Any = {name: _scaled(column, centre) for name, column in plain.items()}
    else:
        scaled = _scaled(plain, centre)
        scaled = pd.Series(scaled) if scaled.ndim == 1 else scaled
    if not isinstance(values, FactorValues):
        return scaled
    return FactorValues(scaled, metadata=values.__formulaic_metadata__)


def _scaled(values: Any, centre: bool) -> np.ndarray:
    array = np.asarray(values, float)
    mean = array.mean(axis=0) if centre else 0.0
    sd = array.std(axis=0, ddof=1)
    return (array - mean) / np.where(sd > 0, sd, 1.0)


def _columns_with(spec: Any, numbers: set[str]) -> list[int]:
    indices = spec.term_indices.items()
    with_numbers = [at for term, at in indices if numbers & {part.expr for part in term.factors}]
    return sorted(column for columns in with_numbers for column in columns)


def _spans(columns: np.ndarray, targets: np.ndarray) -> bool:
    """Return whether each target (k, n) is a combination of the non-zero columns (k, p)."""
    size = np.linalg.norm(columns, axis=0)
    unit = columns / np.where(size > 0, size, 1.0)
    residual = targets - unit @ np.linalg.lstsq(unit, targets)[0]
    limit = SPAN_TOLERANCE * np.linalg.norm(targets, axis=0)
    return bool((np.linalg.norm(residual, axis=0) <= limit).all())


def _weights(x: np.ndarray, z: np.ndarray) -> np.ndarray | None:
    """Return U with z U = x, 1 for a column without effects; None if their spans differ."""
    if not _spans(z, x):
        return None
    weights = np.linalg.lstsq(z, x)[0]
    weights[np.abs(weights) < ZERO_WEIGHT * np.abs(weights).max(axis=0)] = 0.0
    empty = np.flatnonzero(~x.any(axis=0))
    weights[empty, empty] = 1.0
    return weights
