"""Persons and animals of the effects, every subject counted once.

The paper prints 6,732 persons in 92 studies and 6,834 animals in 182, without a rule; its final
table is not public.
"""

import pandas as pd

PRINTED = {"persons": 6732, "animals": 6834}
SOURCE = "Sep, Geuze & Joëls 2023, doi:10.1038/s41398-023-02660-7"
GROUPS = "largest n of every group, and of every control"
STUDIES = "largest n of group and control together, by study and sample"
NEAREST = {"persons": STUDIES, "animals": GROUPS}  # rule: the one nearest to the printed number


def subjects_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the number of subjects by two rules, beside the printed one.

    `frame` has a row per effect with study, group, control, sample, organism, n1i and
    n2i_reported, the size of a control before it is divided among the groups that share it.
    Animals of a study are in different groups; persons are often in several, such as patients in
    all and those with flashbacks, which the second rule does not add.

    Columns: subjects (persons or animals), rule, count, nearest (whether this rule comes nearest
    to the printed number), printed, studies, source.
    """
    rows = []
    human = frame["organism"].eq("human")
    for kind, part in (("persons", frame[human]), ("animals", frame[~human])):
        if part.empty:
            continue
        counts = {GROUPS: _by_group(part), STUDIES: _by_study(part)}
        for rule, count in counts.items():
            row = {"subjects": kind, "rule": rule, "count": round(count)}
            row |= {"nearest": rule == NEAREST[kind], "printed": PRINTED[kind]}
            rows.append(row | {"studies": part["study"].nunique(), "source": SOURCE})
    return pd.DataFrame(rows)


def _by_group(part: pd.DataFrame) -> float:
    groups = part.groupby("group", observed=True)["n1i"].max().sum()
    return float(groups + part.groupby("control", observed=True)["n2i_reported"].max().sum())


def _by_study(part: pd.DataFrame) -> float:
    together = part["n1i"] + part["n2i_reported"]
    return float(together.groupby([part["study"], part["sample"]], observed=True).max().sum())
