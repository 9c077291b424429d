"""Associative memory, aversive minus neutral, 30 minutes after learning: three studies."""

import numpy as np
import pandas as pd

from bayesmeta.data.datasets.dataset import Dataset, packaged_table
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.schema import check_effects

NAME = "retroactive-memory"
COLUMNS = ("effect", "study", "group", "confidence", "ti", "ni", "d_av", "yi", "vi")
NOTES = (
    "effects are d_z = t / sqrt(n) with the exact correction J(n - 1), from the printed t: neither "
    "means nor standard deviations are printed",
    "high and low confidence come from the same people: their errors have a correlation rho, which "
    "is not printed",
)


def read_memory() -> pd.DataFrame:
    """Return aversive minus neutral memory at the 30-minute test, a row per study and confidence.

    Columns: effect, study, group (the study's people), confidence (high, low), ti, ni, d_av (as
    printed, for high confidence), yi and vi (d_z with exact J: metafor's SMCC).

    Source: Zhu et al. 2022, eLife 11:e60190, doi:10.7554/eLife.60190.
    """
    table, source = packaged_table(NAME)
    yi, vi = MEASURES["SMCC"](ti=table["ti"].to_numpy(), ni=table["ni"].to_numpy())
    effect = table["study"] + ":" + table["confidence"]
    confidence = pd.Categorical(table["confidence"], ["high", "low"])
    frame = table.assign(effect=effect, group=table["study"], confidence=confidence, yi=yi, vi=vi)
    frame = check_effects(frame[list(COLUMNS)])
    notes = [*NOTES, _note_of_measures(compare_measures(frame))]
    frame.attrs = {"sources": [source], "notes": notes}
    return frame


def compare_measures(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the printed d_av beside d_z, and the correlation at which both hold.

    Columns, for the rows of `read_memory` with a printed d_av: study, ni, ti, d_z = t / sqrt(n), g
    (d_z with J), d_av, r (correlation between conditions). With equal standard deviations in both
    conditions d_av = d_z sqrt(2 (1 - r)), so r = 1 - (d_av / d_z)^2 / 2.

    Source: Lakens 2013, doi:10.3389/fpsyg.2013.00863.
    """
    rows = frame[frame["d_av"].notna()].reset_index(drop=True)
    d_z = rows["ti"] / np.sqrt(rows["ni"])
    r = 1 - (rows["d_av"] / d_z) ** 2 / 2
    return rows[["study", "ni", "ti"]].assign(d_z=d_z, g=rows["yi"], d_av=rows["d_av"], r=r)


def _note_of_measures(measures: pd.DataFrame) -> str:
    texts = measures[["d_z", "d_av", "r"]].map(lambda value: f"{value:.2f}".lstrip("0"))
    d_z, d_av, r = (", ".join(texts[name]) for name in texts)
    return (
        f"d_z and d_av differ: d_z of high confidence is {d_z}, the printed d_av {d_av}, because "
        f"the correlation between the conditions is {r}: the unit of d_z, the standard deviation "
        "of the difference, is small"
    )


DATASET = Dataset(
    title="Associative memory, aversive minus neutral, 30 minutes after learning (Zhu et al. 2022)",
    reader=read_memory,
    model=NAME,
    scale="d_z with exact J (positive: better memory in the aversive condition)",
)
