"""Effects that are computed from raw numbers, by the first form that a row completes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import Measure, places
from bayesmeta.data.effect_sizes.measure import Form
from bayesmeta.data.effect_sizes.zeros import without_events
from bayesmeta.data.table.arms import disordered, fill_arms
from bayesmeta.data.table.names import ARMS, RAW, derived
from bayesmeta.data.table.numerals import Numbers, parse_numbers
from bayesmeta.data.table.reading import Effects, cells_at

FormList = Sequence[Form]
UNSIGNED = ("fi", "pi")  # statistics without a direction
DROPPED = "no group, or everybody in both groups, has an event {}: left out, as drop00 asks"
SIGNS = {"1": 1.0, "+": 1.0, "+1": 1.0, "-1": -1.0, "-": -1.0, "\u2212": -1.0}


def computed_effects(
    text: pd.DataFrame, measure: Measure, droppable: np.ndarray, *, drop00: bool = False
) -> Effects:
    """Return yi and vi of a measure from text; `droppable` rows are left out if incomplete.

    `drop00` leaves out rows in which no group, or everybody, has an event.
    """
    have = derived([name for name in RAW if name in text])
    forms = [form for form in measure.forms if set(form) <= have]
    raw = _parsed(text, forms)
    filled, counts = fill_arms(raw.values)
    raw = replace(raw, values=filled)
    for name in [name for name in UNSIGNED if name in filled]:
        raw = _with_signs(text, raw, name)
    incomplete = ~_complete(raw.values, forms).any(axis=1) & ~raw.refused
    eventless = drop00 & _without_events(raw.values, forms)
    left_out = (droppable & incomplete) | eventless
    effects = _by_form(measure, forms, raw.values, ~(raw.refused | left_out))
    means = [names[part] for names in ARMS.values() for part in ("m", "sd")] if counts else []
    table = effects.table.assign(
        refused=effects.table["refused"] | raw.refused,
        incomplete=incomplete,
        left_out=left_out,
        **{name: raw.values[name] for name in means if name in raw.values},
    )
    computed = "means and SDs of {} groups are computed from {}"
    conversions = [computed.format(count, title) for title, count in counts.items()]
    dropped = [DROPPED.format(places(eventless, list(text.index)))] if eventless.any() else []
    warning = [measure.warning] if measure.warning else []
    messages = (*raw.messages, *effects.messages, *conversions, *dropped, *warning)
    return Effects(table, (*raw.problems, *effects.problems), messages)


def _parsed(text: pd.DataFrame, forms: FormList) -> Numbers:
    needed = {name for form in forms for name in form}
    needed |= {name for arm in ARMS.values() if arm["m"] in needed for name in arm.values()}
    numbers = parse_numbers(text, [name for name in RAW if name in needed and name in text])
    for low, high, wrong in disordered(numbers.values):
        problem = f"{low} must not be above {high}, got {cells_at(wrong, text[low])}"
        numbers = numbers.with_problem(wrong, problem)
    return numbers


def _with_signs(text: pd.DataFrame, numbers: Numbers, name: str) -> Numbers:
    values = numbers.values[name]
    filled = values.notna()
    if "sign" not in text:
        if not filled.any() or (values < 0).any():
            return numbers
        reason = f"no {name} is below 0 and there is no column sign (1 or -1)"
        message = f"{reason}: the {filled.sum()} effects from {name} are taken as positive"
        return replace(numbers, messages=(*numbers.messages, message))
    sign = text["sign"].map(SIGNS).astype(float)
    wrong = (filled & (sign.isna() | (values < 0))).to_numpy()
    got = cells_at(wrong, text["sign"])
    problem = f"sign must be 1 or -1, and {name} not below 0 beside it, got sign {got}"
    turned = numbers.values.assign(**{name: values * sign.fillna(1)})
    return replace(numbers.with_problem(wrong, problem), values=turned)


def _by_form(measure: Measure, forms: FormList, numbers: pd.DataFrame, rows: np.ndarray) -> Effects:
    """Return yi, vi and refused of all rows, computed for some `rows` (boolean); else nan."""
    number_of_form = np.where(rows, _first_form(numbers, forms), len(forms))
    yi_vi = np.full((2, len(numbers)), np.nan)
    unfit = rows & (number_of_form == len(forms))
    refused = unfit
    problems = list[str]()
    notes = list[str]()
    used = dict[str, int]()
    for number, form in enumerate(forms):
        taken = number_of_form == number
        part = numbers[taken]
        columns: dict[str, Any] = {name: part[name].to_numpy(float) for name in form}
        lines = measure.problems(form, columns, rows=list(part.index))
        wrong = _impossible(measure, form, columns) if lines else np.zeros(len(part), bool)
        problems += lines
        refused = refused | _at(taken, wrong)
        if not wrong.all():
            possible = {name: values[~wrong] for name, values in columns.items()}
            yi_vi[:, _at(taken, ~wrong)] = measure(rows=list(part.index[~wrong]), **possible)
            notes += measure.notes(possible, list(part.index[~wrong]))
        if len(part):
            used[", ".join(form)] = len(part)
    if unfit.any():
        needs = " or ".join(", ".join(form) for form in forms)
        where = places(unfit, list(numbers.index))
        problems.append(f"{measure.name}: no effect size can be computed {where}; it needs {needs}")
    columns = {"yi": yi_vi[0], "vi": yi_vi[1], "refused": refused}
    table = pd.DataFrame(columns, index=numbers.index)
    counted = f" ({', '.join(f'{count} rows' for count in used.values())})" * (len(used) > 1)
    source = f"{'; '.join(used)}{counted}"
    message = f"yi and vi are computed from {source}: {measure.name}, {measure.title}"
    return Effects(table, tuple(problems), (message, *notes) if used else ())


def _without_events(numbers: pd.DataFrame, forms: FormList) -> np.ndarray:
    """Return True for rows of counts in which no group, or everybody, has an event."""
    flags = np.zeros(len(numbers), bool)
    for form in (form for form in forms if {*form} & {"ci", "x2i"}):  # of two groups
        columns = {name: numbers[name].to_numpy(float) for name in form}
        flags |= without_events(columns)
    return flags


def _impossible(measure: Measure, form: Form, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return True for rows that a measure refuses, found by halves."""
    size = len(columns[form[0]])
    if not measure.problems(form, columns):
        return np.zeros(size, bool)
    if size == 1:
        return np.ones(1, bool)
    parts = (slice(None, size // 2), slice(size // 2, None))
    halves = [{name: values[part] for name, values in columns.items()} for part in parts]
    return np.concatenate([_impossible(measure, form, half) for half in halves])


def _at(taken: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """Return flags of the rows that are taken as flags of all rows."""
    everywhere = taken.copy()
    everywhere[taken] = flags
    return everywhere


def _first_form(numbers: pd.DataFrame, forms: FormList) -> np.ndarray:
    """Return the number of the first form that a row completes; len(forms) if it completes none."""
    complete = _complete(numbers, forms)
    if len(forms) == 1:  # the problem of this form names the missing cells
        return np.zeros(len(numbers), int)
    return np.where(complete.any(axis=1), complete.argmax(axis=1), len(forms))


def _complete(numbers: pd.DataFrame, forms: FormList) -> np.ndarray:
    return np.column_stack([numbers[list(form)].notna().all(axis=1) for form in forms])
