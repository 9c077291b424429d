"""What a plan says: expectations by size, the curves behind the figure, a sentence per contrast."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesmeta.estimates.conventions import SETTLED, TARGET_P_SETTLED
from bayesmeta.estimates.text import probability_statement, probability_text
from bayesmeta.planning.expectation import Today

KEYS = ["contrast", "studies", "per_arm"]
AVERAGES = ["replicates", "width", "width_se", "p_settled", "p_settled_se", "p_right"]


def plan_table(refits: pd.DataFrame, today: Mapping[str, Today]) -> pd.DataFrame:
    """Average refits over replicates, with Monte-Carlo standard errors.

    Parameters
    ----------
    refits : DataFrame
        contrast, per_arm, replicate, studies, width, p_positive.
    today : by contrast

    Returns
    -------
    DataFrame
        contrast, studies, per_arm, replicates, width (expected, of the 95 % interval), width_se, p_settled (probability
        that one sign gets more than .975), p_settled_se, p_right (that it does, and is the true sign), current_width,
        current_p (P(> 0) today), floor_width (of the contrast if all that is measured were known; missing where what is
        measured and what is not depend on each other).
    """
    truth = np.array([today[c].truth[r] for c, r in zip(refits["contrast"], refits["replicate"], strict=True)])
    positive = refits["p_positive"] > SETTLED
    settled = positive | (refits["p_positive"] < 1 - SETTLED)
    right = settled & (positive == (truth > 0))
    groups = refits.assign(p_settled=settled * 1.0, p_right=right * 1.0).groupby(KEYS, sort=False)
    table = groups[["width", "p_settled", "p_right"]].mean().assign(replicates=groups.size())
    for name in ("width", "p_settled"):
        table[f"{name}_se"] = groups[name].std(ddof=1) / np.sqrt(table["replicates"])
    table = table[AVERAGES].reset_index()
    for column, name in (("current_width", "width"), ("current_p", "p_positive"), ("floor_width", "floor")):
        table[column] = [getattr(today[contrast], name) for contrast in table["contrast"]]
    return table


def curves_table(table: pd.DataFrame) -> pd.DataFrame:
    """What the figure draws.

    Columns: contrast, studies, per_arm, quantity (width or p_settled), value, low and high (two Monte-Carlo standard
    errors away), today (0 or 1 for p_settled), floor, note.
    """
    notes = table["current_p"].map(lambda p: f"today {probability_statement('P(> 0)', p)}")
    settled = ((table["current_p"] > SETTLED) | (table["current_p"] < 1 - SETTLED)) * 1.0
    parts = []
    for name, now, floor in (("width", table["current_width"], table["floor_width"]), ("p_settled", settled, 0.0)):
        margin = 2 * table[f"{name}_se"]
        low, high = table[name] - margin, table[name] + margin
        if name == "p_settled":
            low, high = low.clip(0, 1), high.clip(0, 1)
        values = {"value": table[name], "low": low, "high": high, "today": now, "floor": floor, "note": notes}
        parts.append(table[KEYS].assign(quantity=name, **values))
    return pd.concat(parts, ignore_index=True)


def sentences(table: pd.DataFrame, stratum: str | None) -> dict[str, str]:
    """A sentence per contrast: the fewest participants that would settle its sign, or that none in the table would."""
    kind = f"{stratum} studies" if stratum else "studies"
    return {str(name): _sentence(rows, kind) for name, rows in table.groupby("contrast", sort=False)}


def _sentence(rows: pd.DataFrame, kind: str) -> str:
    last = rows.sort_values(["studies", "per_arm"]).iloc[-1]
    now, p = probability_statement("P(> 0)", last["current_p"]), last["current_p"]
    if p > SETTLED or p < 1 - SETTLED:
        after = f"after {_plan(last, kind)} it would be with probability {_settled(last)}"
        return f"The sign is settled today, {now}; {after}."
    enough = rows[rows["p_settled"] >= TARGET_P_SETTLED]
    if not len(enough):
        floor = last["floor_width"]
        why = f"; what they do not measure keeps the interval wider than {floor:.2f}" if floor > 0 else ""
        text = f"{_plan(last, kind)} would not do it: the sign would be settled with probability {_settled(last)}"
        return f"{text} (today {now}{why})."
    best = enough.assign(persons=enough["studies"] * enough["per_arm"]).sort_values(["persons", "studies"]).iloc[0]
    return f"With {_plan(best, kind)} the sign would be settled with probability {_settled(best)} (today {now})."


def _plan(row: pd.Series, kind: str) -> str:
    one = row["studies"] == 1
    return f"{row['studies']} new {kind.removesuffix('ies') + 'y' if one else kind} of {row['per_arm']} per arm"


def _settled(row: pd.Series) -> str:
    return probability_text(row["p_settled"], draws=row["replicates"])
