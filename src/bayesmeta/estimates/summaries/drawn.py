"""Tables behind pictures: forest, orchard, caterpillar of the studies, prior beside posterior."""

import itertools

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.summaries.spreads import BOUNDS, labelled, levels_of, strata_of, tau_draws
from bayesmeta.estimates.summaries.tables import prediction_table, terms_table
from bayesmeta.model.design import is_mean, is_small_study


def sizes_table(tree: xr.DataTree) -> pd.DataFrame:
    """Effects k, studies and groups behind each term, slopes too: rows whose coding of the term is not zero."""
    design = tree["constant_data"].to_dataset()
    study = design["group_study"].values[design["effect_group"].values]
    coded = design["X"].values != 0
    return pd.DataFrame(
        {
            "term": design["term"].values,
            "k": coded.sum(axis=0),
            "studies": [len(np.unique(study[used])) for used in coded.T],
            "groups": [len(np.unique(design["effect_group"].values[used])) for used in coded.T],
        }
    )


def forest_table(tree: xr.DataTree) -> pd.DataFrame:
    """Means with credible interval, prediction interval at the lowest level (`pi_level`), k, studies."""
    prediction = prediction_table(tree)
    lowest = prediction[prediction["level"].str.split(":").str[-1] == levels_of(tree)[-1]]
    lowest = lowest.drop_duplicates("term").rename(columns={"level": "pi_level"})
    terms = terms_table(tree)[["term", "mean", "ci_lb", "ci_ub"]]
    return terms.merge(lowest, on="term").merge(
        sizes_table(tree)[["term", "k", "studies"]], on="term"
    )


def orchard_table(tree: xr.DataTree) -> pd.DataFrame:
    """Every effect beside the mean of its term: rows of the terms as in `forest_table`, then rows of the effects.

    Returns
    -------
    DataFrame
        part (`term`, `effect`), term, effect, study, estimate (a term's posterior mean, an effect's yi), se (of yi),
        ci_lb, ci_ub, pi_lb, pi_ub, pi_level, k, studies (of terms). An effect belongs to the mean that alone is coded
        in its row, slopes of a bias aside; effects without one (a regression's) have no row.
    """
    design = tree["constant_data"].to_dataset()
    coded = design["X"].values[:, ~is_small_study(design)] != 0
    names = design["term"].values[~is_small_study(design)]
    means = is_mean(design)[~is_small_study(design)]
    owned = (coded.sum(axis=1) == 1) & (coded & means).any(axis=1)
    study = design["study"].values[design["group_study"].values[design["effect_group"].values]]
    columns = {"effect": design["effect"].values, "study": study, "estimate": design["yi"].values}
    effects = pd.DataFrame({"part": "effect", "term": names[coded.argmax(axis=1)], **columns})
    effects = effects.assign(se=np.sqrt(design["vi"].values))[owned]
    terms = forest_table(tree).rename(columns={"mean": "estimate"}).assign(part="term")
    table = pd.concat(
        [
            terms,
            effects.sort_values(
                "term", key=lambda term: term.map(list(names).index), kind="stable"
            ),
        ]
    )
    counts = {"k": "Int64", "studies": "Int64"}
    ordered = [
        "part",
        "term",
        "effect",
        "study",
        "estimate",
        "se",
        "ci_lb",
        "ci_ub",
        "pi_lb",
        "pi_ub",
        "pi_level",
    ]
    return table[[*ordered, *counts]].astype(counts).reset_index(drop=True)


def studies_table(tree: xr.DataTree) -> pd.DataFrame:
    """Mean of each study in each of its cells, beta + u: term, study, mean, ci_lb, ci_ub, k, and the cell's own."""
    posterior, design = tree["posterior"].to_dataset(), tree["constant_data"].to_dataset()
    beta = posterior["beta"].stack(sample=("chain", "draw")).transpose("term", "sample").values
    study = design["group_study"].values[design["effect_group"].values]
    coded = (design["X"].values != 0) & is_mean(design)
    counts = [
        (t, s, int((coded[:, t] & (study == s)).sum()))
        for t in range(len(beta))
        for s in np.unique(study[coded[:, t]])
    ]
    term, which, k = np.array(counts, int).reshape(-1, 3).T
    draws = beta[term]
    if "u" in posterior:
        draws = (
            draws
            + posterior["u"]
            .stack(sample=("chain", "draw"))
            .transpose("study", "sample")
            .values[which]
        )
    lower, upper = np.quantile(draws, BOUNDS, axis=1)
    table = pd.DataFrame(
        {"term": design["term"].values[term], "study": design["study"].values[which]}
    )
    table = table.assign(mean=draws.mean(axis=1), ci_lb=lower, ci_ub=upper, k=k)
    cells = (
        terms_table(tree)[["term", "mean", "ci_lb", "ci_ub"]]
        .add_prefix("term_")
        .rename(columns={"term_term": "term"})
    )
    return table.merge(cells, on="term", how="left")


def density_table(tree: xr.DataTree, *, points: int = 200) -> pd.DataFrame:
    """Prior and posterior densities of the taus: level, which, tau, density; kernel estimates that respect zero."""
    from arviz_stats.base import array_stats

    strata = strata_of(tree)
    reach = 1.3 * max(tau_draws(tree, stratum).to_numpy().max() for stratum in strata)
    rows = []
    for stratum, level, which in itertools.product(strata, levels_of(tree), ("prior", "posterior")):
        draws = tau_draws(tree, stratum, which=which)[level].to_numpy()
        limits = (0, max(reach, draws.max()))
        grid, density, _ = array_stats.kde(
            draws, grid_len=points, bound_correction=True, custom_lims=limits
        )
        table = pd.DataFrame(
            {"level": labelled(level, stratum), "which": which, "tau": grid, "density": density}
        )
        rows.append(table[table["tau"] <= reach])
    return pd.concat(rows, ignore_index=True)
