"""yi and vi of every row, from the first set of its cells that is complete."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES, Measure, places
from bayesmeta.data.effect_sizes.measure import Floats
from bayesmeta.data.schema import nearest
from bayesmeta.data.table.forms import complete_form, derived, disordered, fill_arms
from bayesmeta.data.table.names import ARMS, EFFECT, INTERVAL, RAW
from bayesmeta.data.table.numerals import floats, is_number
from bayesmeta.infrastructure.errors import BadInput

UNSIGNED = ("fi", "pi")
SIZES = ("n1i", "n2i", "ni")
SIGNS = {"1": 1.0, "+": 1.0, "+1": 1.0, "-1": -1.0, "-": -1.0, "\u2212": -1.0}


class Filled(NamedTuple):
    """Effects as far as cells give them.

    yi, vi (k,); rows about which a problem tells already; rows in which blank cells leave no effect, and those of them
    that may be left out; means and SDs that were converted; the measure, if computed.
    """

    yi: Floats
    vi: Floats
    told: np.ndarray
    incomplete: np.ndarray
    left_out: np.ndarray
    converted: dict[str, Floats]
    measure: Measure | None

    def without(self, out: np.ndarray) -> "Filled":
        """The same without some rows (boolean)."""
        arrays = {name: value[~out] for name, value in self._asdict().items() if isinstance(value, np.ndarray)}
        return self._replace(**arrays, converted={name: column[~out] for name, column in self.converted.items()})


def fill_effects(
    text: pd.DataFrame, measure: str | None, own: Sequence[str], notes: list[str], problems: list[str], *, omit: bool
) -> Filled:
    """Effects as given (yi with vi or sei), and those computed from raw columns where none is.

    Where a measure is named, rows without yi are computed from their raw columns, else only tables without yi. A row
    that reports nothing of its effect, or nothing but sizes of groups, is left out; one that lacks a part is a problem.

    Parameters
    ----------
    text : every cell as text, under the package's names.
    measure : a name in `MEASURES`, or None.
    own : the file's own names of its columns, by which an error names them.
    notes, problems : of the reading; lines are added.
    omit : whether rows that lack a part are left out, too.

    Raises
    ------
    BadInput
        The columns complete no form.
    """
    found = list(text.columns)
    given = "yi" in found and bool({"vi", "sei"} & {*found})
    form = complete_form(found, measure) if not {"yi", "vi"} & {*found} or (given and measure) else None
    if "study" not in found or not (given or form):
        raise BadInput(_lacking(own, found, measure))
    computed = np.full(len(text), not given)
    if given and form:
        computed = (text[[name for name in ("yi", "vi", "sei") if name in found]] == "").all(axis=1).to_numpy()
    blank = np.full(len(text), np.nan)
    never, out = np.zeros(len(text), bool), _unreported(text) | omit
    filled = Filled(blank, blank.copy(), never, never.copy(), out, {}, None)
    if not computed.all():
        filled = _given(text, ~computed, filled, problems)
    if computed.any() and form:
        one = MEASURES[measure] if measure else next(m for m in MEASURES.values() if form in m.forms)
        filled = _computed(text, one, computed, filled, notes, problems)
    return filled


def _unreported(text: pd.DataFrame) -> np.ndarray:
    """Rows that report nothing of an effect."""
    names = [name for name in (*EFFECT, *INTERVAL, *RAW) if name in text and name not in SIZES]
    return (text[names] == "").all(axis=1).to_numpy()


def _lacking(own: Sequence[str], found: Sequence[str], measure: str | None) -> str:
    one = MEASURES[measure or "SMD"]
    forms = " or ".join(", ".join(form) for form in one.forms)
    needs = f"it needs study, and yi with vi or sei (or ci_lb and ci_ub) or, in place of all (for {one.name}), {forms}"
    near = "" if "study" in found else nearest("study", own)
    told = 'other names are given by --columns "study=..., yi=..., sei=..."'
    return f"its columns are {', '.join(own)[:1000]}; {needs}{near}; {told}"


def _given(text: pd.DataFrame, rows: np.ndarray, filled: Filled, problems: list[str]) -> Filled:
    """yi and vi, or sei where vi is blank, of the rows that have them."""
    names = [name for name in ("yi", "vi", "sei") if name in text]
    part = text[rows]
    numbers, bad = _numbers(part, names, problems)
    yi, vi = numbers["yi"].to_numpy(), np.full(len(part), np.nan)
    incomplete = ((part["yi"] == "") | (part[names[1:]] == "").all(axis=1)).to_numpy() & ~bad
    out = filled.left_out[rows] & incomplete
    if "vi" in names:
        vi = numbers["vi"].to_numpy().copy()
    if "sei" in names:
        by_sei = np.ones(len(part), bool) if "vi" not in names else (part["vi"] == "").to_numpy() & (part["sei"] != "")
        sei, unread = numbers["sei"].to_numpy(), ~is_number(part["sei"]).to_numpy() & (part["sei"] != "").to_numpy()
        wrong = by_sei & ~(sei > 0) & ~unread & ~out
        if wrong.any():
            problems.append(f"sei must be a number above 0, got {places(wrong, list(part.index), sei)}")
        with np.errstate(over="ignore"):  # an infinite square is told of as vi
            vi = np.where(by_sei, sei**2, vi)
        bad |= wrong
    filled.yi[rows], filled.vi[rows], filled.told[rows] = yi, vi, bad
    filled.incomplete[rows], filled.left_out[rows] = incomplete, out
    return filled


def _computed(
    text: pd.DataFrame, measure: Measure, rows: np.ndarray, filled: Filled, notes: list[str], problems: list[str]
) -> Filled:
    """yi and vi of a measure, of each row by the first form that it completes."""
    part = text[rows]
    have = derived([name for name in RAW if name in part])
    forms = [form for form in measure.forms if set(form) <= have]
    read = {name for form in forms for name in form} | {"sign"} & {*part}
    read |= {name for arm in ARMS.values() if arm["m"] in read for name in arm.values()}
    numbers, bad = _numbers(part, [name for name in RAW if name in read and name in part and name != "sign"], problems)
    for low, high, wrong in disordered(numbers):
        problems.append(f"{low} must not be above {high}, got {places(wrong, list(part.index), part[low])}")
        bad |= wrong
    numbers, counts = fill_arms(numbers)
    bad |= _sign(part, numbers, notes, problems)
    incomplete = ~_complete(numbers, forms).any(axis=1) & ~bad
    out = filled.left_out[rows] & incomplete
    yi, vi, told, used = _by_form(measure, forms, numbers, bad | out, problems)
    filled.yi[rows], filled.vi[rows], filled.told[rows] = yi, vi, told
    filled.incomplete[rows], filled.left_out[rows] = incomplete, out
    _tell(measure, used, counts, notes)
    converted = [arm[name] for arm in ARMS.values() for name in ("m", "sd") if counts and arm[name] in numbers]
    columns = {name: np.full(len(text), np.nan) for name in converted}
    for name in converted:
        columns[name][rows] = numbers[name]
    return filled._replace(converted=columns, measure=measure)


def _by_form(
    measure: Measure, forms: list[tuple[str, ...]], numbers: pd.DataFrame, bad: np.ndarray, problems: list[str]
) -> tuple[Floats, Floats, np.ndarray, dict[tuple[str, ...], int]]:
    yi, vi, told, used = np.full(len(bad), np.nan), np.full(len(bad), np.nan), bad.copy(), {}
    todo = ~bad
    for form, complete in zip(forms, _complete(numbers, forms).T, strict=True):
        rows = todo & (complete | (len(forms) == 1))  # one form alone says which of its cells are missing
        columns: dict[str, Any] = {name: numbers.loc[rows, name].to_numpy(float) for name in form}
        numbered = list(numbers.index[rows])
        if lines := measure.problems(form, columns, rows=numbered):
            problems += lines
            told |= rows
        elif rows.any():
            yi[rows], vi[rows] = measure(rows=numbered, **columns)
        used[form] = int(rows.sum())
        todo &= ~rows
    if todo.any():
        needs = " or ".join(", ".join(form) for form in forms)
        problems.append(
            f"{measure.name}: no effect size can be computed {places(todo, list(numbers.index))}; it needs {needs}"
        )
        told |= todo
    return yi, vi, told, used


def _complete(numbers: pd.DataFrame, forms: list[tuple[str, ...]]) -> np.ndarray:
    """Which rows fill all cells of which form, (k, forms)."""
    return np.column_stack([numbers[list(form)].notna().all(axis=1) for form in forms])


def _sign(part: pd.DataFrame, numbers: pd.DataFrame, notes: list[str], problems: list[str]) -> np.ndarray:
    """Put the direction on F and p, which have none; rows whose sign cannot be used."""
    bad = np.zeros(len(part), bool)
    for name in (name for name in UNSIGNED if name in numbers):
        filled = numbers[name].notna().to_numpy()
        if "sign" in part:
            sign = part["sign"].map(SIGNS).astype(float).to_numpy()
            wrong = filled & (np.isnan(sign) | (numbers[name] < 0).to_numpy())
            if wrong.any():
                where = places(wrong, list(part.index), part["sign"])
                problems.append(f"sign must be 1 or -1, and {name} not below 0 beside it, got sign {where}")
            numbers[name], bad = numbers[name] * np.where(np.isnan(sign), 1, sign), bad | wrong
        elif filled.any() and not (numbers[name] < 0).any():
            notes.append(
                f"no {name} is below 0 and there is no column sign (1 or -1): the {filled.sum()} effects from {name} "
                "are taken as positive"
            )
    return bad


def _tell(measure: Measure, used: dict[tuple[str, ...], int], counts: dict[str, int], notes: list[str]) -> None:
    forms = [(", ".join(form), count) for form, count in used.items() if count]
    rows = f" ({', '.join(f'{count} rows' for _, count in forms)})" if len(forms) > 1 else ""
    notes.append(f"yi and vi are computed from {'; '.join(f for f, _ in forms)}{rows}: {measure.name}, {measure.title}")
    notes += [f"means and SDs of {count} groups are computed from {title}" for title, count in counts.items()]


def _numbers(text: pd.DataFrame, names: Sequence[str], problems: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Floats, nan where a cell is blank; rows that have a cell that is no number, which is a problem."""
    bad = np.zeros(len(text), bool)
    for name in names:
        wrong = (~is_number(text[name]) & (text[name] != "")).to_numpy()
        if wrong.any():
            problems.append(f"{name} must be a number, got {places(wrong, list(text.index), text[name])}")
        bad |= wrong
    return pd.DataFrame({name: floats(text[name]) for name in names}, index=text.index), bad
