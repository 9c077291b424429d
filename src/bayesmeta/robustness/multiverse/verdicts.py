"""The verdict on every conclusion: P of the sign that the base favours, under the alternatives."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bayesmeta.estimates.conventions import SETTLED
from bayesmeta.estimates.text import probability_text
from bayesmeta.robustness.multiverse.refits import COLUMNS
from bayesmeta.robustness.multiverse.versions import Version

QUADRATURE_ERROR = 1e-4  # in posterior sds; a smaller difference is numerical
ALTERNATIVE = ["alternative", "label", "reason", "k", "studies", "changed", "log_bayes_factor"]
AS_BASE = "as the base"
VERDICTS = {  # range of the P of the conclusion, and a phrase
    "overturned": (0.0, 1 - SETTLED, "is overturned by"),
    "changes sign": (1 - SETTLED, 0.5, "changes sign under"),
    "weakens": (0.5, SETTLED, "weakens under"),
}


def long_table(versions: Sequence[Version], refitted: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return every contrast in every version.

    `versions`: the base first, as from `versions_of`. `refitted`: name of the alternative to the
    table of its refit.
    Columns: contrast, alternative, label, mean, sd, ci_lb, ci_ub, p_positive, p_conclusion = P(the
    sign that is more probable in the base), note (why there is no number; which study was left out;
    AS_BASE where nothing differs).
    """
    base = refitted[versions[0].alternative.name].set_index("contrast")
    none = pd.DataFrame(columns=[*COLUMNS, "note"])
    tables = []
    for version in versions:
        names = {"alternative": version.alternative.name, "label": version.alternative.label}
        refit = refitted.get(version.alternative.name, none)
        rows = refit.set_index("contrast").reindex(base.index)
        p = rows["p_positive"].astype(float)
        rows = rows.assign(**names, p_positive=p, note=_notes(version, rows, base))
        negative = rows.get("p_negative", 1 - p).astype(float)  # less than 1 - p of a possible 0
        rows["p_conclusion"] = p.where(base["p_positive"] >= 0.5, negative)
        tables.append(rows.reset_index())
    columns = ["contrast", "alternative", "label", *COLUMNS[1:], "p_conclusion", "note"]
    return pd.concat(tables, ignore_index=True)[columns]


def _notes(version: Version, rows: pd.DataFrame, base: pd.DataFrame) -> pd.Series:
    """Return the notes of the refit, the reasons of missing contrasts, and AS_BASE."""
    notes = rows["note"] if "note" in rows else pd.Series(index=rows.index, dtype=object)
    notes = notes.combine_first(pd.Series(version.missing, dtype=object)).reindex(base.index)
    if version.alternative.kind == "base":
        return notes.fillna("")
    moved = (rows["mean"] - base["mean"]).abs() > QUADRATURE_ERROR * base["sd"]
    moved |= (rows["sd"] / base["sd"] - 1).abs() > QUADRATURE_ERROR
    return notes.mask(notes.isna() & rows["mean"].notna() & ~moved, AS_BASE).fillna("")


def wide_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return contrast, direction (positive or negative), then P(conclusion) by alternative."""
    base = rows[rows["alternative"] == rows["alternative"].iloc[0]]
    signs = np.where(base["p_positive"] >= 0.5, "positive", "negative")
    columns = {"direction": pd.Series(signs, base["contrast"])}
    for name, part in rows.groupby("alternative", sort=False):
        columns[str(name)] = part.set_index("contrast")["p_conclusion"]
    return pd.DataFrame(columns).reset_index()


def alternatives_table(
    versions: Sequence[Version], refitted: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Describe the alternatives, a row per alternative; arguments as for `long_table`.

    Columns: alternative, label, reason, k, studies, changed (in words, from the base),
    log_bayes_factor (against the base, where the effects are the same and quadrature gave the
    evidence: how well the alternative fits the data).
    """
    evidence = {name: refit.iloc[0].get("log_evidence", np.nan) for name, refit in refitted.items()}
    base = evidence[versions[0].alternative.name]
    rows = []
    for version in versions:
        alternative = version.alternative
        changed = "; ".join(filter(None, (version.data, version.model))) or "nothing"
        factor = np.nan if version.data else evidence.get(alternative.name, np.nan) - base
        names = (alternative.name, alternative.label, alternative.reason)
        rows.append((*names, version.k, version.studies, changed, factor))
    return pd.DataFrame(rows, columns=ALTERNATIVE)


