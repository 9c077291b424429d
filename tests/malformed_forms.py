"""Malformed tables of every measure and form, with the effects that their cells mean.

Wide (a column per outcome) and long, a row per group or per effect; CSV, TSV, semicolons with
decimal commas, Excel; UTF-8, UTF-16 and Windows-1252; titles, totals, marks, blanks and damage.
"""

import csv
import io
import math
import random
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd

from malformed_bytes import write
from malformed_values import CELLS as DAMAGES
from malformed_values import LABELS, NAMES
from measures_by_hand import ASKED, BY_HAND, Effect

Rows = list[list[Any]]
ARM = ("mean", "sd", "n")  # columns of a table with a row per group
TEXTS = ("study", "sex", "arm")  # columns without numbers
PLAIN = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
KINDS = ("comma", "semicolon", "decimal comma", "tab", "excel")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
RANGES: dict[str, tuple[float, float, int]] = {  # smallest, largest, decimals
    "mean": (5, 20, 2),
    "sd": (1, 4, 2),
    "n": (8, 60, 0),
    "total": (40, 90, 0),
    "events": (0, 30, 0),
    "time": (50, 400, 1),
    "r": (-0.8, 0.8, 2),
    "effect": (-1, 1.5, 3),
    "variance": (0.01, 0.5, 4),
    "low": (-3, -1.2, 2),
    "high": (1.6, 3, 2),
    "ratio": (0.6, 1.6, 2),
    "low ratio": (0.2, 0.5, 2),
    "high ratio": (1.8, 4, 2),
}


class Form(NamedTuple):
    """A file, how it is asked for, and what its cells mean.

    Attributes
    ----------
    name : measure, shape, kind of file and mutations.
    ending, content, columns : of the file, and for --columns.
    meant : effect and variance of every study whose cells are plain numbers, by label and outcome.
    studies : the other rows' labels, whose cells were changed.
    """

    name: str
    ending: str
    content: bytes
    columns: str
    meant: dict[str, Effect]
    changed: set[str]


def forms(count: int, seed: int) -> list[Form]:
    """Return so many files, the same for the same seed."""
    return [_form(random.Random(f"{seed} {number}"), number) for number in range(count)]


