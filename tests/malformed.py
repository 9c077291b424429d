"""Malformed tables by composition of named mutations on small valid ones; the seed makes them the same each time."""

import datetime
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from malformed_bytes import BYTES, PACKED, TEXTS, Rows, write

KINDS = ("csv", "tsv", "xlsx", "parquet")
GIVEN = [
    ["study", "group", "dose", "sex", "yi", "vi"],
    *([f"s{i // 2}", f"g{i // 2}-{i % 2}", 1.5 + i, "mf"[i % 3 == 0], 0.25 * i - 0.5, 0.5 + i / 8] for i in range(8)),
]
RAW = [
    ["study", "sex", "m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"],
    *([f"s{i // 2}", "mf"[i % 3 == 0], 10.5 + i, 2.5, 9 + i, 9.25, 2.0, 12] for i in range(8)),
]
SYNONYMS = [
    ["Author", "Year", "dose mg", "g", "SE"],
    *([f"Müller {i}", 1990 + i // 2, 1.5 + i % 4, 0.25 * i - 0.5, 0.5 + i / 8] for i in range(8)),
]
INTERVALS = [
    ["study", "sex", "yi", "ci_lb", "ci_ub"],
    *(
        [f"s{i // 2}", "mf"[i % 3 == 0], 0.25 * i - 0.5, 0.25 * i - 1.5 - i / 8, 0.25 * i + 0.5 + i / 8]
        for i in range(8)
    ),
]
BASES = {"given": GIVEN, "raw": RAW, "synonyms": SYNONYMS, "intervals": INTERVALS}
NUMBERS = ("yi", "vi", "g", "SE", "m1i", "sd1i", "n1i", "ci_lb", "ci_ub")


class Malformed(NamedTuple):
    """A file: its name says base and mutations; the cells before they were written, where bytes were left alone."""

    name: str
    kind: str
    content: bytes
    rows: Rows | None


Mutation = Callable[[Rows, random.Random], None]


def _put(row: list[Any], column: int, value: object) -> None:
    row[column : column + 1] = [value]


def _cell(value: object, *names: str) -> Mutation:
    """A value in one row of a column: one of `names`, or of those that numbers are read from."""

    def mutate(rows: Rows, rng: random.Random) -> None:
        columns = [i for i, name in enumerate(rows[0]) if name in (names or NUMBERS)] or [0]
        _put(rows[rng.randrange(1, len(rows)) if len(rows) > 1 else 0], rng.choice(columns), value)

    return mutate


def _column(value: object, *names: str) -> Mutation:
    def mutate(rows: Rows, rng: random.Random) -> None:
        columns = [i for i, name in enumerate(rows[0]) if name in (names or NUMBERS)] or [0]
        column = rng.choice(columns)
        for row in rows[1:]:
            _put(row, column, value)

    return mutate


def _header(name: object) -> Mutation:
    """Another name for a moderator, so that it goes into formulas, labels and results."""

    def mutate(rows: Rows, rng: random.Random) -> None:
        _put(rows[0], next((i for i, old in enumerate(rows[0]) if old in ("sex", "dose", "dose mg")), 0), name)

    return mutate


def _level(label: str) -> Mutation:
    def mutate(rows: Rows, rng: random.Random) -> None:
        column = next((i for i, old in enumerate(rows[0]) if old in ("sex", "study", "Author")), 0)
        for row in rows[1::2]:
            _put(row, column, label)

    return mutate


def _drop(rows: Rows, rng: random.Random) -> None:
    column = rng.randrange(max(1, len(rows[0])))
    for row in rows:
        del row[column : column + 1]


def _twice(rows: Rows, rng: random.Random) -> None:
    column = rng.randrange(max(1, len(rows[0])))
    for row in rows:
        row.append(row[column] if column < len(row) else 1)


def _wide(rows: Rows, rng: random.Random) -> None:
    for i, row in enumerate(rows):
        row.extend(f"{i and 1}{column}" for column in range(99))


def _ragged(rows: Rows, rng: random.Random) -> None:
    row = rows[rng.randrange(len(rows))]
    row[:] = row[: rng.randrange(len(row) + 1)] if rng.random() < 0.5 else [*row, "more", 3]


def _shape(change: Callable[[Rows], Rows]) -> Mutation:
    def mutate(rows: Rows, rng: random.Random) -> None:
        rows[:] = change(rows)

    return mutate


def _alternating(rows: Rows) -> Rows:
    return [rows[0], *([f"crossed {i % 2}", *row[1:]] for i, row in enumerate(rows[1:]))]


NAMES = ["[bold]", "[/b]", "[/]", "a:b", "a[0]", "a+b", "C(x)", "class", "lambda", "None", "True", "X", "chain", "draw"]
NAMES += ["term", "level", "effect", "sheet_row", "index", "measure", "yi_in_file", "a/b", "a\\b", 'a"b', "a`b", "a'b"]
NAMES += [
    "`",
    "{x}",
    "%s",
    "$a$",
    "_",
    "0",
    "1.5",
    "-",
    " ",
    "a\nb",
    "é\u0301",
    "\u202eabc",
    "\U0001f400",
    "=1+1",
    "~ x",
]
NAMES += ["x" * 255, "x" * 256, "\ufeff", "\x7f", "study ", "STUDY", "Yi", "constructor", "np", "scale", "I", "Q"]
LABELS = ["[red]", "[/]", "a[b]:c", "a,b", 'q"q', "new\nline", "back\\slash", "<script>", "{{ 1 }}", "%(x)s", "$x_1$"]
LABELS += ["NA", "None", "true", "1", "-0", "1e5", "\u202e", "ﬁ\u0327", "\U0001f400" * 9, "x" * 500, "x" * 501]
LABELS += ["=HYPERLINK(1)", "@a", "+a", "0 + b", "study/1", ":", "T.f", "C:\\x", "a\tb", "a;b", "x" * 40_000]
NUMBER_CELLS: list[object] = [
    float("nan"),
    float("inf"),
    -float("inf"),
    1e200,
    1e300,
    -1e300,
    1e-300,
    5e-324,
    0,
    -1,
    -0.0,
    1,
]
NUMBER_CELLS += ["1e400", "1,5", "1.234,5", "1,234", "1_000", "0x10", "½", "\u22125", "٣", "1e", "--1", "1 000", "$5"]
NUMBER_CELLS += ["", "NA", "#N/A", "#DIV/0!", "#REF!", "=1/0", "<0.05", "n.s.", True, False, None, "1" * 5000, "12%"]
NUMBER_CELLS += [datetime.date(2020, 5, 1), datetime.datetime(1, 1, 1), "2020-05-01", 10**30, "\u00a01"]
NUMBER_CELLS += ["1\n", "1" * 400]
MUTATIONS: dict[str, Mutation] = (
    {f"cell {value!r:.20} {i}": _cell(value) for i, value in enumerate(NUMBER_CELLS)}
    | {f"column {value!r:.20} {i}": _column(value) for i, value in enumerate(NUMBER_CELLS)}
    | {f"moderator named {name!r:.20} {i}": _header(name) for i, name in enumerate(NAMES)}
    | {f"level {label!r:.20} {i}": _level(label) for i, label in enumerate(LABELS)}
    | {f"{name} in {value!r}": _cell(value, name) for name in ("vi", "SE", "n1i", "sd1i") for value in (0, 1, 1e300)}
    | {f"{name} all {value!r}": _column(value, name) for name in ("vi", "SE", "n1i") for value in (1e-300, 1e300)}
    | {f"moderator cell {value!r}": _cell(value, "sex", "dose", "dose mg") for value in ("", 1e308, True, "inf")}
    | {f"moderator all {value!r}": _column(value, "sex", "dose", "dose mg") for value in ("", 1e308, 7, "inf")}
    | {f"study {value!r}": _cell(value, "study", "Author") for value in ("", None, 3.0, True, float("inf"), "x" * 501)}
    | {
        "a column dropped": _drop,
        "a column twice": _twice,
        "a ragged row": _ragged,
        "zero rows": _shape(lambda rows: rows[:1]),
        "no header": _shape(lambda rows: rows[1:] or rows),
        "one row": _shape(lambda rows: rows[:2]),
        "two rows": _shape(lambda rows: [*rows[:2], *rows[-1:]]),
        "one study": _column("only", "study", "Author"),
        "a study per row": _shape(lambda rows: [rows[0], *([f"one {i}", *row[1:]] for i, row in enumerate(rows[1:]))]),
        "two studies": _shape(_alternating),
        "rows twice": _shape(lambda rows: rows + [list(row) for row in rows[1:]]),
        "rows 300 times": _shape(lambda rows: rows[:1] + [list(row) for _ in range(300) for row in rows[1:]]),
        "blank rows between": _shape(lambda rows: [x for row in rows for x in (row, [""] * len(row))]),
        "title above": _shape(lambda rows: [["Table 1", *rows[0][1:]], *rows]),
        "header twice": _shape(lambda rows: [rows[0], *rows]),
        "transposed": _shape(lambda rows: [list(row) for row in zip(*rows, strict=False)]),
        "columns reversed": _shape(lambda rows: [row[::-1] for row in rows]),
        "100 columns more": _wide,
        "a long note": _shape(lambda rows: [[*row, "note" if i == 0 else "word " * 300] for i, row in enumerate(rows)]),
        "nothing": _shape(lambda rows: rows),
        "no cells": _shape(lambda rows: [["" for _ in row] for row in rows]),
    }
)  # fmt: skip


def malformed(count: int = 1000, seed: int = 8) -> Iterator[Malformed]:
    """Each mutation alone in each kind of file, in turn on each base; then two or three at once, until `count`."""
    rng, bases = random.Random(seed), list(BASES)
    for i, name in enumerate(MUTATIONS):
        for j, kind in enumerate(KINDS if i % 4 == 0 else KINDS[i % 4 :: 4]):
            yield mutated(bases[(i + j) % len(bases)], kind, [name], rng)
    for base in bases[::2]:
        for kind in KINDS:
            content = write(BASES[base], kind)
            texts = {name: lambda _, f=f, c=content: f(c.decode()) for name, f in TEXTS.items() if kind in KINDS[:2]}
            for name, change in (BYTES | texts | (PACKED if kind == "xlsx" else {})).items():
                yield Malformed(f"{base} {kind}: {name}", kind, change(content), None)
    found = 2 * (2 * (len(BYTES) + len(TEXTS)) + 2 * len(BYTES) + len(PACKED)) + len(MUTATIONS)
    for i in range(max(count - found, 100)):
        names = rng.sample(list(MUTATIONS), 2 + i % 2)
        yield mutated(rng.choice(bases), KINDS[i % 4], names, rng)


def mutated(base: str, kind: str, names: list[str], rng: random.Random) -> Malformed:
    """A base with some mutations, one upon the other."""
    rows = [list(row) for row in BASES[base]]
    for name in names:
        MUTATIONS[name](rows, rng)
    return Malformed(f"{base} {kind}: {', '.join(names)}", kind, write(rows, kind), rows)