def state(p_conclusion: float) -> str:
    """Return `settled` from .975, `open` down to .5, `opposite` below, `no data` for NaN."""
    if np.isnan(p_conclusion):
        return "no data"
    if p_conclusion >= SETTLED:
        return "settled"
    return "open" if p_conclusion >= 0.5 else "opposite"


def cells_table(rows: pd.DataFrame, versions: Sequence[Version]) -> pd.DataFrame:
    """Return the cells of the figure: P, as text, state, kind, and whether it moved."""
    signs = {"positive": "> 0", "negative": "< 0"}
    directions = wide_table(rows).set_index("contrast")["direction"].map(signs)
    kinds = {version.alternative.name: version.alternative.kind for version in versions}
    return rows[["contrast", "alternative", "label", "p_conclusion"]].assign(
        conclusion=rows["contrast"].map(directions),
        kind=rows["alternative"].map(kinds),
        text=rows["p_conclusion"].map(probability_text).where(rows["p_conclusion"].notna(), ""),
        state=rows["p_conclusion"].map(state),
        moved=rows["note"] != AS_BASE,
    )


def verdicts_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the verdict on every conclusion, a row per contrast.

    Columns: contrast, direction, p_base, asked (the number of alternatives that have the data and
    differ from the base), least (lowest probability of the conclusion among them), under (the
    alternative with the lowest probability), verdict (holds, weakens, changes sign, overturned, by
    the lowest probability; open when the base itself does not settle the sign), sentence.
    """
    directions = wide_table(rows).set_index("contrast")["direction"]
    parts = rows.groupby("contrast", sort=False)
    return pd.DataFrame(verdict(str(name), str(directions[name]), part) for name, part in parts)


def verdict(contrast: str, direction: str, rows: pd.DataFrame) -> dict[str, object]:
    """Return the verdict on a conclusion from its rows of `long_table`, the base first."""
    base = float(rows["p_conclusion"].iloc[0])
    others = rows.iloc[1:]
    informative = others["p_conclusion"].notna() & (others["note"] != AS_BASE)
    differing = others[informative].sort_values("p_conclusion")
    with_note = differing["alternative"] + ": " + differing["note"]
    names = differing["alternative"].where(differing["note"] == "", with_note)
    p_under = pd.Series(differing["p_conclusion"].to_numpy(float), names)
    by_verdict = {}
    for word, (low, high, _) in VERDICTS.items():
        if len(inside := p_under[(p_under >= low) & (p_under < high)]):
            by_verdict[word] = inside
    worst = next(iter(by_verdict), "holds")
    lacking = int(others["p_conclusion"].isna().sum())
    without = f"; {lacking} without data for it" if lacking else ""
    probably = "" if base >= SETTLED else "probably "
    side = f"{probably}{'above' if direction == 'positive' else 'below'} zero"
    outcome = _settled(by_verdict, p_under) if base >= SETTLED else _open(p_under)
    return {
        "contrast": contrast,
        "direction": direction,
        "p_base": base,
        "asked": len(p_under),
        "least": p_under.min(),
        "under": differing["alternative"].iloc[0] if len(differing) else "",
        "verdict": worst if base >= SETTLED else "open",
        "sentence": f"{contrast} is {side} (P {probability_text(base)}): {outcome}{without}.",
    }


def _settled(by_verdict: Mapping[str, pd.Series], p_under: pd.Series) -> str:
    """Describe a conclusion that the base settles; P by alternative, the lowest first."""
    rest = len(p_under) - sum(map(len, by_verdict.values()))
    if p_under.empty:
        return "no alternative applies to it"
    if rest == len(p_under) == 1:
        return f"holds under its only alternative, {_named(p_under)}"
    if rest == len(p_under):
        return f"holds under all {rest} alternatives (least under {_named(p_under[:1])})"
    phrases = [f"{VERDICTS[word][2]} {_named(group)}" for word, group in by_verdict.items()]
    return ", ".join(phrases) + (f", holds under the other {rest}" if rest else "")


def _open(p_under: pd.Series) -> str:
    """Describe a conclusion that the base leaves open."""
    if p_under.empty:
        return "not settled, and no alternative applies to it"
    if len(p_under) == 1:
        return f"not settled; {_named(p_under)} under the only alternative"
    lowest = _named(p_under[:1])
    highest = _named(p_under[-1:])
    return f"not settled; from {lowest} to {highest} over {len(p_under)} alternatives"


def _named(p_under: pd.Series) -> str:
    return ", ".join(f"{name} ({probability_text(p)})" for name, p in p_under.items())
