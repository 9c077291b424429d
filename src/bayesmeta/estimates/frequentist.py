"""Frequentist and Bayesian estimates side by side: their differences and the reasons for them.

Both maximise or integrate the same likelihood, so a difference has two possible reasons only, and
the two add up:

    posterior - REML = (posterior - flat posterior) + (flat posterior - REML)
                        the prior                     integration over the taus, for which REML
                                                      uses a single value

The flat prior is on the taus. One on their squares favours larger taus: its mean is given beside.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.effect_sizes import AS_IT_IS, Scale
from bayesmeta.estimates.scales import scales_of
from bayesmeta.estimates.text import signed_text
from bayesmeta.estimates.transformed import with_transformed
from bayesmeta.inference import reml

NEGLIGIBLE_SHIFT = 0.1  # standard errors; a smaller shift changes no reported digit
MOST_OF_IT = 0.75  # share of a shift from which a reason is named alone
ENDS = ["ci_lb", "ci_ub"]
OF_FLAT = (
    *("flat_mean", "flat_sd", "flat_variance_mean", "shift_prior", "shift_integration"),
    *("sd_ratio_prior", "sd_ratio_integration"),
)


def terms_on_scales(
    fit: reml.Reml, *, test: str = "z", contrasts: xr.DataArray | None = None
) -> pd.DataFrame:
    """Return `reml.terms_table`, with the columns of a scale if the measure has one.

    They are scale (such as odds ratio), estimate_transformed, ci_lb_transformed, ci_ub_transformed.
    """
    table = reml.terms_table(fit, test=test, contrasts=contrasts)
    scales = scales_by_term(fit, contrasts)
    of_rows = [scales[name] for name in table["term"]]
    return with_transformed(table, of_rows, ["estimate", *ENDS])


def posterior_on_scales(
    table: pd.DataFrame, posterior: pd.DataFrame, fit: reml.Reml, contrasts: xr.DataArray
) -> pd.DataFrame:
    """Return `compare_estimates` with both estimates on the scale of the measure, not of taus.

    The posterior (term, median) is transformed by its median.
    """
    scales = scales_by_term(fit, contrasts)
    of_rows = [scales.get(name, AS_IT_IS) for name in table["term"]]
    medians = table["term"].map(posterior.set_index("term")["median"])
    columns = ["median", "estimate", *ENDS, "cri_lb", "cri_ub"]
    return with_transformed(table.assign(median=medians), of_rows, columns).drop(columns="median")


def scales_by_term(fit: reml.Reml, contrasts: xr.DataArray | None) -> dict[str, Scale]:
    """Return the scale of every term, and of every contrast."""
    weights = reml.weights_of(fit, contrasts)
    array = xr.DataArray(weights, dims=("contrast", "term"))
    return dict(zip(map(str, weights.index), scales_of(fit.design, array), strict=True))


def compare_estimates(
    frequentist: pd.DataFrame, flat: pd.DataFrame, posterior: pd.DataFrame
) -> pd.DataFrame:
    """Set estimates side by side and split their differences into the two reasons.

    `frequentist` has term, estimate, se, ci_lb, ci_ub (a tau has no se); `flat` and `posterior`,
    the posteriors under flat priors and under the model's priors, term, mean, sd, ci_lb, ci_ub.
    Columns: term; estimate, se, ci_lb, ci_ub (frequentist); mean, sd, cri_lb, cri_ub (posterior);
    flat_mean, flat_sd; shift = mean - estimate and its parts shift_prior and shift_integration, all
    in units of the se (of a tau: of the sd of the flat posterior); sd_ratio = sd / se and its
    factors sd_ratio_prior and sd_ratio_integration; why, in words.
    """
    credible = posterior.rename(columns={"ci_lb": "cri_lb", "ci_ub": "cri_ub"})
    flat = flat.rename(columns={"mean": "flat_mean", "sd": "flat_sd"})
    table = frequentist[["term", "estimate", "se", *ENDS]]
    table = table.merge(credible[["term", "mean", "sd", "cri_lb", "cri_ub"]], on="term")
    table = table.merge(flat[["term", "flat_mean", "flat_sd"]], on="term")
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


def compare_structures(frequentist: pd.DataFrame, posterior: pd.DataFrame) -> pd.DataFrame:
    """Set estimates of a dependence structure side by side, with the columns of both.

    There is no posterior under flat priors to split a difference into prior and integration: the
    columns of it are empty.
    """
    credible = posterior.rename(columns={"ci_lb": "cri_lb", "ci_ub": "cri_ub"})
    table = frequentist[["term", "estimate", "se", *ENDS]]
    table = table.merge(credible[["term", "mean", "sd", "cri_lb", "cri_ub"]], on="term")
    shift = (table["mean"] - table["estimate"]) / table["se"].fillna(table["sd"])
    small = shift.abs() < NEGLIGIBLE_SHIFT
    why = np.where(small, "they agree", "the prior, or integration over the parameters")
    table = table.assign(shift=shift, sd_ratio=table["sd"] / table["se"], why=why)
    return conclusions(table.assign(**dict.fromkeys(OF_FLAT, np.nan)))


def with_flat_variances(table: pd.DataFrame, posterior: pd.DataFrame | None) -> pd.DataFrame:
    """Add flat_variance_mean, the mean under flat priors on the squares of the taus.

    It is missing without such a posterior: with few units the posterior of the taus is improper.
    """
    if posterior is None:
        return table.assign(flat_variance_mean=np.nan)
    means = posterior.rename(columns={"mean": "flat_variance_mean"})
    return table.merge(means[["term", "flat_variance_mean"]], on="term", how="left")


def explain(row: Mapping[Any, Any]) -> str:
    """Return the reason why two estimates differ, from their shift and its two parts."""
    prior = row["shift_prior"]
    integration = row["shift_integration"]
    sizes = {"prior": abs(prior), "integration over the taus": abs(integration)}
    if max(abs(row["shift"]), abs(prior)) < NEGLIGIBLE_SHIFT:
        return "they agree"
    if min(sizes.values()) >= NEGLIGIBLE_SHIFT and prior * integration < 0:
        first = f"prior ({signed_text(prior)})"
        second = f"integration over the taus ({signed_text(integration)})"
        return f"{first} and {second} act in opposite directions"
    larger, smaller = sorted(sizes, key=lambda reason: sizes[reason], reverse=True)
    if sizes[larger] / sum(sizes.values()) > MOST_OF_IT:
        return f"mostly the {larger}"
    return f"the {larger} and the {smaller}"


def side_of_zero(lower: float, upper: float) -> str:
    """Return 'below' or 'above' for an interval on that side of zero, 'open' if it contains it."""
    return "below" if upper < 0 else "above" if lower > 0 else "open"


def conclusions(table: pd.DataFrame, published: pd.DataFrame | None = None) -> pd.DataFrame:
    """Add the sides of zero on which the analyses put a term: 'below', 'above', 'open'.

    The columns are side_frequentist and side_posterior, and for terms with a published estimate
    printed, report, report_ci_lb, report_ci_ub, side_report.
    """
    credible = table[["term", "cri_lb", "cri_ub"]].set_axis(["term", *ENDS], axis=1)
    table = with_side(table, table, "frequentist")
    table = with_side(table, credible, "posterior")
    if published is None:
        return table
    columns = {"estimate": "report", "ci_lb": "report_ci_lb", "ci_ub": "report_ci_ub"}
    report = published[["term", "printed", *columns]].rename(columns=columns)
    table = table.merge(report, on="term", how="left")
    return with_side(table, published, "report")


def with_side(table: pd.DataFrame, other: pd.DataFrame, name: str) -> pd.DataFrame:
    """Add side_<name>: the side of zero of a term in another analysis (term, ci_lb, ci_ub)."""
    sides = [side_of_zero(*bounds) for bounds in other[ENDS].to_numpy()]
    columns = pd.DataFrame({"term": other["term"], f"side_{name}": sides})
    return table.merge(columns, on="term", how="left")


def with_exact(table: pd.DataFrame, exact: pd.DataFrame) -> pd.DataFrame:
    """Add the posterior (term, mean, ci_lb, ci_ub) under the exact likelihood of Hedges' g.

    New columns: exact_mean, exact_ci_lb, exact_ci_ub, side_exact.
    """
    names = {name: f"exact_{name}" for name in ("mean", *ENDS)}
    columns = exact[["term", *names]].rename(columns=names)
    return with_side(table.merge(columns, on="term", how="left"), exact, "exact")


def profile_table(profiles: pd.DataFrame, densities: pd.DataFrame) -> pd.DataFrame:
    """Scale profile likelihoods and posterior densities of the taus to a peak of 1, for a figure.

    Columns of `profiles`: level, tau, log_lik; of `densities`: level, tau, density; of the result:
    level, which ('profile likelihood' or 'posterior'), tau, height.
    """
    highest = profiles.groupby("level", sort=False)["log_lik"].transform("max")
    height = np.exp(profiles["log_lik"] - highest)
    likelihood = profiles.assign(which="profile likelihood", height=height)
    peak = densities.groupby("level", sort=False)["density"].transform("max")
    posterior = densities.assign(which="posterior", height=densities["density"] / peak)
    curves = pd.concat([likelihood, posterior])[["level", "which", "tau", "height"]]
    return _ordered(curves, "level", profiles["level"])


def paired_table(
    table: pd.DataFrame, flat: pd.DataFrame | None, published: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return rows for the figure of paired intervals: term, source, estimate, ci_lb, ci_ub."""
    columns = ["term", "estimate", *ENDS]
    sources = {"paper": published[columns]} if published is not None else {}
    sources |= {"REML": table[columns]}
    if flat is not None:
        of_terms = flat[flat["term"].isin(table["term"])]
        sources |= {"Bayes, flat priors": of_terms[["term", "mean", *ENDS]]}
    sources |= {
        "Bayes": table[["term", "mean", "cri_lb", "cri_ub"]],
    }
    rows = pd.concat(
        part.set_axis(columns, axis=1).assign(source=source) for source, part in sources.items()
    )
    return _ordered(rows, "term", table["term"])


def _ordered(rows: pd.DataFrame, column: str, names: pd.Series) -> pd.DataFrame:
    """Return the rows with these names in a column, in the order of the names."""
    order = list(names.unique())
    rows = rows[rows[column].isin(order)]
    places = rows[column].map(order.index)
    return rows.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)
