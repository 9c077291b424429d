"""Malformed tables: named mutations of small valid tables, made the same every time by a seed."""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from malformed_bytes import BYTES, PACKED, TEXTS, Rows, write
from malformed_values import CELLS, LABELS, NAMES

KINDS = ("csv", "tsv", "xlsx", "parquet")
ROWS = [(i, f"s{i // 2}", "mf"[i % 3 == 0], 0.25 * i - 0.5) for i in range(8)]
GIVEN = [
    ["study", "group", "dose", "sex", "yi", "vi"],
    *([study, f"g{i // 2}-{i % 2}", 1.5 + i, sex, yi, 0.5 + i / 8] for i, study, sex, yi in ROWS),
]
RAW = [
    ["study", "sex", "m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"],
    *([study, sex, 10.5 + i, 2.5, 9 + i, 9.25, 2.0, 12] for i, study, sex, _ in ROWS),
]
SYNONYMS = [
    ["Author", "Year", "dose mg", "g", "SE"],
    *([f"Müller {i}", 1990 + i // 2, 1.5 + i % 4, yi, 0.5 + i / 8] for i, _, _, yi in ROWS),
]
INTERVALS = [
    ["study", "sex", "yi", "ci_lb", "ci_ub"],
    *([study, sex, yi, yi - 1 - i / 8, yi + 1 + i / 8] for i, study, sex, yi in ROWS),
]
BASES = {"given": GIVEN, "raw": RAW, "synonyms": SYNONYMS, "intervals": INTERVALS}
NUMBERS = ("yi", "vi", "g", "SE", "m1i", "sd1i", "n1i", "ci_lb", "ci_ub")


class Malformed(NamedTuple):
    """A file, named by base and mutations; the cells before writing if bytes were left alone."""

    name: str
    kind: str
    content: bytes
    rows: Rows | None


Mutation = Callable[[Rows, random.Random], None]


def _put(row: list[Any], column: int, value: object) -> None:
    row[column : column + 1] = [value]


def _cell(value: object, *names: str) -> Mutation:
    """Put a value in a row of a column: of `names`, or of those that hold numbers."""

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
    """Give a moderator another name, which goes into formulas, labels and results."""

    def mutate(rows: Rows, rng: random.Random) -> None:
        _put(
            rows[0],
            next((i for i, old in enumerate(rows[0]) if old in ("sex", "dose", "dose mg")), 0),
            name,
        )

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


def _numbered(rows: Rows) -> Rows:
    return [rows[0], *([f"one {i}", *row[1:]] for i, row in enumerate(rows[1:]))]


def _copies(rows: Rows, count: int) -> Rows:
    return [list(row) for _ in range(count) for row in rows[1:]]


def _with_note(rows: Rows) -> Rows:
    return [[*row, "note" if i == 0 else "word " * 300] for i, row in enumerate(rows)]


MODERATORS = ("sex", "dose", "dose mg")
STUDIES = ("study", "Author")
STUDY_CELLS = ("", None, 3.0, True, float("inf"), "x" * 501)
MUTATIONS: dict[str, Mutation] = {
    **{f"cell {value!r:.20} {i}": _cell(value) for i, value in enumerate(CELLS)},
    **{f"column {value!r:.20} {i}": _column(value) for i, value in enumerate(CELLS)},
    **{f"moderator named {name!r:.20} {i}": _header(name) for i, name in enumerate(NAMES)},
    **{f"level {label!r:.20} {i}": _level(label) for i, label in enumerate(LABELS)},
    **{
        f"{name} in {value!r}": _cell(value, name)
        for name in ("vi", "SE", "n1i", "sd1i")
        for value in (0, 1, 1e300)
    },
    **{
        f"{name} all {value!r}": _column(value, name)
        for name in ("vi", "SE", "n1i")
        for value in (1e-300, 1e300)
    },
    **{f"moderator cell {v!r}": _cell(v, *MODERATORS) for v in ("", 1e308, True, "inf")},
    **{f"moderator all {v!r}": _column(v, *MODERATORS) for v in ("", 1e308, 7, "inf")},
    **{f"study {value!r}": _cell(value, *STUDIES) for value in STUDY_CELLS},
    "a column dropped": _drop,
    "a column twice": _twice,
    "a ragged row": _ragged,
    "zero rows": _shape(lambda rows: rows[:1]),
    "no header": _shape(lambda rows: rows[1:] or rows),
    "one row": _shape(lambda rows: rows[:2]),
    "two rows": _shape(lambda rows: [*rows[:2], *rows[-1:]]),
    "one study": _column("only", *STUDIES),
    "a study per row": _shape(_numbered),
    "two studies": _shape(_alternating),
    "rows twice": _shape(lambda rows: rows + _copies(rows, 1)),
    "rows 300 times": _shape(lambda rows: rows[:1] + _copies(rows, 300)),
    "blank rows between": _shape(lambda rows: [x for row in rows for x in (row, [""] * len(row))]),
    "title above": _shape(lambda rows: [["Table 1", *rows[0][1:]], *rows]),
    "header twice": _shape(lambda rows: [rows[0], *rows]),
    "transposed": _shape(lambda rows: [list(row) for row in zip(*rows, strict=False)]),
    "columns reversed": _shape(lambda rows: [row[::-1] for row in rows]),
    "100 columns more": _wide,
    "a long note": _shape(_with_note),
    "nothing": _shape(lambda rows: rows),
    "no cells": _shape(lambda rows: [["" for _ in row] for row in rows]),
}


def malformed(count: int = 1000, seed: int = 8) -> Iterator[Malformed]:
    """Yield every mutation alone in all kinds of file, then two or three at once, up to `count`."""
    rng = random.Random(seed)
    bases = list(BASES)
    for i, name in enumerate(MUTATIONS):
        for j, kind in enumerate(KINDS if i % 4 == 0 else KINDS[i % 4 :: 4]):
            yield mutated(bases[(i + j) % len(bases)], kind, [name], rng)
    damaged = [file for base in bases[::2] for kind in KINDS for file in _damaged(base, kind)]
    yield from damaged
    more = max(count - len(damaged) - len(MUTATIONS), 100)
    for i in range(more):
        names = rng.sample(list(MUTATIONS), 2 + i % 2)
        yield mutated(rng.choice(bases), KINDS[i % 4], names, rng)


def mutated(base: str, kind: str, names: list[str], rng: random.Random) -> Malformed:
    """Return a base with some mutations, in their order."""
    rows = [list(row) for row in BASES[base]]
    for name in names:
        MUTATIONS[name](rows, rng)
    return Malformed(f"{base} {kind}: {', '.join(names)}", kind, write(rows, kind), rows)


def _damaged(base: str, kind: str) -> Iterator[Malformed]:
    """Yield a base with damaged bytes; text files also in other encodings, workbooks in parts."""
    content = write(BASES[base], kind)
    changes = {name: change(content) for name, change in BYTES.items()}
    if kind in KINDS[:2]:
        changes |= {name: change(content.decode()) for name, change in TEXTS.items()}
    if kind == "xlsx":
        changes |= {name: change(content) for name, change in PACKED.items()}
    for name, bytes_ in changes.items():
        yield Malformed(f"{base} {kind}: {name}", kind, bytes_, None)
