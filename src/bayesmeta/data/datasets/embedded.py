"""The two sister questions: tables so small that they are part of the package (`data/<name>.csv`)."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np
import pandas as pd

from bayesmeta.data.datasets import trace
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.schema import check_effects
from bayesmeta.infrastructure.files import root

RETROACTIVE, KETAMINE = "retroactive-memory", "ketamine-extinction"
DIRECTIONS = ("impaired", "none", "enhanced")
AGGREGATE: Mapping[str, int] = {
    "enhanced": 10,
    "studies": 15,
}  # two thirds of the 15 that Boese et al. reviewed
NOTES = {
    RETROACTIVE: (
        "effects are d_z = t / sqrt(n) with the exact correction J(n - 1), from the printed t: neither means nor "
        "standard deviations are printed",
        "high and low confidence come from the same people: their errors share a correlation rho that is not printed",
    ),
    KETAMINE: (
        "directions as abstracts state them, one of impaired, none, enhanced; no effect sizes exist in the open record",
        "none of the papers is confirmed as one of the 15 studies of Boese et al. (doi:10.3389/fnins.2025.1546460), "
        "whose 10 of 15 enhancing stands beside the model, not in it",
        "what an abstract does not state stays unstated: the route of 7 of 11 rows, the time of 2",
        "so few rows leave much to the priors: read every probability beside its prior",
    ),
}


def read_retroactive(name: str, variant: str) -> pd.DataFrame:
    """Aversive minus neutral associative memory at the 30-minute test, a row per study and confidence.

    Returns
    -------
    DataFrame : effect, study, group (the study's people), confidence (high, low), ti, ni, d_av (as printed, of high
        confidence), yi and vi (d_z with exact J: metafor's SMCC).

    Raises
    ------
    BadInput
        The variant is unknown.

    Source: Zhu et al. 2022, eLife 11:e60190, doi:10.7554/eLife.60190.
    """
    trace.check_variant(variant)
    table, sources = _table(name)
    yi, vi = MEASURES["SMCC"](ti=table["ti"].to_numpy(), ni=table["ni"].to_numpy())
    labels = {
        "effect": table["study"] + ":" + table["confidence"],
        "study": table["study"],
        "group": table["study"],
    }
    confidence = pd.Categorical(table["confidence"], ["high", "low"])
    numbers = {"ti": table["ti"], "ni": table["ni"], "d_av": table["d_av"], "yi": yi, "vi": vi}
    frame = check_effects(pd.DataFrame(labels | {"confidence": confidence} | numbers))
    frame.attrs = {"sources": sources, "notes": [*NOTES[RETROACTIVE], _told(two_stories(frame))]}
    return frame


def two_stories(frame: pd.DataFrame) -> pd.DataFrame:
    """The printed d_av beside d_z = t / sqrt(n), and the correlation between conditions that makes both true.

    Parameters
    ----------
    frame : table of `read_retroactive`; rows without a printed d_av are left out.

    Returns
    -------
    DataFrame
        study, ni, ti, d_z, g (d_z with J), d_av, r. With equal standard deviations in both conditions
        d_av = d_z sqrt(2 (1 - r)), so r = 1 - (d_av / d_z)^2 / 2.

    Source: Lakens 2013, doi:10.3389/fpsyg.2013.00863.
    """
    rows = frame[frame["d_av"].notna()].reset_index(drop=True)
    d_z = rows["ti"] / np.sqrt(rows["ni"])
    r = 1 - (rows["d_av"] / d_z) ** 2 / 2
    return rows[["study", "ni", "ti"]].assign(d_z=d_z, g=rows["yi"], d_av=rows["d_av"], r=r)


def read_directions(name: str, variant: str) -> pd.DataFrame:
    """Did ketamine enhance or impair the extinction of fear, as abstracts say: a row per paper, route and timing.

    Returns
    -------
    DataFrame : effect, study (the paper), group (the row), species, route, timing (in words), given (after, before or
        unstated: the timing as the model reads it), direction (impaired < none < enhanced). Neither yi nor vi: no
        effect sizes exist in the open record. `attrs["aggregate"]`: enhanced of studies, in the review.

    Raises
    ------
    BadInput
        The variant is unknown.

    Source: papers as named in the rows; Boese et al. 2025, Front. Neurosci. 19:1546460,
    doi:10.3389/fnins.2025.1546460, for the aggregate.
    """
    trace.check_variant(variant)
    table, sources = _table(name)
    effect = table["paper"] + ":" + table.groupby("paper").cumcount().add(1).astype(str)
    frame = table.rename(columns={"paper": "study"}).assign(
        effect=effect,
        group=effect,
        species=pd.Categorical(table["species"], ["rat", "mouse"]),
        route=pd.Categorical(table["route"], ["intravenous", "intraperitoneal", "unstated"]),
        given=pd.Categorical(table["given"], ["after", "before", "unstated"]),
        direction=pd.Categorical(table["direction"], DIRECTIONS, ordered=True),
    )
    frame = frame[["effect", "study", "group", "species", "route", "timing", "given", "direction"]]
    frame.attrs = {"sources": sources, "notes": list(NOTES[KETAMINE]), "aggregate": dict(AGGREGATE)}
    return frame


def _table(name: str) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    path = root() / "data" / f"{name}.csv"
    content = path.read_bytes()
    source = {"name": path.name, "sha256": sha256(content).hexdigest(), "found_in": "the package"}
    return pd.read_csv(path), [source]


def _told(stories: pd.DataFrame) -> str:
    """The note that two effect sizes of the same results tell different stories."""
    d_z, d_av, r = (_listed(stories[name].tolist()) for name in ("d_z", "d_av", "r"))
    return (
        f"d_z and d_av tell different stories: d_z of high confidence is {d_z}, the printed d_av {d_av}, because the "
        f"correlation between the conditions is {r}: d_z is in units of a difference that hardly varies"
    )


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}".lstrip("0") for value in values)
