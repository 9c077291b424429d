"""The fifth and sixth stages: labels of studies, groups and effects; the other columns."""

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.data.schema import KEYS, LABELS
from bayesmeta.data.table.alike import alike
from bayesmeta.data.table.limits import LABEL_LENGTH, TEXT_LENGTH, TEXT_TOTAL
from bayesmeta.data.table.mapping import ASIDE
from bayesmeta.data.table.names import EFFECT, INTERVAL, RAW
from bayesmeta.data.table.numerals import floats, is_number
from bayesmeta.data.table.reading import Reading, cells_at
from bayesmeta.data.table.requests import command

MOST_LEVELS = 50  # of a column whose levels are compared
NUMBERS = (*EFFECT, *INTERVAL, *RAW)  # whose words are a problem already


class Labels(NamedTuple):
    """Labels of a level, and the lines about them."""

    labels: pd.Series
    messages: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    joined: bool = False  # to the study, because the reading proposes it


def label_levels(reading: Reading) -> Reading:
    """Return the reading with `labels`: study, group and effect.

    Without `group` every effect is a group; without `effect` effects are study:1, study:2, ...
    Labels that are 1, 2, ... within every study become study/1, study/2, ..., with a message. Group
    labels that repeat across studies in another way are crossed levels: a problem.
    """
    named = reading.named
    study = named["study"]
    grouped = [_groups(reading)] if "group" in named else []
    effect = _effects(named, grouped[0].labels if grouped else study)
    levels = [*grouped, effect]
    taken = dict(reading.taken)
    if grouped and grouped[0].joined:
        taken["group"] = "/".join(taken.get(name, name) for name in ("study", "group"))
    labels = pd.DataFrame({"study": study, "group": levels[0].labels, "effect": effect.labels})
    messages = [line for level in levels for line in level.messages]
    problems = [*_too_long(named), *(line for level in levels for line in level.problems)]
    return reading.updated(messages=messages, problems=problems, labels=labels, taken=taken)


def _too_long(named: pd.DataFrame) -> list[str]:
    long = {name: named[name].str.len() > LABEL_LENGTH for name in LABELS if name in named}
    rule = f"must be a label of at most {LABEL_LENGTH} characters, got"
    got = {name: cells_at(wrong, named[name]) for name, wrong in long.items() if wrong.any()}
    return [f"{name} {rule} {cells}" for name, cells in got.items()]


def _groups(reading: Reading) -> Labels:
    named = reading.named
    study = named["study"]
    group = _nested(named["group"], study, "group")
    repeated = _repeated(group.labels, study)
    if not repeated.any():
        return group
    study_source, group_source = (reading.taken.get(name, name) for name in ("study", "group"))
    if reading.propose:
        message = (
            f"labels of {group_source} are in several studies: these groups count as different"
        )
        return Labels(study + "/" + group.labels, (*group.messages, message), joined=True)
    nested = command(reading, {"study": study_source, "group": f"{study_source}/{group_source}"})
    aside = command(reading, {"group": ""})
    kept = f"group{ASIDE}" if group_source == "group" else group_source
    shown = shlex.quote(kept)
    problem = (
        f"group must lie in a single study, got {cells_at(repeated, group.labels)}; a label in two "
        f"studies means either two groups with the same name; to nest them: {nested}; or the same "
        f"thing in both studies; to cross it with the studies: {aside} --crossed {shown}"
    )
    return Labels(study + "/" + group.labels, group.messages, (problem,))


def _effects(named: pd.DataFrame, parents: pd.Series) -> Labels:
    if "effect" in named:
        return _nested(named["effect"], parents, "effect")
    study = named["study"]
    numbers = study.groupby(study).cumcount().add(1).astype(str)
    return Labels(study + ":" + numbers)


def _repeated(labels: pd.Series, parents: pd.Series) -> np.ndarray:
    several = parents.groupby(labels).transform("nunique") > 1
    return (several & (labels != "")).to_numpy()


def _nested(labels: pd.Series, parents: pd.Series, name: str) -> Labels:
    """Return parent/label if labels repeat across parents and count 1, 2, ... within a parent."""
    numbers = labels.str.fullmatch(r"[0-9]{1,9}|").all()
    if not (numbers and _repeated(labels, parents).any() and _count_from_one(labels, parents)):
        return Labels(labels)
    parent = "study" if name == "group" else "group or study"
    first = f"{parents.iloc[0]}/{labels.iloc[0]}"
    message = f"{name} is numbered from the start within each {parent}: its labels are {first}, ..."
    return Labels((parents + "/" + labels).where(labels != "", ""), (message,))


def _count_from_one(labels: pd.Series, parents: pd.Series) -> bool:
    filled = labels[labels != ""].astype(int)
    counts = filled.groupby(parents[labels != ""]).agg(["min", "max", "nunique"])
    return bool((counts["min"] == 1).all() and (counts["max"] == counts["nunique"]).all())


def add_moderators(reading: Reading) -> Reading:
    """Return the reading with `moderators`; columns of long texts are left out with a message.

    Messages name columns that are words because of a few cells, and levels that differ by
    typography alone.
    """
    named = reading.named
    names = [name for name in map(str, named.columns) if name not in KEYS]
    columns = {name: _moderator(named[name], reading.orders.get(name)) for name in names}
    long = {name: length for name, column in columns.items() if (length := _length_if_long(column))}
    messages = [
        f"{name} is left out, because its texts are long (up to {length:,} characters)"
        for name, length in long.items()
    ]
    moderators = pd.DataFrame(columns, index=named.index).drop(columns=list(long))
    is_word = {str(name): moderators[name].dtype == "category" for name in moderators}
    words = [name for name in is_word if is_word[name] and name not in (*NUMBERS, *reading.made)]
    messages += [line for name in words if (line := _word_message(named[name], reading.orders))]
    return reading.updated(messages=messages, moderators=moderators)


def _word_message(column: pd.Series, orders: Mapping[str, Sequence[str]]) -> str:
    """Return why a column that is mostly numbers is words, or which of its levels are alike."""
    filled = column[column != ""]
    numbers = is_number(filled)
    if column.name in orders:
        return ""
    if 0.5 <= numbers.mean() < 1:
        cells = cells_at(~numbers, filled)
        return f"{column.name} is read as words, not as a number, because of {cells}"
    begins = filled.str.match(r"[+-]?[\d.,]*\d") & ~filled.str.match(r"\d[\d.,]*-\d")
    if begins.all() and len(filled.unique()) > 1:
        example = repr(filled.iloc[0])
        return f"{column.name} is read as words, not as a number: its cells are like {example}"
    levels = filled.unique()
    sets = alike(levels) if len(levels) <= MOST_LEVELS else []
    shown = "; ".join(", ".join(map(repr, same)) for same in sets)
    return f"{column.name} has levels that differ by typography alone: {shown}" if sets else ""


def _moderator(column: pd.Series, order: Sequence[str] | None) -> pd.Series:
    """Return numbers, if they are and have no order, else categories as ordered, or A to Z."""
    filled = column[column != ""]
    if order is None and is_number(filled).all():
        return floats(column)
    categories = list(order or sorted(filled.unique()))
    return column.where(column != "", None).astype(pd.CategoricalDtype(categories))


def _length_if_long(column: pd.Series) -> int:
    """Return the longest text of a column of free text, which is no moderator; else 0."""
    if column.dtype != "category":
        return 0
    longest = max(map(len, column.cat.categories), default=0)
    fits = longest <= TEXT_LENGTH and longest * len(column) <= TEXT_TOTAL
    return 0 if fits else longest