def _form(rng: random.Random, number: int) -> Form:
    measures = list(BY_HAND)
    measure = measures[number % len(measures)]
    shape = "wide" if measure == "yi, vi" and rng.random() < 0.4 else "long"
    if measure in ("SMD", "MD") and rng.random() < 0.3:
        shape = "arms"
    kind = rng.choice(KINDS)
    table = _Table(measure, shape, kind == "decimal comma", rng)
    done = [table.mutate() for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    encoding = rng.choice(ENCODINGS) if kind != "excel" else "utf-8"
    content = _written([*table.above, *table.rows], kind, encoding)
    asked = [f"measure={measure}"] if measure in ASKED else []
    asked += ["arm=arm, reference=control"] if shape == "arms" else []
    ending = {"excel": "xlsx", "tab": "tsv"}.get(kind, "csv")
    name = f"{number}: {measure}, {shape}, {kind}, {encoding}: {'; '.join(filter(None, done))}"
    return Form(name, ending, content, ", ".join(asked), table.meant(), table.changed)


class _Table:
    """The cells of a table, with the numbers behind them."""

    def __init__(self, measure: str, shape: str, comma: bool, rng: random.Random) -> None:
        self.by_hand = BY_HAND[measure]
        self.comma = comma
        self.rng = rng
        self.changed: set[str] = set()
        self.above: Rows = []
        self.numbers: dict[str, dict[str, float]] = {}
        accent = rng.random() < 0.3
        labels = [
            f"{'Müller' if accent else 's'} {chr(97 + at)}" for at in range(rng.randrange(3, 9))
        ]
        outcomes = ["_anx", "_dep"] if shape == "wide" else [""]
        for label in labels:
            for outcome in outcomes:
                self.numbers[label + outcome] = self._drawn()
        head = [name + outcome for outcome in outcomes for name in self.by_hand.columns]
        self.rows: Rows = [["study", "sex", *head]]
        for at, label in enumerate(labels):
            cells = [
                value for outcome in outcomes for value in self.numbers[label + outcome].values()
            ]
            self.rows.append([label, "mf"[at % 2], *map(self._cell, cells)])
        if shape == "arms":
            self._to_arms()

    def _drawn(self) -> dict[str, float]:
        drawn = {}
        for name, kind in self.by_hand.columns.items():
            low, high, decimals = RANGES[kind]
            value = round(self.rng.uniform(low, high), decimals)
            drawn[name] = int(value) if decimals == 0 else value
        if "OR" in drawn:  # intervals of ratios are symmetric as logarithms
            half = self.rng.uniform(0.2, 0.9)
            drawn["lower"] = round(drawn["OR"] * math.exp(-half), 3)
            drawn["upper"] = round(drawn["OR"] * math.exp(half), 3)
        return drawn

    def _cell(self, value: float) -> Any:
        return str(value).replace(".", ",") if self.comma else value

    def _to_arms(self) -> None:
        rows: Rows = [["study", "arm", "mean", "sd", "n"]]
        for row in self.rows[1:]:
            rows += [[row[0], "drug", *row[2:5]], [row[0], "control", *row[5:8]]]
        self.rows = rows

    def meant(self) -> dict[str, Effect]:
        """Return the effects of the rows that no mutation changed."""
        effects = {}
        for label, numbers in self.numbers.items():
            if label.partition("_")[0] not in self.changed:
                try:
                    effects[label] = self.by_hand.effect(**numbers)
                except (ValueError, ArithmeticError):
                    self.changed.add(label.partition("_")[0])
        return effects

    def mutate(self) -> str:
        """Change the table; return how, in words."""
        name = self.rng.choice(list(MUTATIONS))
        return f"{name} {MUTATIONS[name](self) or ''}".strip()

    def change(self, row: list[Any], at: int, value: object) -> None:
        """Put a value into a cell; what it means is known if it is a plain number."""
        names = {name: name for name in self.by_hand.columns}
        header = str(self.rows[0][at]) if at < len(self.rows[0]) else ""
        label = str(row[0])
        name, _, outcome = header.partition("_")
        name, outcome = (header, "") if header in names else (name, outcome and f"_{outcome}")
        number = _plain(value)
        row[at] = self._cell(value) if isinstance(value, float) else value
        of_study = self.numbers.get(label + outcome)
        if self.by_hand is BY_HAND["OR, limits"] and not (number and number > 0):
            self.change_all()  # the column is read as logarithms then, with a note
        elif number is None or name not in names or of_study is None or header in ARM:
            self.changed.add(label)
        elif name.startswith("n") and number > 1e6:
            self.changed.add(label)  # the gamma functions of the correction lose their digits
        else:
            of_study[name] = number

    def change_all(self) -> None:
        """Count all rows as changed."""
        self.changed |= {label.partition("_")[0] for label in self.numbers}

    def place(self) -> tuple[list[Any], int] | None:
        """Return a row and the position of a cell in it that holds a number."""
        numbers = [at for at, name in enumerate(self.rows[0]) if name not in TEXTS]
        places = [(row, at) for row in self.rows[1:] for at in numbers if at < len(row)]
        return self.rng.choice(places) if places else None


def _plain(value: object) -> float | None:
    """Return the number that a cell is, if it is one without any doubt."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _damage(table: _Table) -> str:
    place = table.place()
    value = table.rng.choice(DAMAGES)
    if place:
        table.change(*place, value)
    return repr(value)[:40]


def _replaced(table: _Table) -> str:
    place = table.place()
    value = round(table.rng.uniform(-5, 50), table.rng.randrange(4))
    if place:
        table.change(*place, value)
    return repr(value)


def _rewritten(change: Callable[[str], str]) -> Callable[[_Table], None]:
    """Write a number in another way, which means the same."""

    def mutate(table: _Table) -> None:
        if place := table.place():
            row, at = place
            row[at] = change(str(row[at]))

    return mutate


def _marked(table: _Table) -> None:
    if place := table.place():
        row, at = place
        row[at] = f"{row[at]}{table.rng.choice(['*', ' a', ' (est.)', '†', ' %', ' [1]'])}"
        table.changed.add(str(row[0]))


def _relabelled(table: _Table) -> str:
    label = table.rng.choice(LABELS)
    row = table.rng.choice(table.rows[1:] or table.rows)
    if row:
        table.changed |= {str(row[0]), label}
        row[0] = label
    return repr(label)[:40]


def _header(table: _Table) -> str:
    name = table.rng.choice(NAMES)
    at = table.rng.randrange(len(table.rows[0]) or 1)
    table.rows[0][at : at + 1] = [name]
    table.change_all()
    return repr(name)[:40]


def _dropped(table: _Table) -> None:
    at = table.rng.randrange(len(table.rows[0]) or 1)
    for row in table.rows:
        del row[at : at + 1]
    table.change_all()


def _ragged(table: _Table) -> None:
    row = table.rng.choice(table.rows)
    if row:
        table.changed.add(str(row[0]))
        del row[table.rng.randrange(len(row)) :]
    if row is table.rows[0]:
        table.change_all()


def _added(table: _Table) -> str:
    name = table.rng.choice(NAMES)
    cells = table.rng.choice([lambda at: at, lambda at: "note", lambda at: "" if at % 2 else 1.5])
    table.rows[0].append(name)
    for at, row in enumerate(table.rows[1:]):
        row.append(cells(at))
        table.changed.add(str(row[-1]))  # a label, if the column is read as the study
    return repr(name)[:40]


def _columns_shuffled(table: _Table) -> None:
    width = len(table.rows[0])
    order = table.rng.sample(range(width), width)
    if {*map(len, table.rows)} == {width}:
        table.rows = [[row[at] for at in order] for row in table.rows]
    table.change_all() if table.rows[0][:1] != ["study"] else None


def _rows_shuffled(table: _Table) -> None:
    body = table.rows[1:]
    table.rng.shuffle(body)
    table.rows[1:] = body


def _inserted(make: Callable[[int], list[Any]]) -> Callable[[_Table], None]:
    def mutate(table: _Table) -> None:
        row = make(len(table.rows[0]))
        table.rows.insert(table.rng.randrange(1, len(table.rows) + 1), row)

    return mutate


def _titled(table: _Table) -> None:
    table.above.append(["Table 1", *[""] * (len(table.rows[0]) - 1)])


def _twice(table: _Table) -> None:
    row = table.rng.choice(table.rows[1:] or table.rows)
    table.rows.append(list(row))
    table.changed |= {str(label) for label in row[:1]}


MUTATIONS: dict[str, Callable[[_Table], str | None]] = {
    "damage": _damage,
    "number": _replaced,
    "unicode minus": _rewritten(lambda text: text.replace("-", "\u2212")),
    "spaces": _rewritten(lambda text: f"  {text}\u00a0"),
    "plus sign": _rewritten(lambda text: text if text[:1] in "+-\u2212" else f"+{text}"),
    "leading zero off": _rewritten(lambda text: text.removeprefix("0") if len(text) > 1 else text),
    "mark": _marked,
    "label": _relabelled,
    "header": _header,
    "dropped": _dropped,
    "ragged": _ragged,
    "column more": _added,
    "columns shuffled": _columns_shuffled,
    "rows shuffled": _rows_shuffled,
    "blank row": _inserted(lambda width: [""] * width),
    "total": _inserted(lambda width: ["Total", "", *[9.5] * (width - 2)]),
    "title": _titled,
    "remark": _inserted(lambda width: ["* from a figure"]),
    "twice": _twice,
}


def wrong_in(form: Form, frame: pd.DataFrame) -> list[str]:
    """Return what a table that was read from a form has wrong, without a word about it."""
    notes = frame.attrs["notes"]
    wrong = []
    seen = set()
    outcomes = frame["outcome"] if "outcome" in frame else [""] * len(frame)
    for label, outcome, yi, vi in zip(
        frame["study"], outcomes, frame["yi"], frame["vi"], strict=True
    ):
        key = f"{label}_{outcome}" if outcome else str(label)
        seen.add(key)
        if key in form.meant:
            expected = form.meant[key]
            if not all(map(_close, (yi, vi), expected)):
                wrong.append(f"{key}: {yi!r}, {vi!r}; its cells mean {expected}")
        elif label not in form.changed:
            wrong.append(f"{key} is no study of the file")
    lost = form.meant.keys() - seen
    if lost and not any("left out" in note for note in notes):
        wrong.append(f"{lost} are lost")
    return wrong


def _close(value: float, expected: float) -> bool:
    return math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-12)


def _written(rows: Rows, kind: str, encoding: str) -> bytes:
    if kind == "excel":
        return write([row or [""] for row in rows], "xlsx")
    separator = {"comma": ",", "tab": "\t"}.get(kind, ";")
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    try:
        return text.getvalue().encode(encoding)
    except UnicodeEncodeError:  # Windows-1252 lacks most characters
        return text.getvalue().encode("utf-8", "replace")
