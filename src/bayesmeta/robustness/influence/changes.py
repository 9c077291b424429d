"""Which study changes which conclusion when it is left out.

A conclusion is the sign that all studies together favour. Mean and sd of the posterior without a
study are exact. P is recomputed exactly near thresholds and for the most influential studies;
otherwise it is a normal approximation corrected by the skewness of the full data:
Phi^-1(P) - mean / sd is taken as unchanged, unless mean / sd is beyond six.
"""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import norm

from bayesmeta.estimates.conventions import SETTLED
from bayesmeta.estimates.text import number_text, probability_text
from bayesmeta.inference.quadrature import combination, contrasts_table, integrate_posterior
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence.coverage import effects_of, rests_alone

THRESHOLD_MARGIN = 0.01  # an approximate P is recomputed within this distance of a threshold
MAX_Z = 6.0  # in sds; P is 1 to nine digits beyond
CANDIDATES = 3  # per contrast, recomputed exactly for every P
MAX_NAMED_STUDIES = 3  # in a sentence
ALONE = "no data without it"
PHRASES = {  # by change, the gravest first
    ALONE: "is based on {} alone",
    "reversed": "is reversed without {}",
    "sign": "changes sign without {}",
    "no longer settled": "is no longer settled without {}",
    "settled without it": "is settled without {}",
}


def changes_table(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, left_out: xr.Dataset
) -> pd.DataFrame:
    """Return the change of every contrast without every study.

    Columns: contrast, study, k (effects of the study), p_direction = P(the sign that all studies
    favour), p_without (the same without the study), mean, mean_without, shift (of the mean, in
    posterior sds of all studies), exact (whether p_without is), changed:

    - "no data without it": a term of the contrast has no other study, and then its prior;
    - "reversed", "sign": the other sign is settled (P >= .975), or more probable;
    - "no longer settled", "settled without it"; "" for no change.

    All studies x contrasts: changes of settled conclusions first, then the gravest, then the
    largest shift. `design`, `spec`: a model that quadrature takes. `weights`: dims (contrast,
    term), as from `design.contrast_weights`. `left_out`: from
    `quadrature.leave_one_study_out(design, spec, weights=weights)`.
    """
    table = _approximate(design, spec, weights, left_out)
    table = _made_exact(table, design, spec, weights).reset_index()
    table["k"] = table["study"].map(pd.Series(effects_of(design), design["study"].values))
    return changed_without(table)


def changed_without(table: pd.DataFrame) -> pd.DataFrame:
    """Return `changes_table` of one with p_direction, p_without, alone and the other columns."""
    table = table.assign(changed=_changed(table))
    gravity = table["changed"].map({word: at for at, word in enumerate((*PHRASES, ""))})
    open_before = (table["p_direction"] < SETTLED) | (table["changed"] == "")
    order = np.lexsort([-table["shift"].abs(), gravity, open_before])
    columns = ["contrast", "study", "k", "p_direction", "p_without", "mean", "mean_without"]
    return table.iloc[order][[*columns, "shift", "exact", "changed"]].reset_index(drop=True)


def _approximate(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, left_out: xr.Dataset
) -> pd.DataFrame:
    """Return a row per contrast and study, with the corrected normal approximation of P."""
    base = contrasts_table(integrate_posterior(design, spec), weights)
    full = {name: base[name].to_numpy()[:, None] for name in ("mean", "sd", "p_positive")}
    sign = np.where(full["p_positive"] >= 0.5, 1, -1)
    by_contrast = left_out.transpose("contrast", "study", ...)
    mean, sd = (by_contrast[name].values for name in ("contrast_mean", "contrast_sd"))
    columns = {
        "p_direction": np.where(sign > 0, full["p_positive"], 1 - full["p_positive"]),
        "p_without": norm.cdf(sign * (mean / sd + _skewness_correction(**full))),
        "mean": full["mean"],
        "mean_without": mean,
        "shift": (mean - full["mean"]) / full["sd"],
        "exact": np.zeros(mean.shape, bool),
        "alone": rests_alone(design, weights),
        "sign": sign,
    }
    labels = [weights["contrast"].values, left_out["study"].values]
    index = pd.MultiIndex.from_product(labels, names=["contrast", "study"])
    flat = {name: np.broadcast_to(values, mean.shape).ravel() for name, values in columns.items()}
    return pd.DataFrame(flat, index)


