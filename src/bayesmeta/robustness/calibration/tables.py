"""Ranks, coverage, bias and contraction by parameter."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesmeta.estimates.conventions import MAX_K_HAT
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.robustness.calibration.bands import band_of_ecdf

POINTS = 20
INTERVAL = 0.95


def joined(tables: Mapping[str, pd.DataFrame], refused: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of all sets in their order; raise BadInput if a batch was refused."""
    for name, reason in refused.items():
        raise BadInput(f"{name} cannot be fitted: {reason}")
    return pd.concat(tables.values(), ignore_index=True)


def calibration_table(sets: pd.DataFrame) -> pd.DataFrame:
    """Return a row per parameter from the rows of `refit_sets`.

    Columns: parameter, sets; bias: mean of (posterior mean - truth), and bias_se, in prior sds;
    coverage of the 95 % intervals, by the ranks, whatever the number of draws; contraction: mean of
    1 - (sd / prior sd)^2; outside: the largest distance of the ranks' ECDF beyond its simultaneous
    95 % band, 0 within it; uniform: whether it is within; unreliable: the share of sets with k-hat
    above .7.
    """
    rows = []
    for parameter, part in sets.groupby("parameter", sort=False):
        error = (part["mean"] - part["truth"]) / part["prior_sd"]
        inside = np.abs(_share_below(part) - 0.5) <= INTERVAL / 2
        curve = _curve(part)
        beyond = np.maximum(curve["lower"] - curve["ecdf"], curve["ecdf"] - curve["upper"])
        outside = max(0.0, float(beyond.max()))
        rows.append(
            {
                "parameter": parameter,
                "sets": len(part),
                "bias": error.mean(),
                "bias_se": error.std() / np.sqrt(len(part)),
                "coverage": inside.mean(),
                "contraction": (1 - (part["sd"] / part["prior_sd"]) ** 2).mean(),
                "outside": outside,
                "uniform": outside == 0,
                "unreliable": (part["k_hat"] > MAX_K_HAT).mean(),
            }
        )
    return pd.DataFrame(rows)


def curves_table(sets: pd.DataFrame) -> pd.DataFrame:
    """Return the curves of the figure: parameter, z, ecdf, lower, upper (the simultaneous band)."""
    parts = [
        _curve(part).assign(parameter=parameter)
        for parameter, part in sets.groupby("parameter", sort=False)
    ]
    return pd.concat(parts, ignore_index=True)[["parameter", "z", "ecdf", "lower", "upper"]]


def _curve(part: pd.DataFrame) -> pd.DataFrame:
    z, lower, upper = band_of_ecdf(len(part), POINTS)
    ecdf = (_share_below(part)[:, None] <= z).mean(0)
    return pd.DataFrame({"z": z, "ecdf": ecdf, "lower": lower, "upper": upper})


def _share_below(part: pd.DataFrame) -> np.ndarray:
    """Return the shares of draws below the truth (sets,), uniform if the model is right."""
    jitter = np.random.default_rng(1).random(len(part))  # ranks are whole numbers
    return (part["rank"].to_numpy() + jitter) / (part["draws"].to_numpy() + 1)


def sentences(table: pd.DataFrame) -> list[str]:
    """Return the verdict in words."""
    sets = int(table["sets"].iloc[0])
    coverage = (
        f"95 % intervals cover {table['coverage'].min():.2f} to {table['coverage'].max():.2f}"
    )
    lines = [f"{sets} simulated sets: {coverage} of the true values."]
    odd = table.loc[~table["uniform"], "parameter"].tolist()
    if odd:
        lines.append(f"Ranks are not uniform: {', '.join(odd)}; the model is not calibrated here.")
    else:
        lines.append("The ranks of all parameters are within their simultaneous 95 % bands.")
    if (share := table["unreliable"].max()) > 0:
        lines.append(f"In {share:.0%} of the sets k-hat of the importance weights is above .7.")
    return lines
