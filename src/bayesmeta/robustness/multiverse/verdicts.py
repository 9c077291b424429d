"""What becomes of each conclusion: the probability, in every version, of the sign that the base favours."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bayesmeta.estimates.conventions import SETTLED
from bayesmeta.estimates.text import probability_text
from bayesmeta.robustness.multiverse.refits import COLUMNS
from bayesmeta.robustness.multiverse.versions import Version

SAME = 1e-4  # in posterior sds: less is the quadrature's error, not another answer
AS_BASE = "as the base"
FATES = {"overturned": (0.0, 1 - SETTLED), "changes sign": (1 - SETTLED, 0.5), "weakens": (0.5, SETTLED)}
PHRASES = {"overturned": "is overturned by", "changes sign": "changes sign under", "weakens": "weakens under"}


def long_table(versions: Sequence[Version], refitted: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Every contrast in every version.

    Parameters
    ----------
    versions : sequence of Version
        The base first, as from `versions_of`.
    refitted : mapping
        By name of the alternative, the table that its refit gave.

    Returns
    -------
    DataFrame
        contrast, alternative, label, mean, sd, ci_lb, ci_ub, p_positive, p_conclusion = P(the sign that is more
        probable in the base), note (why there is no number; which study was left out; AS_BASE where nothing moved).
    """
    base = refitted[versions[0].alternative.name].set_index("contrast")
    tables = [_of_version(version, refitted.get(version.alternative.name), base) for version in versions]
    return pd.concat(tables, ignore_index=True)


def _of_version(version: Version, found: pd.DataFrame | None, base: pd.DataFrame) -> pd.DataFrame:
    known = pd.DataFrame(columns=[*COLUMNS, "note"]) if found is None else found
    rows = known.set_index("contrast").reindex(base.index)
    positive = rows["p_positive"].astype(float)
    moved = ((rows["mean"] - base["mean"]).abs() > SAME * base["sd"]) | ((rows["sd"] / base["sd"] - 1).abs() > SAME)
    notes = rows["note"] if "note" in rows else pd.Series(index=rows.index, dtype=object)
    notes = notes.combine_first(pd.Series(version.missing, dtype=object)).reindex(base.index)
    if version.alternative.kind != "base":
        notes = notes.mask(notes.isna() & rows["mean"].notna() & ~moved, AS_BASE)
    return rows.assign(
        alternative=version.alternative.name,
        label=version.alternative.label,
        p_positive=positive,
        p_conclusion=positive.where(base["p_positive"] >= 0.5, 1 - positive),
        note=notes.fillna(""),
    ).reset_index()[["contrast", "alternative", "label", *COLUMNS[1:], "p_conclusion", "note"]]


def wide_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per contrast: contrast, direction (positive or negative), then P(the conclusion) by alternative."""
    base = rows[rows["alternative"] == rows["alternative"].iloc[0]]
    signs = np.where(base["p_positive"] >= 0.5, "positive", "negative")
    columns = {
        name: part.set_index("contrast")["p_conclusion"] for name, part in rows.groupby("alternative", sort=False)
    }
    return pd.DataFrame({"direction": pd.Series(signs, base["contrast"])} | columns).reset_index()


def alternatives_table(versions: Sequence[Version], refitted: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What each alternative is, a row each; arguments as for `long_table`.

    Returns
    -------
    DataFrame
        alternative, label, reason, k, studies, changed (in words, from the base), log_bayes_factor (against the base,
        where the effects are the same and quadrature gave the evidence: how well the data bear the alternative).
    """
    evidence = {name: table["log_evidence"].iloc[0] for name, table in refitted.items() if "log_evidence" in table}
    base = evidence[versions[0].alternative.name]
    return pd.DataFrame(
        {
            "alternative": each.alternative.name,
            "label": each.alternative.label,
            "reason": each.alternative.reason,
            "k": each.k,
            "studies": each.studies,
            "changed": "; ".join(filter(None, (each.data, each.model))) or "nothing",
            "log_bayes_factor": np.nan if each.data else evidence.get(each.alternative.name, np.nan) - base,
        }
        for each in versions
    )


