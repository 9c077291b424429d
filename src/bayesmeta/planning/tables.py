"""The tables of a plan: expectations by size, the curves of the figure, a sentence per contrast."""

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

    `refits`: contrast, per_arm, replicate, studies, width, p_positive. `today`: contrast to the
    current knowledge.
    Columns: contrast, studies, per_arm, replicates, width (expected, of the 95 % interval),
    width_se, p_settled (probability that the P of a sign exceeds .975), p_settled_se, p_right (that
    it does, and the sign is the true sign), current_width, current_p (P(> 0) today), floor_width
    (of the contrast if the measured terms had no error; missing if these depend on other terms).
    """
    labels = zip(refits["contrast"], refits["replicate"], strict=True)
    truth = np.array([today[contrast].truth[replicate] for contrast, replicate in labels])
    positive = refits["p_positive"] > SETTLED
    settled = positive | (refits["p_positive"] < 1 - SETTLED)
    right = settled & (positive == (truth > 0))
    outcomes = refits.assign(p_settled=settled * 1.0, p_right=right * 1.0)
    groups = outcomes.groupby(KEYS, sort=False)
    table = groups[["width", "p_settled", "p_right"]].mean().assign(replicates=groups.size())
    for name in ("width", "p_settled"):
        table[f"{name}_se"] = groups[name].std(ddof=1) / np.sqrt(table["replicates"])
    table = table[AVERAGES].reset_index()
    current = {"current_width": "width", "current_p": "p_positive", "floor_width": "floor"}
    for column, name in current.items():
        table[column] = [getattr(today[contrast], name) for contrast in table["contrast"]]
    return table


def curves_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the curves of the figure.

    Columns: contrast, studies, per_arm, quantity (width or p_settled), value, low and high (two
    Monte-Carlo standard errors away), today (0 or 1 for p_settled), floor, note.
    """
    settled = ((table["current_p"] > SETTLED) | (table["current_p"] < 1 - SETTLED)) * 1.0
    width = _curve(table, "width", table["current_width"], table["floor_width"])
    p_settled = _curve(table, "p_settled", settled, 0.0)
    p_settled[["low", "high"]] = p_settled[["low", "high"]].clip(0, 1)
    return pd.concat([width, p_settled], ignore_index=True)


def _curve(
    table: pd.DataFrame, quantity: str, today: pd.Series, floor: pd.Series | float
) -> pd.DataFrame:
    margin = 2 * table[f"{quantity}_se"]
    return table[KEYS].assign(
        quantity=quantity,
        value=table[quantity],
        low=table[quantity] - margin,
        high=table[quantity] + margin,
        today=today,
        floor=floor,
        note=[f"today {probability_statement('P(> 0)', p)}" for p in table["current_p"]],
    )


def sentences(table: pd.DataFrame, stratum: str | None) -> dict[str, str]:
    """Return a sentence per contrast: the fewest participants that settle its sign, if any do."""
    kind = f"{stratum} studies" if stratum else "studies"
    by_contrast = table.groupby("contrast", sort=False)
    return {str(name): _sentence(rows, kind) for name, rows in by_contrast}


def _sentence(rows: pd.DataFrame, kind: str) -> str:
    last = rows.sort_values(["studies", "per_arm"]).iloc[-1]
    p = last["current_p"]
    now = probability_statement("P(> 0)", p)
    if p > SETTLED or p < 1 - SETTLED:
        after = f"after {_plan(last, kind)} it would be settled with probability {_settled(last)}"
        return f"The sign is settled today, {now}; {after}."
    enough = rows[rows["p_settled"] >= TARGET_P_SETTLED]
    outcome = "the sign would be settled with probability"
    if not len(enough):
        floor = last["floor_width"]
        limit = f"; terms that they do not measure keep the interval wider than {floor:.2f}"
        known = now + limit if floor > 0 else now
        return f"{_plan(last, kind)} are too few: {outcome} {_settled(last)} (today {known})."
    persons = enough["studies"] * enough["per_arm"]
    best = enough.assign(persons=persons).sort_values(["persons", "studies"]).iloc[0]
    return f"With {_plan(best, kind)} {outcome} {_settled(best)} (today {now})."


def _plan(row: pd.Series, kind: str) -> str:
    """Describe a plan: `10 new human studies of 20 per arm`."""
    if row["studies"] == 1:
        kind = kind.removesuffix("ies") + "y"
    return f"{row['studies']} new {kind} of {row['per_arm']} per arm"


def _settled(row: pd.Series) -> str:
    return probability_text(row["p_settled"], draws=row["replicates"])
