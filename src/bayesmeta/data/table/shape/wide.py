"""Tables with several outcomes, or several treated groups, side by side: turned into rows."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from bayesmeta.data.table.arms_in_names import complete_groups, group_columns
from bayesmeta.data.table.guessing import SYNONYMS
from bayesmeta.data.table.names import EFFECT, INTERVAL, RAW, complete_form, gives_effect, plain
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.requests import names_columns
from bayesmeta.data.table.words import end_of_interval, kind_of_group, meaning_of, ratio_of

MOST_PARTS = 8  # of a name that is taken apart
PARTS = re.compile(r"[_.\s\-]+")
Blocks = dict[str, dict[str, str]]


def turn_outcomes(reading: Reading) -> Reading:
    """Return the reading with a row per effect, if its columns are blocks of several effects.

    Blocks are outcomes (g_anxiety, v_anxiety, g_pain, v_pain) or groups that are compared with one
    control. A message names the new column that separates them. A table for which the user names
    columns of effects stays as it is.
    """
    names = [str(name) for name in reading.text.columns]
    if names_columns(reading) or gives_effect(names) or complete_form(names, None):
        return reading
    outcomes = _outcomes(names)
    blocks = outcomes or _compared_with_control(names)
    if len(blocks) < 2:
        return reading
    title = _unused("outcome" if outcomes else "comparison", names)
    text = _turned(reading.text, blocks, title)
    listed = "; ".join(f"{key}: {', '.join(block.values())}" for key, block in blocks.items())
    message = f"columns of several effects are turned into rows, distinguished by {title}: {listed}"
    shared = "" if outcomes else "; they share their control, so that their errors are dependent"
    made = frozenset({title, *(name for block in blocks.values() for name in block)})
    return reading.updated(text=text, messages=[message + shared], made=made)


def _outcomes(names: Iterable[str]) -> Blocks:
    """Return the columns of every outcome by the package's names, if each gives an effect."""
    names = list(names)
    blocks: Blocks = {}
    for name in names:
        for target, key in _readings(name):
            blocks.setdefault(key, {}).setdefault(target, name)
    complete = {key: block for key, block in blocks.items() if _gives_effect(block)}
    return complete if len(complete) > 1 else _outcomes_of_groups(names)


def _gives_effect(block: Mapping[str, str]) -> bool:
    targets = {"yi" if ratio_of(target) else target for target in block}
    return gives_effect(targets) or complete_form(targets, None) is not None


def _readings(name: str) -> list[tuple[str, str]]:
    """Return what a name may be, and of which outcome: g_anxiety is yi of anxiety.

    A ratio stays under its name, so that it is read as one: or_death_lower is or of death.
    """
    parts = PARTS.split(name)
    if len(parts) > MOST_PARTS:
        return []
    spans = [(i, j) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)]
    readings = []
    for start, end in spans:
        base = "_".join([*parts[:start], *parts[end:]])
        target = plain(base) if ratio_of(base) else TARGET_OF.get(plain(base))
        target = target or end_of_interval(base)
        if target:
            readings.append((target, "_".join(parts[start:end])))
    return readings


def _outcomes_of_groups(names: Iterable[str]) -> Blocks:
    """Return the columns of every outcome of two groups: anx_mean_drug, anx_mean_placebo, ..."""
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for name in names:
        meaning = meaning_of(name)
        words = meaning.group.split("_") if meaning else []
        kinds = [kind_of_group(word) for word in words]
        known = [at for at, kind in enumerate(kinds) if kind in ("treatment", "control")]
        if meaning and len(known) == 1 and len(words) > 1:
            rest = "_".join(word for at, word in enumerate(words) if at != known[0])
            columns = groups.setdefault((rest, kinds[known[0]]), {})
            columns.setdefault(meaning.statistic, name)
    blocks = {
        key: group_columns(treatment, groups[key, "control"])
        for (key, kind), treatment in groups.items()
        if kind == "treatment" and (key, "control") in groups
    }
    return {key: block for key, block in blocks.items() if _gives_effect(block)}


def _compared_with_control(names: Iterable[str]) -> Blocks:
    """Return the columns of every group and of the one control, if there are several groups."""
    groups = complete_groups(names)
    kinds = {group: kind_of_group(group) for group in groups}
    controls = [group for group, kind in kinds.items() if kind == "control"]
    if len(controls) != 1 or len(groups) < 3 or {"before", "after"} & {*kinds.values()}:
        return {}
    control = groups[controls[0]]
    others = {group: columns for group, columns in groups.items() if group not in controls}
    return {group: group_columns(columns, control) for group, columns in others.items()}


def _turned(text: pd.DataFrame, blocks: Blocks, title: str) -> pd.DataFrame:
    """Return a row per row and block that has any filled cell, in the order of the rows."""
    sources = [name for block in blocks.values() for name in dict.fromkeys(block.values())]
    others = text.drop(columns=list({*sources}))
    targets = list(dict.fromkeys(name for block in blocks.values() for name in block))
    parts = []
    for key, block in blocks.items():
        cells = {name: text[block[name]] if name in block else "" for name in targets}
        part = others.assign(**cells, **{title: key}, **{PLACE: np.arange(len(text))})
        single = [name for name, source in block.items() if sources.count(source) == 1]
        parts.append(part[(part[single or targets] != "").any(axis=1)])
    table = pd.concat(parts).sort_values(PLACE, kind="stable")
    return table.drop(columns=PLACE).astype("str")


def _unused(title: str, names: Iterable[str]) -> str:
    taken = {*names}
    while title in taken:
        title += "_"
    return title


PLACE = "\0place"  # a name that no column of a file has
TARGET_OF = {
    word: target
    for target in (*EFFECT, *INTERVAL, *RAW)
    for word in (target, *SYNONYMS.get(target, ()))
}