def state(p_conclusion: float) -> str:
    """`settled` from .975, `open` down to .5, `opposite` below, `no data` for NaN."""
    if np.isnan(p_conclusion):
        return "no data"
    return "settled" if p_conclusion >= SETTLED else "open" if p_conclusion >= 0.5 else "opposite"


def cells_table(rows: pd.DataFrame, versions: Sequence[Version]) -> pd.DataFrame:
    """The cells of the figure: contrast, conclusion, alternative, kind, label, p_conclusion, text, state, moved."""
    directions = wide_table(rows).set_index("contrast")["direction"].map({"positive": "> 0", "negative": "< 0"})
    kinds = {version.alternative.name: version.alternative.kind for version in versions}
    return rows[["contrast", "alternative", "label", "p_conclusion"]].assign(
        conclusion=rows["contrast"].map(directions),
        kind=rows["alternative"].map(kinds),
        text=rows["p_conclusion"].map(probability_text).where(rows["p_conclusion"].notna(), ""),
        state=rows["p_conclusion"].map(state),
        moved=rows["note"] != AS_BASE,
    )


def verdicts_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What becomes of each conclusion, a row per contrast.

    Returns
    -------
    DataFrame
        contrast, direction, p_base, asked (the number of alternatives that have the data and another answer than the
        base), least (lowest probability of the conclusion among them), under (which), verdict (holds, weakens,
        changes sign, overturned, by the lowest probability; open when the base itself does not settle the sign),
        sentence.
    """
    directions = wide_table(rows).set_index("contrast")["direction"]
    parts = rows.groupby("contrast", sort=False)
    return pd.DataFrame(verdict(str(name), str(directions[name]), part) for name, part in parts)


def verdict(contrast: str, direction: str, rows: pd.DataFrame) -> dict[str, object]:
    """What becomes of one conclusion, from its rows of `long_table`, the base first."""
    base, others = float(rows["p_conclusion"].iloc[0]), rows.iloc[1:]
    known = others[others["p_conclusion"].notna() & (others["note"] != AS_BASE)].sort_values("p_conclusion")
    names = known["alternative"].where(known["note"] == "", known["alternative"] + ": " + known["note"])
    asked = pd.Series(known["p_conclusion"].to_numpy(float), names)
    groups = {word: asked[(asked >= low) & (asked < high)] for word, (low, high) in FATES.items()}
    found = next((word for word, group in groups.items() if len(group)), "holds")
    lacking = int(others["p_conclusion"].isna().sum())
    without = f"; {lacking} without data for it" if lacking else ""
    side = f"{'' if base >= SETTLED else 'probably '}{'above' if direction == 'positive' else 'below'} zero"
    said = _settled(groups, asked) if base >= SETTLED else _open(asked)
    return {
        "contrast": contrast,
        "direction": direction,
        "p_base": base,
        "asked": len(asked),
        "least": asked.min(),
        "under": known["alternative"].iloc[0] if len(known) else "",
        "verdict": found if base >= SETTLED else "open",
        "sentence": f"{contrast} is {side} (P {probability_text(base)}): {said}{without}.",
    }


def _settled(groups: Mapping[str, pd.Series], asked: pd.Series) -> str:
    """How a conclusion that the base settles fares; P by alternative, least first."""
    rest = len(asked) - sum(map(len, groups.values()))
    if asked.empty:
        return "no alternative bears on it"
    if rest == len(asked) == 1:
        return f"holds under its one alternative, {_named(asked)}"
    if rest == len(asked):
        return f"holds under all {rest} alternatives (least under {_named(asked[:1])})"
    said = [f"{PHRASES[word]} {_named(group)}" for word, group in groups.items() if len(group)]
    return ", ".join(said) + (f", holds under the other {rest}" if rest else "")


def _open(asked: pd.Series) -> str:
    """How a conclusion that the base leaves open fares."""
    if asked.empty:
        return "not settled, and no alternative bears on it"
    if len(asked) == 1:
        return f"not settled; {_named(asked)} under the one alternative"
    return f"not settled; from {_named(asked[:1])} to {_named(asked[-1:])} over {len(asked)} alternatives"


def _named(asked: pd.Series) -> str:
    return ", ".join(f"{name} ({probability_text(p)})" for name, p in asked.items())
