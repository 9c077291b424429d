"""Two schools side by side: what each says of a term or a tau, how far apart they are, and why.

Both come from one likelihood, so that a difference has two possible reasons only, and they add up:

    posterior - REML = (posterior - flat posterior) + (flat posterior - REML)
                        the prior                     the integration over the taus, where REML plugs one value in
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

AGREE = 0.1  # of a standard error: a shift below it changes nothing that is ever reported
INTERVAL = ["ci_lb", "ci_ub"]


def compare_schools(
    frequentist: pd.DataFrame, flat: pd.DataFrame, posterior: pd.DataFrame
) -> pd.DataFrame:
    """Set estimates side by side and take their differences apart.

    Parameters
    ----------
    frequentist : DataFrame
        term, estimate, se, ci_lb, ci_ub; a tau has no se.
    flat, posterior : DataFrame
        term, mean, sd, ci_lb, ci_ub: the posterior under flat priors and under the model's.

    Returns
    -------
    DataFrame
        term; estimate, se, ci_lb, ci_ub (frequentist); mean, sd, cri_lb, cri_ub (posterior); flat_mean, flat_sd; shift
        = mean - estimate and its parts shift_prior and shift_integration, all in units of the se (of a tau: the flat
        posterior sd); sd_ratio = sd / se and its factors sd_ratio_prior and sd_ratio_integration; why, in words.
    """
    bayes = posterior.rename(columns={"ci_lb": "cri_lb", "ci_ub": "cri_ub"})
    table = frequentist[["term", "estimate", "se", *INTERVAL]].merge(
        bayes[["term", "mean", "sd", "cri_lb", "cri_ub"]], on="term"
    )
    table = table.merge(
        flat[["term", "mean", "sd"]].rename(columns={"mean": "flat_mean", "sd": "flat_sd"}),
        on="term",
    )
    unit = table["se"].fillna(table["flat_sd"])
    table = table.assign(
        shift=(table["mean"] - table["estimate"]) / unit,
        shift_prior=(table["mean"] - table["flat_mean"]) / unit,
        shift_integration=(table["flat_mean"] - table["estimate"]) / unit,
        sd_ratio=table["sd"] / table["se"],
        sd_ratio_prior=table["sd"] / table["flat_sd"],
        sd_ratio_integration=table["flat_sd"] / table["se"],
    )
    return table.assign(why=[explain(row) for row in table.to_dict("records")])


def explain(row: Mapping[Any, Any]) -> str:
    """Why two estimates differ, from their shift and its two parts."""
    if abs(row["shift"]) < AGREE and abs(row["shift_prior"]) < AGREE:
        return "they agree"
    prior, integration = row["shift_prior"], row["shift_integration"]
    if abs(prior) >= AGREE and abs(integration) >= AGREE and prior * integration < 0:
        return f"prior ({prior:+.2f}) and integration over the taus ({integration:+.2f}) pull in opposite directions"
    larger, other = ("prior", "integration over the taus")[
        :: 1 if abs(prior) >= abs(integration) else -1
    ]
    shares = np.array([max(abs(prior), abs(integration)), min(abs(prior), abs(integration))])
    share = shares[0] / shares.sum()
    return f"mostly the {larger}" if share > 0.75 else f"the {larger} and the {other}"


def side_of_zero(lower: float, upper: float) -> str:
    """'below', 'above' or 'open': where an interval lies against zero."""
    return "below" if upper < 0 else "above" if lower > 0 else "open"


def conclusions(table: pd.DataFrame, published: pd.DataFrame | None = None) -> pd.DataFrame:
    """What each school concludes of each term.

    Returns
    -------
    DataFrame
        The comparison with side_frequentist, side_posterior ('below', 'above', 'open') and, where the paper printed the
        term, printed, report, report_ci_lb, report_ci_ub, side_report.
    """
    table = with_side(table, table, "frequentist")
    table = with_side(
        table,
        table[["term", "cri_lb", "cri_ub"]].set_axis(["term", *INTERVAL], axis=1),
        "posterior",
    )
    if published is None:
        return table
    columns = {"estimate": "report", "ci_lb": "report_ci_lb", "ci_ub": "report_ci_ub"}
    table = table.merge(
        published[["term", "printed", *columns]].rename(columns=columns), on="term", how="left"
    )
    return with_side(table, published, "report")


def with_side(table: pd.DataFrame, other: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table with side_<name>: where another analysis (term, ci_lb, ci_ub) puts each term against zero."""
    sides = [side_of_zero(*bounds) for bounds in other[INTERVAL].to_numpy()]
    return table.merge(
        pd.DataFrame({"term": other["term"], f"side_{name}": sides}), on="term", how="left"
    )


def profile_table(profiles: pd.DataFrame, densities: pd.DataFrame) -> pd.DataFrame:
    """Profile likelihoods and posterior densities of the taus, each scaled to a peak of 1, for a figure.

    Parameters
    ----------
    profiles : DataFrame
        level, tau, log_lik.
    densities : DataFrame
        level, tau, density.

    Returns
    -------
    DataFrame
        level, which ('profile likelihood' or 'posterior'), tau, height.
    """
    highest = profiles.groupby("level", sort=False)["log_lik"].transform("max")
    likelihood = profiles.assign(
        which="profile likelihood", height=np.exp(profiles["log_lik"] - highest)
    )
    peak = densities.groupby("level", sort=False)["density"].transform("max")
    posterior = densities.assign(which="posterior", height=densities["density"] / peak)
    columns = ["level", "which", "tau", "height"]
    parts = [
        each[each["level"] == level]
        for level in profiles["level"].unique()
        for each in (likelihood, posterior)
    ]
    return pd.concat(parts)[columns].reset_index(drop=True)


def paired_table(
    table: pd.DataFrame, flat: pd.DataFrame, published: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row per term and source, for the figure of paired intervals: term, source, estimate, ci_lb, ci_ub."""
    columns = ["term", "estimate", *INTERVAL]
    parts = []
    if published is not None:
        parts.append(("paper", published[columns]))
    parts += [
        ("REML", table[columns]),
        ("Bayes, flat priors", flat[flat["term"].isin(table["term"])][["term", "mean", *INTERVAL]]),
        ("Bayes", table[["term", "mean", "cri_lb", "cri_ub"]]),
    ]
    rows = pd.concat(
        [part.set_axis(columns, axis=1).assign(source=source) for source, part in parts]
    )
    order = {term: i for i, term in enumerate(table["term"])}
    return rows[rows["term"].isin(order)].sort_values(
        "term", key=lambda x: x.map(order), kind="stable"
    )
