"""Labels of the levels: groups and effects that are numbered anew within each study get labels of their own."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import places


def label_levels(text: pd.DataFrame, taken: dict[str, str], notes: list[str], problems: list[str]) -> pd.DataFrame:
    """study, group and effect: without `group` every effect is its own, without `effect` it is study:1, study:2.

    Labels that are 1, 2, ... within each study become study/1, study/2, and a note says so. Group labels that repeat
    across studies in another way are crossed levels: a problem.
    """
    study = text["study"]
    numbered = study.groupby(study).cumcount().add(1).astype(str)
    group = text.get("group")
    if group is not None:
        group = _nested(group, study, "group", notes)
        repeated = _repeated(group, study)
        if repeated.any():
            where = places(repeated, list(text.index), group)
            problems.append(f"group must each be in one study, got {where}; {_ways_out(taken)}")
            group = study + "/" + group
    effect = text["effect"] if "effect" in text else study + ":" + numbered
    if "effect" in text:
        effect = _nested(effect, study if group is None else group, "effect", notes)
    return pd.DataFrame({"study": study, "group": effect if group is None else group, "effect": effect})


def _ways_out(taken: dict[str, str]) -> str:
    study, group = taken.get("study", "study"), taken.get("group", "group")
    return (
        "a label in two studies is either two groups with one name, which this nests: "
        f'--columns "study={study}, group={study}/{group}"; or one thing in both, a crossed level, which no model here '
        f'has: keep it as a moderator, --columns "group="'
    )


def _repeated(labels: pd.Series, parents: pd.Series) -> np.ndarray:
    """Whether each label is in more than one parent."""
    return ((parents.groupby(labels).transform("nunique") > 1) & (labels != "")).to_numpy()


def _nested(labels: pd.Series, parents: pd.Series, name: str, notes: list[str]) -> pd.Series:
    """parent/label where labels repeat across parents and count 1, 2, ... within each; else the labels."""
    if not _repeated(labels, parents).any() or not labels.str.fullmatch(r"[0-9]{1,9}|").all():
        return labels
    filled = labels[labels != ""].astype(int)
    counts = filled.groupby(parents.loc[filled.index]).agg(["min", "max", "nunique"])
    if (counts["min"] != 1).any() or (counts["max"] != counts["nunique"]).any():
        return labels
    parent = "study" if name == "group" else "group or study"
    notes.append(
        f"{name} is numbered anew within each {parent}: its labels are {parents.iloc[0]}/{labels.iloc[0]}, ..."
    )
    return (parents + "/" + labels).where(labels != "", "")