def _skewness_correction(mean: np.ndarray, sd: np.ndarray, p_positive: np.ndarray) -> np.ndarray:
    """Return the distance of Phi^-1(P) from mean / sd; 0 beyond six sds."""
    z = mean / sd
    return np.where(abs(z) < MAX_Z, norm.ppf(p_positive) - z, 0.0)


def _made_exact(
    table: pd.DataFrame, design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray
) -> pd.DataFrame:
    """Recompute P near a threshold, of the contrasts that move most, and where no data remain."""
    moves = (-table["shift"].abs(), table["p_without"])
    by_contrast = [column.groupby("contrast").rank() <= CANDIDATES for column in moves]
    thresholds = (1 - SETTLED, 0.5, SETTLED)
    near = [abs(table["p_without"] - limit) <= THRESHOLD_MARGIN for limit in thresholds]
    candidates = np.any([*by_contrast, *near, table["alone"]], axis=0)
    for study, rows in table[candidates].groupby("study"):
        posterior = integrate_posterior(design, spec, without=[str(study)])
        contrasts = rows.index.get_level_values("contrast").to_numpy()
        chosen = weights.sel(term=list(posterior.terms), contrast=contrasts)
        positive = np.array([combination(posterior, row).above(0.0) for row in chosen.values])
        table.loc[rows.index, "p_without"] = np.where(rows["sign"] > 0, positive, 1 - positive)
        table.loc[rows.index, "exact"] = True
    return table


def _changed(table: pd.DataFrame) -> np.ndarray:
    """Return the change of every row, a key of `PHRASES` or ""."""
    before = table["p_direction"] >= SETTLED
    p = table["p_without"]
    lost = before & (p < SETTLED)
    gained = ~before & (p >= SETTLED)
    return np.select([table["alone"], p <= 1 - SETTLED, p < 0.5, lost, gained], list(PHRASES), "")


def unsettled(changes: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of settled conclusions that are not settled without the study."""
    return changes[(changes["p_direction"] >= SETTLED) & (changes["changed"] != "")]


def most_influential(changes: pd.DataFrame) -> pd.DataFrame:
    """Return by contrast the study that shifts it most, if it is not the only study of a term."""
    candidates = changes[changes["changed"] != ALONE]
    largest = candidates["shift"].abs().groupby(candidates["contrast"]).idxmax()
    return candidates.loc[largest].reset_index(drop=True)


def sentences(changes: pd.DataFrame) -> dict[str, str]:
    """Describe the effect of single studies on every contrast of `changes_table`; by contrast."""
    most = most_influential(changes)
    by_contrast = {}
    for contrast, rows in changes.groupby("contrast", sort=False):
        by_change = {word: rows[rows["changed"] == word] for word in PHRASES}
        present = {PHRASES[word]: part for word, part in by_change.items() if len(part)}
        parts = [phrase.format(_named(part)) for phrase, part in present.items()]
        if not parts:
            row = most[most["contrast"] == contrast].iloc[0]
            before, after = (number_text(row[name]) for name in ("mean", "mean_without"))
            influential = f"{row['study']} ({_moved(row)}, mean {before} -> {after})"
            parts = [f"no single study changes it; most influential {influential}"]
        by_contrast[str(contrast)] = "; ".join(parts)
    return by_contrast


def _named(rows: pd.DataFrame) -> str:
    """Return the first studies with their P, and the number of the others."""
    first = [
        row["study"] + ("" if row["changed"] == ALONE else f" ({_moved(row)})")
        for _, row in rows[:MAX_NAMED_STUDIES].iterrows()
    ]
    rest = len(rows) - len(first)
    return " or ".join([*first, f"{rest} others"] if rest else first)


def _moved(row: pd.Series) -> str:
    before, after = (probability_text(row[name]) for name in ("p_direction", "p_without"))
    return f"P {before} -> {after}" if before != after else f"P stays {after}"
