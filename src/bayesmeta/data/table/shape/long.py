"""Tables with a row per group of a study: turned into a row per comparison with the control."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.table.arms_in_names import COMPLETE, group_columns, groups_of
from bayesmeta.data.table.guessing import SYNONYMS
from bayesmeta.data.table.marks import label_columns
from bayesmeta.data.table.names import plain
from bayesmeta.data.table.numerals import is_number
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.requests import choose, names_columns
from bayesmeta.data.table.words import kind_of_group, tokens_of
from bayesmeta.infrastructure.errors import BadInput

ARMS = frozenset(
    [
        *("treatment", "arm", "group", "condition", "trt", "intervention", "therapy", "exposure"),
        *("allocation", "drug", "allocated", "treat", "comparator", "cohort", "gruppe", "groupe"),
    ]
)
SHARE = 0.5  # of the studies that must have several rows
MOST = 5  # labels that are offered as the reference


def turn_arms(reading: Reading) -> Reading:
    """Return the reading with a row per comparison, if a row is a group of a study.

    Such a table has n, mean and sd (or events and n) without a group in their names, and a column
    of groups; `arm` and `reference` of the columns name it and the label of the control. A group
    whose label is Control, Placebo or the like is the control of its study. Raise BadInput with
    the possible directions if no label tells the control, and the reading is not to propose one.
    """
    names = [str(name) for name in reading.text.columns]
    statistics = groups_of(name for name in names if name not in label_columns(reading)).get("", {})
    complete = any(form <= {*statistics} for form in COMPLETE)
    taken = names_columns(reading)
    taken = taken or not _compares_groups(reading.asked_measure)
    has_effect = any(plain(name) in ("yi", *SYNONYMS["yi"]) for name in names)
    if not complete or taken or has_effect:
        return reading
    study = _study(reading)
    arm = _arm(reading, study, [name for name in names if name not in statistics.values()])
    if not study or not arm:
        return reading
    others = [name for name in names if name not in (*statistics.values(), arm, *study)]
    keys = _keys(reading.text, study, arm, others)
    reference, message = _reference(reading, arm)
    if message:  # a choice that a model file must repeat
        asked = {**reading.asked, "arm": arm, "reference": reference}
        reading = replace(reading, asked=asked).updated(messages=[message])
    return _compared(reading, statistics, keys, arm, reference)


def _compares_groups(measure: str | None) -> bool:
    """Return whether a measure, if one is asked for, compares two groups."""
    forms = MEASURES[measure].forms if measure else ()
    return not measure or any({"n2i", "ci"} & {*form} for form in forms)


def _study(reading: Reading) -> list[str]:
    asked = reading.asked.get("study", "")
    names = [str(name) for name in reading.text.columns]
    if asked:
        return [asked] if asked in names else [part for part in asked.split("/") if part in names]
    return [name for name in names if name in label_columns(reading) and name != "group"][:1]


def _arm(reading: Reading, study: list[str], names: Iterable[str]) -> str:
    """Return the column of groups: as asked, else one that is called so or has a control."""
    text = reading.text
    asked = reading.asked.get("arm", "")
    if asked:
        if asked not in text:
            raise BadInput(f"columns give arm={asked!r}, which is not a column")
        return asked
    if not study or text.groupby(study).size().gt(1).mean() < SHARE:
        return ""
    called = [name for name in names if ARMS & {*tokens_of(name)} and name not in study]
    free = [name for name in names if name not in study and not is_number(text[name]).all()]
    with_control = [name for name in free if any(map(_is_control, text[name].unique()))]
    for name in (*[name for name in called if name in with_control], *called, *with_control):
        if text.groupby(study)[name].nunique().gt(1).any():
            return name
    single = [name for name in free if not text.duplicated([*study, name]).any()]
    repeated = [name for name in single if text[name].duplicated().any()]
    return repeated[0] if len(repeated) == 1 else ""


def _keys(text: pd.DataFrame, study: list[str], arm: str, others: Iterable[str]) -> list[str]:
    """Return the columns that are the same for the groups of a comparison: study, outcome, ..."""
    keys = list(study)
    for name in others:
        if not text.duplicated([*keys, arm]).any():
            break
        if text.groupby([*keys, name])[arm].nunique().gt(1).mean() >= SHARE:
            keys.append(name)
    return keys


def _reference(reading: Reading, arm: str) -> tuple[str, str]:
    """Return the label of the control, "" if labels tell it in every study, and a message."""
    labels = [label for label in reading.text[arm].unique() if label]
    asked = reading.asked.get("reference", "")
    if asked:
        if asked not in labels:
            listed = ", ".join(map(repr, labels[:MOST]))
            raise BadInput(f"columns give reference={asked!r}; the labels of {arm} are {listed}")
        return asked, ""
    if any(map(_is_control, labels)):
        return "", ""
    ordered = sorted(labels, key=lambda label: kind_of_group(label) == "treatment")
    if len(labels) == 2 and kind_of_group(ordered[1]) == "treatment":
        return ordered[0], ""
    options = [
        ({"arm": arm, "reference": label}, f"compared with {label}")
        for label in reversed(labels[:MOST])
    ]
    taken, message = choose(reading, f"no label of {arm} means a control", options)
    return taken["reference"], message


def _compared(
    reading: Reading,
    statistics: Mapping[str, str],
    keys: list[str],
    arm: str,
    reference: str,
) -> Reading:
    text = reading.text
    is_control = (text[arm] == reference if reference else text[arm].map(_is_control)).to_numpy(
        bool
    )
    group = text.groupby(keys, sort=False).ngroup().to_numpy()
    control_of = {number: row for row, number in enumerate(group) if is_control[row]}
    several = {int(n) for n in np.unique(group) if is_control[group == n].sum() > 1}
    treated = [row for row in range(len(text)) if not is_control[row]]
    used = [row for row in treated if control_of.get(group[row]) is not None]
    used = [row for row in used if group[row] not in several]
    if not used:
        return reading
    pairs = _pairs(text, statistics, used, [control_of[group[row]] for row in used])
    rest = text.iloc[used].drop(columns=list(statistics.values()))
    alone = [row for row in treated if row not in used]
    control = reference or ", ".join(sorted({*text[arm][is_control]}))
    messages = [
        f"rows are groups ({arm}): they are compared with {control}, {len(used)} comparisons"
    ]
    if alone:
        places = ", ".join(str(text.index[row]) for row in alone[:10])
        messages.append(f"left out, without a single control to compare with: rows {places}")
    if len({group[row] for row in used}) < len(used):
        messages.append("comparisons of a study share their control: their errors are dependent")
    return reading.updated(text=rest.assign(**pairs), messages=messages, made=frozenset(pairs))


def _pairs(
    text: pd.DataFrame, statistics: Mapping[str, str], first: list[int], second: list[int]
) -> dict[str, list[str]]:
    pairs: dict[str, list[str]] = {}
    for statistic, name in statistics.items():
        (target1,) = group_columns({statistic: name}, {})
        (target2,) = group_columns({}, {statistic: name})
        cells = text[name].to_numpy()
        pairs[target1] = list(cells[first])
        pairs[target2] = list(cells[second])
    return pairs


def _is_control(label: str) -> bool:
    return kind_of_group(label) == "control"
