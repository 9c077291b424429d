"""Which study, when left out, changes which conclusion.

A conclusion is the sign that all studies together favour. The posterior without each study is exact in mean and sd. Its
P is exact where it is near a threshold or among those that move most; elsewhere its shape is taken from all studies:
Phi^-1(P) - mean / sd does not change, unless that is beyond six sds anyway.
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

NEAR = 0.01  # an approximate P is trusted farther than this from a threshold
FAR = 6.0  # in sds
CANDIDATES = 3  # per contrast, refitted exactly whatever their P
NAMED = 3  # studies that a sentence names
ALONE, REVERSED, SIGN, LOST, GAINED = (
    "no data without it",
    "reversed",
    "sign",
    "no longer settled",
    "settled without it",
)
CHANGES = (ALONE, REVERSED, SIGN, LOST, GAINED)
SAID = {
    ALONE: "rests on {} alone",
    REVERSED: "is reversed without {}",
    SIGN: "changes sign without {}",
    LOST: "is no longer settled without {}",
    GAINED: "is settled without {}",
}


def changes_table(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, left_out: xr.Dataset) -> pd.DataFrame:
    """What becomes of each contrast without each study.

    Parameters
    ----------
    design, spec : Dataset, ModelSpec
        A model that quadrature takes.
    weights : DataArray
        Dims (contrast, term), as from `design.contrast_weights`.
    left_out : Dataset
        From `quadrature.leave_one_study_out(design, spec, weights=weights)`.

    Returns
    -------
    DataFrame
        contrast, study, k (effects of the study), p_direction = P(the sign that all studies favour), p_without
        (the same without the study), mean, mean_without, shift (of the mean, in posterior sds of all studies), exact
        (whether p_without is), changed:
        - "no data without it": a term of the contrast has no other study, and has its prior then;
        - "reversed", "sign": the other sign is settled (P >= .975), or more probable;
        - "no longer settled", "settled without it"; "" for no change.
        All studies x contrasts, changes of settled conclusions first, then the gravest, then the largest shift.
    """
    base = contrasts_table(integrate_posterior(design, spec), weights)
    named = {name: base[name].to_numpy()[:, None] for name in ("mean", "sd", "p_positive")}
    sign = np.where(named["p_positive"] >= 0.5, 1, -1)
    mean, sd = (left_out[f"contrast_{name}"].transpose("contrast", "study").values for name in ("mean", "sd"))
    columns = {
        "p_direction": np.where(sign > 0, named["p_positive"], 1 - named["p_positive"]),
        "p_without": norm.cdf(sign * (mean / sd + _shape(**named))),
        "mean": named["mean"],
        "mean_without": mean,
        "shift": (mean - named["mean"]) / named["sd"],
        "exact": np.zeros(mean.shape, bool),
        "alone": rests_alone(design, weights),
        "sign": sign,
    }
    studies, contrasts = left_out["study"].values, weights["contrast"].values
    index = pd.MultiIndex.from_product([contrasts, studies], names=["contrast", "study"])
    table = pd.DataFrame({name: np.broadcast_to(values, mean.shape).ravel() for name, values in columns.items()}, index)
    table = _made_exact(table, design, spec, weights).reset_index()
    table["k"] = table["study"].map(pd.Series(effects_of(design), design["study"].values))
    table["changed"] = np.select(
        [
            table["alone"],
            table["p_without"] <= 1 - SETTLED,
            table["p_without"] < 0.5,
            (table["p_direction"] >= SETTLED) & (table["p_without"] < SETTLED),
            (table["p_direction"] < SETTLED) & (table["p_without"] >= SETTLED),
        ],
        CHANGES,
        "",
    )
    gravity = table["changed"].map({word: at for at, word in enumerate((*CHANGES, ""))})
    open_before = (table["p_direction"] < SETTLED) | (table["changed"] == "")
    order = np.lexsort([-table["shift"].abs(), gravity, open_before])
    kept = ["contrast", "study", "k", *(name for name in columns if name not in ("alone", "sign")), "changed"]
    return table.iloc[order][kept].reset_index(drop=True)


def _shape(mean: np.ndarray, sd: np.ndarray, p_positive: np.ndarray) -> np.ndarray:
    """How far Phi^-1(P) is from mean / sd."""
    z = mean / sd
    shape: np.ndarray = np.where(abs(z) < FAR, norm.ppf(p_positive) - z, 0.0)
    return shape


def _made_exact(table: pd.DataFrame, design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit without each study for the contrasts whose P may be on either side of a threshold, or that move most."""
    by_contrast = [
        column.groupby("contrast").rank() <= CANDIDATES for column in (-table["shift"].abs(), table["p_without"])
    ]
    near = [(table["p_without"] - p).abs() <= NEAR for p in (1 - SETTLED, 0.5, SETTLED)]
    wanted = np.any([*by_contrast, *near, table["alone"]], axis=0)
    for study, rows in table[wanted].groupby("study"):
        posterior = integrate_posterior(design, spec, without=[str(study)])
        chosen = weights.sel(term=list(posterior.terms), contrast=rows.index.get_level_values("contrast").to_numpy())
        positive = np.array([combination(posterior, row).above(0.0) for row in chosen.values])
        table.loc[rows.index, "p_without"] = np.where(rows["sign"] > 0, positive, 1 - positive)
        table.loc[rows.index, "exact"] = True
    return table


def unsettled(changes: pd.DataFrame) -> pd.DataFrame:
    """The rows of settled conclusions that are not settled without the study."""
    return changes[(changes["p_direction"] >= SETTLED) & (changes["changed"] != "")]


def most_influential(changes: pd.DataFrame) -> pd.DataFrame:
    """The row of each contrast whose study shifts it most; a study on which a term rests alone is not a candidate."""
    known = changes[changes["changed"] != ALONE]
    largest = known["shift"].abs().groupby(known["contrast"]).idxmax()
    return known.loc[largest].reset_index(drop=True)


def sentences(changes: pd.DataFrame) -> dict[str, str]:
    """What single studies do to each contrast, in words; by contrast, from the table of `changes_table`."""
    most, said = {row["contrast"]: row for _, row in most_influential(changes).iterrows()}, {}
    for contrast, rows in changes.groupby("contrast", sort=False):
        parts = [SAID[word].format(_named(part)) for word in CHANGES if len(part := rows[rows["changed"] == word])]
        if not parts:
            parts = [f"no single study changes it; most influential {_with_mean(most[contrast])}"]
        said[str(contrast)] = "; ".join(parts)
    return said


def _named(rows: pd.DataFrame) -> str:
    """The first studies with their P, and how many more."""
    first = [str(row["study"]) if row["changed"] == ALONE else _with_p(row) for _, row in rows[:NAMED].iterrows()]
    more = [f"{len(rows) - NAMED} others"] if len(rows) > NAMED else []
    return " or ".join(first + more)


def _with_p(row: pd.Series) -> str:
    return f"{row['study']} ({_moved(row)})"


def _with_mean(row: pd.Series) -> str:
    return f"{row['study']} ({_moved(row)}, mean {number_text(row['mean'])} -> {number_text(row['mean_without'])})"


def _moved(row: pd.Series) -> str:
    before, after = (probability_text(row[name]) for name in ("p_direction", "p_without"))
    return f"P {before} -> {after}" if before != after else f"P stays {after}"
