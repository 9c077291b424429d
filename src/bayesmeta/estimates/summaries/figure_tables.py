"""Tables behind figures: means, orchard, caterpillar of the studies, prior beside posterior."""

import itertools

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summary, term_draws
from bayesmeta.estimates.summaries.components import has_structure
from bayesmeta.estimates.summaries.levels import level_label, levels_of, strata_of, tau_draws
from bayesmeta.estimates.summaries.tables import prediction_table, terms_table
from bayesmeta.infrastructure.arviz import array_stats
from bayesmeta.model.design import is_mean, is_small_study
from bayesmeta.model.likelihood import nesting_of

BEYOND_TAU = 1.3  # the axis of a tau ends this many times its largest posterior draw
ORCHARD = ["part", "term", "effect", "study", "estimate", "se", "ci_lb", "ci_ub"]
ORCHARD += ["pi_lb", "pi_ub", "pi_level", "k", "studies"]


def sizes_table(tree: xr.DataTree) -> pd.DataFrame:
    """Count the effects (k), studies and groups with a non-zero coding of a term, by term."""
    design = tree["constant_data"].to_dataset()
    coded = design["X"].values != 0
    table = pd.DataFrame({"term": design["term"].values, "k": coded.sum(axis=0)})
    units = {"studies": nesting_of(design).study_of_effect, "groups": design["effect_group"].values}
    for name, unit in units.items():
        table[name] = [len(np.unique(unit[rows])) for rows in coded.T]
    return table


def means_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return means: term, mean, ci_lb, ci_ub, pi_level (the lowest), pi_lb, pi_ub, k, studies."""
    prediction = prediction_table(tree)
    if has_structure(tree):
        lowest = prediction.drop_duplicates("term", keep="last")
    else:
        level = prediction["level"].str.split(":").str[-1]
        lowest = prediction[level == levels_of(tree)[-1]].drop_duplicates("term")
    terms = terms_table(tree)[["term", "mean", "ci_lb", "ci_ub"]]
    table = terms.merge(lowest.rename(columns={"level": "pi_level"}), on="term")
    return table.merge(sizes_table(tree)[["term", "k", "studies"]], on="term")


def orchard_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the means as in `means_table`, then a row per effect.

    Columns: part (`term`, `effect`), term, effect, study, estimate (a term's posterior mean, an
    effect's yi), se (of yi), ci_lb, ci_ub, pi_lb, pi_ub, pi_level, k, studies (of terms). An effect
    belongs to the mean that is the only coded term in its row, small-study slopes excepted; effects
    without such a mean (in a regression) have no row.
    """
    design = tree["constant_data"].to_dataset()
    kept = ~is_small_study(design)
    coded = design["X"].values[:, kept] != 0
    names = design["term"].values[kept]
    in_one_mean = (coded.sum(axis=1) == 1) & (coded & is_mean(design)[kept]).any(axis=1)
    columns = {
        "term": names[coded.argmax(axis=1)],
        "effect": design["effect"].values,
        "study": design["study"].values[nesting_of(design).study_of_effect],
        "estimate": design["yi"].values,
        "se": np.sqrt(design["vi"].values),
    }
    effects = pd.DataFrame(columns)[in_one_mean].assign(part="effect")
    order = list(names)
    effects = effects.sort_values("term", key=lambda term: term.map(order.index), kind="stable")
    terms = means_table(tree).rename(columns={"mean": "estimate"}).assign(part="term")
    table = pd.concat([terms, effects])[ORCHARD]
    return table.astype({"k": "Int64", "studies": "Int64"}).reset_index(drop=True)


def studies_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the mean of every study in its cells, beta + u; of true effects in a structure.

    Columns: term, study, mean, ci_lb, ci_ub, k, and term_mean, term_ci_lb, term_ci_ub of the cell.
    """
    posterior = tree["posterior"].to_dataset()
    design = tree["constant_data"].to_dataset()
    term, study, k = _cells_of_studies(design)
    draws = term_draws(tree).values[term]
    if "theta" in posterior:  # of a dependence structure
        theta = posterior["theta"].transpose("effect", "chain", "draw").values
        draws = _shares_of_cells(design, term, study) @ theta.reshape(len(theta), -1)
    elif "u" in posterior:
        u = posterior["u"].transpose("study", "chain", "draw").values
        draws = draws + u.reshape(len(u), -1)[study]
    labels = {"term": design["term"].values[term], "study": design["study"].values[study]}
    table = pd.DataFrame(labels | summary(draws)).drop(columns=["sd", "p_positive"]).assign(k=k)
    cells = terms_table(tree)[["term", "mean", "ci_lb", "ci_ub"]].add_prefix("term_")
    return table.merge(cells.rename(columns={"term_term": "term"}), on="term", how="left")


def _shares_of_cells(design: xr.Dataset, term: np.ndarray, study: np.ndarray) -> np.ndarray:
    """Return the shares of the effects in the mean of every cell of a study (cells, k)."""
    in_study = nesting_of(design).study_of_effect == study[:, None]
    rows = in_study & (design["X"].values.T[term] != 0)
    return rows / rows.sum(1, keepdims=True)


def _cells_of_studies(design: xr.Dataset) -> np.ndarray:
    """Return the codes of term and study and the number of effects of every cell (3, cells)."""
    study = nesting_of(design).study_of_effect
    coded = (design["X"].values != 0) & is_mean(design)
    cells = [
        (term, code, int((rows & (study == code)).sum()))
        for term, rows in enumerate(coded.T)
        for code in np.unique(study[rows])
    ]
    return np.array(cells, int).reshape(-1, 3).T


def density_table(tree: xr.DataTree, *, points: int = 200) -> pd.DataFrame:
    """Return kernel densities, bounded at 0, of prior and posterior: level, which, tau, density."""
    strata = strata_of(tree)
    reach = BEYOND_TAU * max(tau_draws(tree, stratum).to_numpy().max() for stratum in strata)
    parts = []
    for stratum, level, which in itertools.product(strata, levels_of(tree), ("prior", "posterior")):
        draws = tau_draws(tree, stratum, which=which)[level].to_numpy()
        limits = (0, max(reach, draws.max()))
        options = {"grid_len": points, "bound_correction": True, "custom_lims": limits}
        tau, density, _ = array_stats.kde(draws, **options)
        curve = pd.DataFrame({"tau": tau, "density": density})[tau <= reach]
        parts.append(curve.assign(level=level_label(level, stratum), which=which))
    return pd.concat(parts, ignore_index=True)[["level", "which", "tau", "density"]]
