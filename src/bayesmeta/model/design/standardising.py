r"""What centred and scaled moderators would estimate: the coefficients that the priors of the terms are about.

A model has its terms in the units of the table, so that a slope is one per milligram and the intercept is where every
number is 0, as in metafor. A prior cannot know these units. It holds for the coefficients gamma of the same model with
every number centred on its mean and divided by its standard deviation, Z in place of X:

    X beta = Z gamma,    gamma = U beta

with gamma's intercept the mean at the average moderators, and its slopes per standard deviation.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput

FAR = 1e5  # standard deviations from zero at which products of a column lose their digits
CONTEXT = {"np": np}  # what a formula may call besides the transforms of formulaic


def standardised_weights(frame: pd.DataFrame, spec: Any, matrix: pd.DataFrame) -> np.ndarray | None:
    """U of the module's equations (p, p), or None where no term has a number that is not standardised already.

    A number is centred where the terms have what its centre is made of, as an intercept beside it. Where they have not,
    as in `1 + species:dose`, its columns are centred each by itself; without any intercept, as in `0 + dose`, they are
    only scaled. Columns of 0 and 1 are categories and stay as they are.

    Parameters
    ----------
    frame : DataFrame
        Effect table.
    spec : formulaic ModelSpec
        Of `matrix`.
    matrix : DataFrame
        The coded terms (k, p), columns of empty cells included.

    Raises
    ------
    BadInput
        A number lies so far from zero that its variation drowns.
    """
    numbers = _continuous(frame, spec)
    if not numbers:
        return None
    x = matrix.to_numpy(float)
    centred: list[str] = []
    for number in numbers:
        if _weights(x, _coded(frame, spec, numbers, [*centred, number])) is not None:
            centred.append(number)
    z = _coded(frame, spec, numbers, centred)
    if _spans(x, np.ones((len(x), 1))):
        left = _columns_with(spec, set(numbers) - set(centred))
        z[:, left] -= z[:, left].mean(axis=0)
    weights = _weights(x, z)
    assert weights is not None  # these changes leave the span as it was
    return None if np.allclose(weights, np.eye(len(weights)), atol=1e-9) else weights


def _continuous(frame: pd.DataFrame, spec: Any) -> list[str]:
    """Factors of the formula that are numbers, and not all of them 0 or 1."""
    found = []
    for expression in (
        text for text, (kind, _) in spec.encoder_state.items() if kind.value == "numerical"
    ):
        values = _evaluated(frame, [_term([_quoted(frame, expression)])]).to_numpy(float)
        if not np.isin(values, (0.0, 1.0)).all():
            far = np.abs(values.mean(axis=0)) > FAR * values.std(axis=0, ddof=1)
            if (far & (values.std(axis=0) > 0)).any():
                raise BadInput(
                    f"moderator '{expression}' hardly varies beside its size (mean {values.mean():g}, standard "
                    f"deviation {values.std():.3g}); subtract a number near its mean, such as "
                    f"I({expression} - {values.mean():.0f})"
                )
            found.append(expression)
    return found


def _coded(
    frame: pd.DataFrame, spec: Any, numbers: Iterable[str], centred: Iterable[str]
) -> np.ndarray:
    """Z (k, p): the formula with its numbers scaled and some of them centred."""
    shown = {
        name: f"standardise({_quoted(frame, name)}, {name in set(centred)})" for name in numbers
    }
    terms = [
        _term([shown.get(factor.expr, _quoted(frame, factor.expr)) for factor in term.factors])
        if term.degree
        else term
        for term in spec.formula
    ]
    return _evaluated(frame, terms).to_numpy(float)


def _term(expressions: list[str]) -> Any:
    from formulaic.parser.types import Factor, Term

    return Term([Factor(expression, eval_method="python") for expression in expressions])


def _quoted(frame: pd.DataFrame, expression: str) -> str:
    """A column's name as code can hold it."""
    return (
        f"`{expression}`"
        if expression in frame.columns and not expression.isidentifier()
        else expression
    )


def _evaluated(frame: pd.DataFrame, terms: list[Any]) -> pd.DataFrame:
    from formulaic import Formula

    context = CONTEXT | {"standardise": standardise}
    return pd.DataFrame(
        Formula(terms, _ordering="none").get_model_matrix(frame, context=context, na_action="raise")
    )


def standardise(values: Any, centre: bool) -> Any:
    """Values divided by their standard deviation (n - 1), and centred first where asked; columns each by itself."""
    from formulaic.materializers.types import FactorValues

    plain = getattr(values, "__wrapped__", values)
    if isinstance(plain, dict):  # a spline, say
        scaled: Any = {name: _scaled(column, centre) for name, column in plain.items()}
    else:
        scaled = _scaled(plain, centre)
        scaled = pd.Series(scaled) if scaled.ndim == 1 else scaled
    return (
        FactorValues(scaled, metadata=values.__formulaic_metadata__)
        if isinstance(values, FactorValues)
        else scaled
    )


def _scaled(values: Any, centre: bool) -> np.ndarray:
    array = np.asarray(values, float)
    sd = array.std(axis=0, ddof=1)
    scaled: np.ndarray = (array - (array.mean(axis=0) if centre else 0.0)) / np.where(
        sd > 0, sd, 1.0
    )
    return scaled


def _columns_with(spec: Any, numbers: set[str]) -> list[int]:
    """Columns of the terms that have one of these numbers."""
    return sorted(
        column
        for term, columns in spec.term_indices.items()
        for column in columns
        if numbers & {factor.expr for factor in term.factors}
    )


def _spans(columns: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether each wanted column (k, n) is a combination of the columns (k, p), empty ones aside."""
    size = np.linalg.norm(columns, axis=0)
    unit = columns / np.where(size > 0, size, 1.0)
    left = wanted - unit @ np.linalg.lstsq(unit, wanted)[0]
    return bool((np.linalg.norm(left, axis=0) <= 1e-8 * np.linalg.norm(wanted, axis=0)).all())


def _weights(x: np.ndarray, z: np.ndarray) -> np.ndarray | None:
    """U with z U = x; 1 for a column without effects; None where the two do not span the same."""
    if not _spans(z, x):
        return None
    weights = np.linalg.lstsq(z, x)[0]
    weights[np.abs(weights) < 1e-12 * np.abs(weights).max(axis=0)] = 0.0
    empty = np.flatnonzero(~x.any(axis=0))
    weights[empty, empty] = 1.0
    return weights
