"""Tables of a fit: terms and contrasts with their tests, heterogeneity, the fit in one row."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import chi2, f, t

from bayesmeta.inference.reml.fit import Reml, codes_of
from bayesmeta.infrastructure.choices import Test, check_choice
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import typical_variance


def terms_table(
    fit: Reml, *, test: str = "z", contrasts: xr.DataArray | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Return estimates of the terms, then of the contrasts, each tested against 0.

    `test` is "z" (normal), "t" (k - p degrees of freedom) or "containment" (those of
    `containment_df`). `contrasts` are weights (contrast, term); rows that are a term by itself are
    not repeated. The columns are term, estimate, se, zval, pval, p_bonferroni (over all rows of
    this table), ci_lb, ci_ub; with the t tests tval and df in place of zval. Raise BadInput if the
    test is unknown or the contrasts are of other terms.
    """
    weights = weights_of(fit, contrasts)
    estimate = (weights @ fit.beta).to_numpy()
    se = np.sqrt(np.diag(weights @ fit.covariance @ weights.T))
    df = _df(fit, test, weights)
    table = pd.DataFrame({"term": weights.index, "estimate": estimate, "se": se, "df": df})
    table = table.assign(**t_test(estimate, se, df, confidence))
    table["p_bonferroni"] = np.minimum(table["pval"] * len(weights), 1)
    order = ["tval", "df", "pval", "p_bonferroni", "ci_lb", "ci_ub"]
    table = table[["term", "estimate", "se", *order]]
    return table if test != "z" else table.drop(columns="df").rename(columns={"tval": "zval"})


def t_test(
    estimate: np.ndarray, se: np.ndarray, df: np.ndarray, confidence: float
) -> dict[str, np.ndarray]:
    """Return tval, pval, ci_lb and ci_ub of estimates (n,); normal where df is infinite."""
    reach = t.ppf((1 + confidence) / 2, df) * se
    test = {"tval": estimate / se, "pval": 2 * t.sf(np.abs(estimate / se), df)}
    return {**test, "ci_lb": estimate - reach, "ci_ub": estimate + reach}


def weights_of(fit: Reml, contrasts: xr.DataArray | None = None) -> pd.DataFrame:
    """Return weights (row, term): every term by itself, then the contrasts that are more than that.

    Raise BadInput if the contrasts name a term that the model does not have.
    """
    terms = list(fit.beta.index)
    rows = pd.DataFrame(np.eye(len(terms)), terms, terms)
    if contrasts is None:
        return rows
    if unknown := [str(term) for term in contrasts["term"].values if term not in terms]:
        raise BadInput(f"contrasts name unknown terms {unknown}; the model has: {', '.join(terms)}")
    ordered = contrasts.transpose("contrast", "term")
    named = pd.DataFrame(ordered.values, contrasts["contrast"].values, contrasts["term"].values)
    named = named.reindex(columns=terms, fill_value=0.0)
    single = [name in terms and named.loc[name].equals(rows.loc[name]) for name in named.index]
    return pd.concat([rows, named[~np.array(single, bool)]])


def containment_df(fit: Reml) -> pd.Series:
    """Return degrees of freedom of every term by containment: metafor's `dfs = "contain"`.

    A term that is constant within every unit of some levels has as many degrees of freedom as the
    smallest of these levels has units, less p; other terms have k - p. Never below 1.
    """
    x = pd.DataFrame(fit.design["X"].values)
    codes = codes_of(fit.design)
    units = np.full(x.shape[1], len(x))
    for level in fit.spec.levels:
        constant = x.groupby(codes[level]).nunique().eq(1).all().to_numpy()
        units = np.where(constant, np.minimum(units, codes[level].max() + 1), units)
    return pd.Series(np.maximum(units - x.shape[1], 1), fit.beta.index, name="df")


def _df(fit: Reml, test: str, weights: pd.DataFrame) -> np.ndarray:
    """Return degrees of freedom of every row; a contrast has those of its poorest term."""
    check_choice("test", test, Test)
    k, p = fit.design["X"].shape
    if test == "containment":
        df = containment_df(fit).to_numpy(float)
        return np.where(weights.to_numpy() != 0, df, np.inf).min(axis=1)
    return np.full(len(weights), np.inf if test == "z" else float(k - p))


def heterogeneity_table(fit: Reml) -> pd.DataFrame:
    """Return level, tau, tau2, i2 of every level and of the total.

    I^2 in percent is 100 tau_level^2 / (sum of tau^2 + typical sampling variance). Source: Nakagawa
    & Santos 2012, doi 10.1007/s10682-012-9555-5; metafor's note on I^2 in multilevel models.
    """
    tau2 = fit.tau**2
    typical = typical_variance(fit.design, fit.spec.rho)
    if not fit.spec.inner:  # whose categories have different variances
        tau2["total"] = tau2.sum()
    i2 = 100 * tau2 / (tau2.get("total", np.nan) + typical)
    table = pd.DataFrame({"tau": np.sqrt(tau2), "tau2": tau2, "i2": i2})
    return table.rename_axis("level").reset_index()


def fit_table(fit: Reml, *, test: str = "z") -> pd.DataFrame:
    """Return a single row on the fit.

    It has k, studies, groups; QE, QE_df, QE_p: residual heterogeneity; QM, QM_df, QM_p: test that
    all terms but an intercept are 0 (of the intercept where it is alone); log_lik. With the t tests
    QM is an F statistic with QM_df and QM_df2 degrees of freedom.
    """
    design = fit.design
    k, p = design["X"].shape
    tested = (design["X"].values != 1).any(axis=0)
    tested = tested if tested.any() else ~tested
    beta = fit.beta.to_numpy()[tested]
    qm = float(beta @ np.linalg.solve(fit.covariance.to_numpy()[np.ix_(tested, tested)], beta))
    m = int(tested.sum())
    df = _df(fit, test, weights_of(fit))[tested].min()
    sizes = design.sizes
    row: dict[str, float] = {"k": k, "studies": sizes["study"], "groups": sizes["group"]}
    row |= {"QE": fit.QE, "QE_df": k - p, "QE_p": chi2.sf(fit.QE, k - p)}
    of_terms = {"QM": qm, "QM_df": m, "QM_p": chi2.sf(qm, m), "log_lik": fit.log_lik}
    if test != "z":
        of_terms |= {"QM": qm / m, "QM_p": f.sf(qm / m, m, df), "QM_df2": df}
    return pd.DataFrame([row | of_terms])
