"""Effects that are computed from raw numbers, by the first form that a row completes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import Measure, places
from bayesmeta.data.effect_sizes.measure import Floats, Form
from bayesmeta.data.table.arms import disordered, fill_arms
from bayesmeta.data.table.forms import derived
from bayesmeta.data.table.names import ARMS, RAW
from bayesmeta.data.table.numerals import Numbers, parse_numbers
from bayesmeta.data.table.rows import Effects

UNSIGNED = ("fi", "pi")  # statistics without a direction
SIGNS = {"1": 1.0, "+": 1.0, "+1": 1.0, "-1": -1.0, "-": -1.0, "\u2212": -1.0}


class Signed(NamedTuple):
    """A statistic with its direction (k,), the rows that are refused, and the lines about it."""

    values: Floats
    refused: np.ndarray
    problems: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


class RawNumbers(NamedTuple):
    """Raw numbers ready for a formula, and what was done to them.

    values are floats with means and SDs filled and with signs; refused are rows (boolean) about
    which a problem is listed; counts are the numbers of groups by conversion.
    """

    values: pd.DataFrame
    refused: np.ndarray
    counts: Mapping[str, int]
    problems: tuple[str, ...]
    messages: tuple[str, ...]


def computed_effects(text: pd.DataFrame, measure: Measure, droppable: np.ndarray) -> Effects:
    """Return yi and vi of a measure.

    Parameters
    ----------
    text : DataFrame
        Rows with raw numbers, every cell as text.
    measure : Measure
        The effect size.
    droppable : ndarray
        Rows (boolean) that are left out if they are incomplete.
    """
    have = derived([name for name in RAW if name in text])
    forms = [form for form in measure.forms if set(form) <= have]
    raw = _raw_numbers(text, forms)
    incomplete = ~_complete(raw.values, forms).any(axis=1) & ~raw.refused
    left_out = droppable & incomplete
    effects = _by_form(measure, forms, raw.values, ~(raw.refused | left_out))
    table = effects.table.assign(
        refused=effects.table["refused"] | raw.refused, incomplete=incomplete, left_out=left_out
    )
    means = [names[part] for names in ARMS.values() for part in ("m", "sd")] if raw.counts else []
    columns = {name: raw.values[name].to_numpy() for name in means if name in raw.values}
    conversions = [
        f"means and SDs of {count} groups are computed from {title}"
        for title, count in raw.counts.items()
    ]
    return Effects(
        table.assign(**columns),
        (*raw.problems, *effects.problems),
        (*raw.messages, *effects.messages, *conversions),
    )


def _raw_numbers(text: pd.DataFrame, forms: Sequence[Form]) -> RawNumbers:
    """Return the numbers that forms need, converted and with signs."""
    parsed = _parsed(text, forms)
    filled = fill_arms(parsed.values)
    tests = [name for name in UNSIGNED if name in filled.numbers]
    signed = {name: _signed(text, filled.numbers[name]) for name in tests}
    return RawNumbers(
        filled.numbers.assign(**{name: test.values for name, test in signed.items()}),
        np.any([parsed.refused, *(test.refused for test in signed.values())], axis=0),
        filled.counts,
        (*parsed.problems, *(line for test in signed.values() for line in test.problems)),
        tuple(line for test in signed.values() for line in test.messages),
    )


def _parsed(text: pd.DataFrame, forms: Sequence[Form]) -> Numbers:
    """Return the numbers of the columns that forms need, with quantiles in a possible order."""
    needed = {name for form in forms for name in form}
    needed |= {name for arm in ARMS.values() if arm["m"] in needed for name in arm.values()}
    numbers = parse_numbers(text, [name for name in RAW if name in needed and name in text])
    wrong = disordered(numbers.values)
    problems = [
        f"{low} must not be above {high}, got {places(rows, list(text.index), text[low])}"
        for low, high, rows in wrong
    ]
    refused = np.any([numbers.refused, *(rows for *_, rows in wrong)], axis=0)
    return Numbers(numbers.values, refused, (*numbers.problems, *problems))


def _signed(text: pd.DataFrame, statistic: pd.Series) -> Signed:
    """Return a statistic with the direction that the column sign gives it."""
    values = statistic.to_numpy(float)
    filled = ~np.isnan(values)
    nowhere = np.zeros(len(values), bool)
    if "sign" not in text:
        message = (
            f"no {statistic.name} is below 0 and there is no column sign (1 or -1): the "
            f"{filled.sum()} effects from {statistic.name} are taken as positive"
        )
        positive = filled.any() and not (values < 0).any()
        return Signed(values, nowhere, messages=(message,) if positive else ())
    sign = text["sign"].map(SIGNS).to_numpy(float)
    wrong = filled & (np.isnan(sign) | (values < 0))
    problem = (
        f"sign must be 1 or -1, and {statistic.name} not below 0 beside it, got sign "
        f"{places(wrong, list(text.index), text['sign'])}"
    )
    turned = values * np.where(np.isnan(sign), 1, sign)
    return Signed(turned, wrong, problems=(problem,) if wrong.any() else ())


def _by_form(
    measure: Measure, forms: Sequence[Form], numbers: pd.DataFrame, rows: np.ndarray
) -> Effects:
    """Return yi, vi and refused of all rows, computed for some `rows` (boolean); else nan."""
    number_of_form = np.where(rows, _first_form(numbers, forms), len(forms))
    yi = np.full(len(numbers), np.nan)
    vi = np.full(len(numbers), np.nan)
    refused = rows & (number_of_form == len(forms))
    problems = list[str]()
    for number, form in enumerate(forms):
        part = numbers[number_of_form == number]
        columns: dict[str, Any] = {name: part[name].to_numpy(float) for name in form}
        if lines := measure.problems(form, columns, rows=list(part.index)):
            problems += lines
            refused = refused | (number_of_form == number)
        elif len(part):
            effects = measure(rows=list(part.index), **columns)
            yi[number_of_form == number], vi[number_of_form == number] = effects
    unfit = rows & (number_of_form == len(forms))
    if unfit.any():
        needs = " or ".join(", ".join(form) for form in forms)
        where = places(unfit, list(numbers.index))
        problems.append(f"{measure.name}: no effect size can be computed {where}; it needs {needs}")
    table = pd.DataFrame({"yi": yi, "vi": vi, "refused": refused}, index=numbers.index)
    counts = np.bincount(number_of_form, minlength=len(forms))[: len(forms)]
    return Effects(table, tuple(problems), _message(measure, forms, counts.tolist()))


def _first_form(numbers: pd.DataFrame, forms: Sequence[Form]) -> np.ndarray:
    """Return the number of the first form that a row completes; len(forms) if it completes none.

    All rows belong to a form without alternatives; its problem then names the missing cells.
    """
    complete = _complete(numbers, forms)
    if len(forms) == 1:
        return np.zeros(len(numbers), int)
    return np.where(complete.any(axis=1), complete.argmax(axis=1), len(forms))


def _complete(numbers: pd.DataFrame, forms: Sequence[Form]) -> np.ndarray:
    """Return True for the forms that a row completes, (k, forms)."""
    return np.column_stack([numbers[list(form)].notna().all(axis=1) for form in forms])


def _message(measure: Measure, forms: Sequence[Form], counts: Sequence[int]) -> tuple[str, ...]:
    """Return the line that names the forms that were used, with their numbers of rows."""
    used = {", ".join(form): count for form, count in zip(forms, counts, strict=True) if count}
    rows = ", ".join(f"{count} rows" for count in used.values())
    counted = f" ({rows})" if len(used) > 1 else ""
    line = (
        f"yi and vi are computed from {'; '.join(used)}{counted}: {measure.name}, {measure.title}"
    )
    return (line,) if used else ()
