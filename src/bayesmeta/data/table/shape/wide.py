"""Tables with several outcomes, or several treated groups, side by side: turned into rows."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from bayesmeta.data.table.arms_in_names import complete_groups, group_columns
from bayesmeta.data.table.guessing import SYNONYMS
from bayesmeta.data.table.names import EFFECT, INTERVAL, RAW, complete_form, gives_effect, plain
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.words import kind_of_group

PARTS = re.compile(r"[_.\s\-]+")
Blocks = dict[str, dict[str, str]]


def turn_outcomes(reading: Reading) -> Reading:
    """Return the reading with a row per effect, if its columns are blocks of several effects.

    Blocks are outcomes (g_anxiety, v_anxiety, g_pain, v_pain) or groups that are compared with one
    control. A message names the new column that tells them apart. A table for which the user names
    columns of effects stays as it is.
    """
    names = [str(name) for name in reading.text.columns]
    if {*EFFECT, *INTERVAL, *RAW} & {*reading.asked} or gives_effect(names) or complete_form(names, None):
        return reading
    outcomes = _outcomes(names)
    blocks = outcomes or _compared_with_control(names)
    if len(blocks) < 2:
        return reading
    title = _unused("outcome" if outcomes else "comparison", names)
    text = _turned(reading.text, blocks, title)
    listed = "; ".join(f"{key}: {', '.join(block.values())}" for key, block in blocks.items())
    message = f"columns of several effects are turned into rows, told apart by {title}: {listed}"
    shared = "" if outcomes else "; they share their control, so that their errors are dependent"
    return reading.updated(text=text, messages=[message + shared])


def _outcomes(names: Iterable[str]) -> Blocks:
    """Return the columns of every outcome by the package's names, if each gives an effect."""
    names = list(names)
    for suffix in (True, False):
        blocks: Blocks = {}
        for name in names:
            for target, key in _readings(name, suffix=suffix):
                blocks.setdefault(key, {}).setdefault(target, name)
        complete = {
            key: block
            for key, block in blocks.items()
            if gives_effect({*block}) or complete_form({*block}, None)
        }
        if len(complete) > 1:
            return complete
    return _outcomes_of_groups(names)


def _readings(name: str, *, suffix: bool) -> list[tuple[str, str]]:
    """Return what a name may be, and of which outcome: g_anxiety is yi of anxiety."""
    parts = PARTS.split(name)
    found = []
    for place in range(1, len(parts)):
        head, tail = "_".join(parts[:place]), "_".join(parts[place:])
        base, key = (head, tail) if suffix else (tail, head)
        targets = [target for target in TARGETS if plain(base) in TARGETS[target]]
        found += [(target, key) for target in targets]
    return found


def _outcomes_of_groups(names: Iterable[str]) -> Blocks:
    """Return the columns of every outcome of two groups: anx_mean_drug, anx_mean_placebo, ..."""
    outcomes: dict[str, dict[str, Mapping[str, str]]] = {}
    for group, columns in complete_groups(names).items():
        words = group.split("_")
        kinds = [kind_of_group(word) for word in words]
        known = [at for at, kind in enumerate(kinds) if kind in ("treatment", "control")]
        if len(known) == 1 and len(words) > 1:
            rest = "_".join(word for at, word in enumerate(words) if at != known[0])
            outcomes.setdefault(rest, {})[kinds[known[0]]] = columns
    return {
        key: group_columns(groups["treatment"], groups["control"])
        for key, groups in outcomes.items()
        if len(groups) == 2
    }


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
    """Return a row per row and block that has any cell, in the order of the rows."""
    serving = {name for block in blocks.values() for name in block.values()}
    others = text.drop(columns=list(serving))
    targets = list(dict.fromkeys(name for block in blocks.values() for name in block))
    parts = []
    for key, block in blocks.items():
        cells = {name: text[block[name]] if name in block else "" for name in targets}
        part = others.assign(**cells, **{title: key}, **{PLACE: np.arange(len(text))})
        parts.append(part[(part[targets] != "").any(axis=1)])
    table = pd.concat(parts).sort_values(PLACE, kind="stable")
    return table.drop(columns=PLACE).astype("str")


def _unused(title: str, names: Iterable[str]) -> str:
    taken = {*names}
    while title in taken:
        title += "_"
    return title


PLACE = "\0place"  # a name that no column of a file has
TARGETS = {
    target: (target, *SYNONYMS.get(target, ())) for target in (*EFFECT, *INTERVAL, *RAW)
}
