"""What the draws say, as tables: terms, heterogeneity, prediction, studies."""

import itertools

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq
from scipy.stats import norm

from bayesmeta.design import of_stratum, slopes_of, typical_variance
from bayesmeta.spec import LEVELS, parse_spec

BOUNDS = (0.025, 0.975)


def levels_of(tree: xr.DataTree) -> list[str]:
    """Random-effect levels of a tree's model, highest first."""
    return [level for level in LEVELS if f"tau_{level}" in tree["posterior"].data_vars]


def strata_of(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Design of each stratum in which the taus are alike; `{"": whole design}` where they do not differ."""
    design = tree["constant_data"].to_dataset()
    if "stratum" not in design.dims:
        return {"": design}
    return {str(name): of_stratum(design, name) for name in design["stratum"].values}


def tau_draws(tree: xr.DataTree, stratum: str, *, which: str = "posterior") -> pd.DataFrame:
    """Draws of each level's tau in a stratum, chains one after the other: a column per level."""
    taus = tree[which].to_dataset()[[f"tau_{level}" for level in levels_of(tree)]]
    taus = taus.sel(stratum=stratum) if stratum else taus
    return pd.DataFrame({level: taus[f"tau_{level}"].values.ravel() for level in levels_of(tree)})


def terms_table(tree: xr.DataTree) -> pd.DataFrame:
    """Term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive, ess_bulk, ess_tail, r_hat, mcse_mean."""
    beta = tree["posterior"].to_dataset()[["beta"]]
    draws = beta["beta"].stack(sample=("chain", "draw"))
    bounds = draws.quantile(BOUNDS, "sample")
    return pd.DataFrame(
        {
            "term": draws["term"].values,
            "mean": draws.mean("sample").values,
            "sd": draws.std("sample", ddof=1).values,
            "median": draws.median("sample").values,
            "ci_lb": bounds[0].values,
            "ci_ub": bounds[1].values,
            "p_positive": (draws > 0).mean("sample").values,
            "ess_bulk": az.ess(beta, method="bulk")["beta"].values,
            "ess_tail": az.ess(beta, method="tail")["beta"].values,
            "r_hat": az.rhat(beta)["beta"].values,
            "mcse_mean": az.mcse(beta, method="mean")["beta"].values,
        }
    )


def parameters_table(tree: xr.DataTree) -> pd.DataFrame:
    """What a model estimates besides terms and taus (nu, rho, weights of a selection, spreads); no rows where nothing.

    Returns
    -------
    DataFrame
        parameter (`rho`; `weights[p > .5]`), mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), ess_bulk, r_hat.
    """
    posterior = tree["posterior"].to_dataset()
    known = {"beta", "u", "w", "d", *(f"tau_{level}" for level in LEVELS)}
    rows = []
    for name in (str(name) for name in posterior.data_vars if name not in known):
        draws = posterior[[name]]
        bulk, r_hat = (np.atleast_1d(found[name].values) for found in (az.ess(draws, method="bulk"), az.rhat(draws)))
        flat = draws[name].stack(sample=("chain", "draw"))
        flat = flat if flat.ndim == 2 else flat.expand_dims("weight")
        for at, own in enumerate(flat.transpose(..., "sample")):
            label = f"{name}[{own['weight'].item()}]" if "weight" in own.coords else name
            lower, median, upper = np.quantile(own.values, [BOUNDS[0], 0.5, BOUNDS[1]])
            numbers = {"mean": own.values.mean(), "sd": own.values.std(ddof=1), "median": median}
            numbers |= {"ci_lb": lower, "ci_ub": upper, "ess_bulk": bulk[at], "r_hat": r_hat[at]}
            rows.append({"parameter": label} | numbers)
    return pd.DataFrame(rows)


def heterogeneity_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the levels and their total; where taus differ by stratum, each stratum's (`human:study`).

    Returns
    -------
    DataFrame
        level, tau_mean, tau_ci_lb, tau_ci_ub, i2_mean, i2_ci_lb, i2_ci_ub; I^2 in percent,
        100 tau_level^2 / (sum of tau^2 + typical sampling variance), as for metafor's multilevel models.
    """
    about, posterior = tree["constant_data"].attrs, tree["posterior"].dataset
    rho = float(posterior["rho"].mean()) if "rho" in posterior else parse_spec(about["model"], about["model_name"]).rho
    parts = []
    for stratum, design in strata_of(tree).items():
        part = _heterogeneity(tau_draws(tree, stratum), design, rho)
        parts.append(part.assign(level=[_labelled(level, stratum) for level in part["level"]]))
    return pd.concat(parts, ignore_index=True)


def _labelled(level: str, stratum: str) -> str:
    return f"{stratum}:{level}" if stratum else level


def _heterogeneity(tau: pd.DataFrame, design: xr.Dataset, rho: float) -> pd.DataFrame:
    total = tau.pow(2).sum(axis=1)
    i2 = 100 * tau.pow(2).div(total + typical_variance(design, rho), axis=0)
    tau["total"], i2["total"] = np.sqrt(total), i2.sum(axis=1)
    columns: dict[str, pd.Series] = {}
    for name, draws in (("tau", tau), ("i2", i2)):
        bounds = draws.quantile(list(BOUNDS))
        columns |= {
            f"{name}_mean": draws.mean(),
            f"{name}_ci_lb": bounds.iloc[0],
            f"{name}_ci_ub": bounds.iloc[1],
        }
    return pd.DataFrame(columns).rename_axis("level").reset_index()


def prediction_table(tree: xr.DataTree) -> pd.DataFrame:
    """Intervals for the true mean of a new study, of a new group in it, and for a new true effect in that.

    Returns
    -------
    DataFrame
        term, level, pi_lb, pi_ub: 95 % equal-tailed, exact quantiles of the mixture of normals over the draws. A term
        of several strata has a row for each, `rat:study`. The slope of a bias has none: it is no cell.
    """
    beta = tree["posterior"].dataset["beta"].stack(sample=("chain", "draw"))
    variances = {stratum: tau_draws(tree, stratum).pow(2).cumsum(axis=1) for stratum in strata_of(tree)}
    rows = []
    for level in levels_of(tree):
        for term, strata in _strata_of_terms(tree).items():
            for stratum in strata:
                spread = np.sqrt(variances[stratum][level].to_numpy())
                lower, upper = (mixture_quantile(p, beta.sel(term=term).values, spread) for p in BOUNDS)
                label = _labelled(level, stratum) if len(strata) > 1 else level
                rows.append({"term": term, "level": label, "pi_lb": lower, "pi_ub": upper})
    return pd.DataFrame(rows)


def _strata_of_terms(tree: xr.DataTree) -> dict[str, list[str]]:
    """Strata that each term's effects are in; of a term without effects, the one that its label names, or all."""
    strata, found, design = strata_of(tree), {}, tree["constant_data"].to_dataset()
    for term in map(str, design["term"].values[~slopes_of(design)]):
        own = [name for name, design in strata.items() if name == "" or term in design["term"].values]
        found[term] = own or [name for name in strata if name in term.split(":")] or list(strata)
    return found


def mixture_quantile(p: float, mean: np.ndarray, sd: np.ndarray) -> float:
    """Quantile of an equal mixture of normals with means and sds (draws,)."""
    reach = 8 * sd.max() + np.ptp(mean) + 1e-9
    low, high = mean.min() - reach, mean.max() + reach
    return float(brentq(lambda x: norm.cdf((x - mean) / sd).mean() - p, low, high, xtol=1e-10))


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
    """Terms but slopes with credible interval, prediction interval at the lowest level (`pi_level`), k, studies."""
    prediction = prediction_table(tree)
    lowest = prediction[prediction["level"].str.split(":").str[-1] == levels_of(tree)[-1]]
    lowest = lowest.drop_duplicates("term").rename(columns={"level": "pi_level"})
    terms = terms_table(tree)[["term", "mean", "ci_lb", "ci_ub"]]
    return terms.merge(lowest, on="term").merge(sizes_table(tree)[["term", "k", "studies"]], on="term")


def orchard_table(tree: xr.DataTree) -> pd.DataFrame:
    """Every effect beside the mean of its term: rows of the terms as in `forest_table`, then rows of the effects.

    Returns
    -------
    DataFrame
        part (`term`, `effect`), term, effect, study, estimate (a term's posterior mean, an effect's yi), se (of yi),
        ci_lb, ci_ub, pi_lb, pi_ub, pi_level, k, studies (of terms). An effect belongs to the term that alone is coded
        in its row, slopes of a bias aside; effects without one (a regression's) have no row.
    """
    design = tree["constant_data"].to_dataset()
    coded = design["X"].values[:, ~slopes_of(design)] != 0
    names = design["term"].values[~slopes_of(design)]
    owned = coded.sum(axis=1) == 1
    study = design["study"].values[design["group_study"].values[design["effect_group"].values]]
    columns = {"effect": design["effect"].values, "study": study, "estimate": design["yi"].values}
    effects = pd.DataFrame({"part": "effect", "term": names[coded.argmax(axis=1)], **columns})
    effects = effects.assign(se=np.sqrt(design["vi"].values))[owned]
    terms = forest_table(tree).rename(columns={"mean": "estimate"}).assign(part="term")
    table = pd.concat([terms, effects.sort_values("term", key=lambda term: term.map(list(names).index), kind="stable")])
    counts = {"k": "Int64", "studies": "Int64"}
    ordered = ["part", "term", "effect", "study", "estimate", "se", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "pi_level"]
    return table[[*ordered, *counts]].astype(counts).reset_index(drop=True)


def studies_table(tree: xr.DataTree) -> pd.DataFrame:
    """Mean of each study in each of its cells, beta + u: term, study, mean, ci_lb, ci_ub, k, and the cell's own."""
    posterior, design = tree["posterior"].to_dataset(), tree["constant_data"].to_dataset()
    beta = posterior["beta"].stack(sample=("chain", "draw")).transpose("term", "sample").values
    study = design["group_study"].values[design["effect_group"].values]
    coded = (design["X"].values != 0) & ~slopes_of(design)
    counts = [
        (t, s, int((coded[:, t] & (study == s)).sum())) for t in range(len(beta)) for s in np.unique(study[coded[:, t]])
    ]
    term, which, k = (np.array(column) for column in zip(*counts, strict=True))
    draws = beta[term]
    if "u" in posterior:
        draws = draws + posterior["u"].stack(sample=("chain", "draw")).transpose("study", "sample").values[which]
    lower, upper = np.quantile(draws, BOUNDS, axis=1)
    table = pd.DataFrame({"term": design["term"].values[term], "study": design["study"].values[which]})
    table = table.assign(mean=draws.mean(axis=1), ci_lb=lower, ci_ub=upper, k=k)
    cells = (
        terms_table(tree)[["term", "mean", "ci_lb", "ci_ub"]].add_prefix("term_").rename(columns={"term_term": "term"})
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
        grid, density, _ = array_stats.kde(draws, grid_len=points, bound_correction=True, custom_lims=limits)
        table = pd.DataFrame({"level": _labelled(level, stratum), "which": which, "tau": grid, "density": density})
        rows.append(table[table["tau"] <= reach])
    return pd.concat(rows, ignore_index=True)
