"""The fifth stage: labels of studies, groups and effects."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.schema import LABELS
from bayesmeta.data.table.limits import LABEL_LENGTH
from bayesmeta.data.table.reading import Reading


class Labels(NamedTuple):
    """Labels of a level, and the lines about them."""

    labels: pd.Series
    messages: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def label_levels(reading: Reading) -> Reading:
    """Return the reading with `labels`: study, group and effect.

    Without `group` every effect is a group; without `effect` effects are study:1, study:2, ...
    Labels that are 1, 2, ... within every study become study/1, study/2, ..., with a message. Group
    labels that repeat across studies in another way are crossed levels: a problem.
    """
    named = reading.named
    study = named["study"]
    group = _groups(reading) if "group" in named else None
    effect = _effects(named, study if group is None else group.labels)
    labels = {
        "study": study,
        "group": effect.labels if group is None else group.labels,
        "effect": effect.labels,
    }
    levels = [effect] if group is None else [group, effect]
    return reading.updated(
        messages=[line for level in levels for line in level.messages],
        problems=[*_too_long(reading), *(line for level in levels for line in level.problems)],
        labels=pd.DataFrame(labels),
    )


def _too_long(reading: Reading) -> list[str]:
    """Return a problem per level with labels that are texts."""
    named = reading.named
    problems = []
    for name in (name for name in LABELS if name in named):
        long = (named[name].str.len() > LABEL_LENGTH).to_numpy()
        if long.any():
            where = places(long, reading.rows, named[name])
            problems.append(
                f"{name} must be a label of at most {LABEL_LENGTH} characters, got {where}"
            )
    return problems


def _groups(reading: Reading) -> Labels:
    """Return the labels of groups, nested in studies."""
    study = reading.named["study"]
    group = _nested(reading.named["group"], study, "group")
    repeated = _repeated(group.labels, study)
    if not repeated.any():
        return group
    where = places(repeated, reading.rows, group.labels)
    problem = f"group must lie in a single study, got {where}; {_ways_out(reading.taken)}"
    return Labels(study + "/" + group.labels, group.messages, (problem,))


def _effects(named: pd.DataFrame, parents: pd.Series) -> Labels:
    """Return the labels of effects, numbered within their study if the table has none."""
    if "effect" in named:
        return _nested(named["effect"], parents, "effect")
    study = named["study"]
    numbers = study.groupby(study).cumcount().add(1).astype(str)
    return Labels(study + ":" + numbers)


def _ways_out(taken: Mapping[str, str]) -> str:
    """Return what the user can do about group labels that repeat across studies."""
    study = taken.get("study", "study")
    group = taken.get("group", "group")
    return (
        "a label in two studies is either two groups with the same name, which this nests: "
        f'--columns "study={study}, group={study}/{group}"; or the same thing in both, a crossed '
        'level, which no model here has: keep it as a moderator, --columns "group="'
    )


def _repeated(labels: pd.Series, parents: pd.Series) -> np.ndarray:
    """Return True for rows with a label that lies in several parents."""
    several = parents.groupby(labels).transform("nunique") > 1
    return (several & (labels != "")).to_numpy()


def _nested(labels: pd.Series, parents: pd.Series, name: str) -> Labels:
    """Return parent/label if labels repeat across parents and count 1, 2, ... within a parent.

    Other labels are returned as they are.
    """
    numbers = labels.str.fullmatch(r"[0-9]{1,9}|").all()
    if not (numbers and _repeated(labels, parents).any() and _count_from_one(labels, parents)):
        return Labels(labels)
    parent = "study" if name == "group" else "group or study"
    message = (
        f"{name} is numbered anew within each {parent}: its labels are "
        f"{parents.iloc[0]}/{labels.iloc[0]}, ..."
    )
    return Labels((parents + "/" + labels).where(labels != "", ""), (message,))


def _count_from_one(labels: pd.Series, parents: pd.Series) -> bool:
    """Return True if the numbers within every parent are 1, 2, ... without gaps."""
    filled = labels[labels != ""].astype(int)
    counts = filled.groupby(parents[labels != ""]).agg(["min", "max", "nunique"])
    return bool((counts["min"] == 1).all() and (counts["max"] == counts["nunique"]).all())
