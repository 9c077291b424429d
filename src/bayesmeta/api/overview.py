"""A fit in one table, and several fits of the same table beside each other."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.api.checks import check_sizes
from bayesmeta.api.results import contrasts, heterogeneity, terms
from bayesmeta.api.wording import python_errors
from bayesmeta.inference import quadrature
from bayesmeta.infrastructure.arviz import arviz_stats
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import refusal
from bayesmeta.model.spec import spec_of
from bayesmeta.robustness import influence


@python_errors
def summary(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise a fit in one table: means, contrasts, heterogeneity.

    Returns
    -------
    DataFrame
        part (term, contrast, tau), name; mean, ci_lb, ci_ub (95 % equal-tailed), p_positive (not
        for a tau).

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), "~ phase", sampler="quadrature")
    >>> bayesmeta.summary(tree)[["part", "name"]]
       part           name
    0  term      intercept
    1  term  phase[memory]
    2   tau          study
    3   tau          group
    4   tau          total
    """
    of_terms = terms(tree)
    others = contrasts(tree)
    others = others[~others["contrast"].isin(of_terms["term"])]
    parts = {"term": of_terms.rename(columns={"term": "name"})}
    parts["contrast"] = others.rename(columns={"contrast": "name"})
    if "vi" in tree["constant_data"].data_vars:
        taus = {"level": "name", **{f"tau_{part}": part for part in ("mean", "ci_lb", "ci_ub")}}
        parts["tau"] = heterogeneity(tree).rename(columns=taus).assign(p_positive=np.nan)
    columns = ["name", "mean", "ci_lb", "ci_ub", "p_positive"]
    kept = [table[columns].assign(part=part) for part, table in parts.items() if len(table)]
    return pd.concat(kept, ignore_index=True)[["part", *columns]]


@python_errors
def loo(tree: xr.DataTree, *, seed: int = 1) -> pd.DataFrame:
    """Predict every study from the others: the effects of a study are left out together.

    The prediction is exact if quadrature can fit the model. Otherwise it is by importance sampling,
    with a refit for every study for which this fails.

    Returns
    -------
    DataFrame
        A row per study: study, k (effects), elpd_psis and k_hat (of importance sampling), elpd
        (expected log predictive density), how it was computed (exact, PSIS, matched, refitted),
        error. `compare_models` sums elpd_psis.

    Source: Vehtari, Gelman & Gabry 2017, doi 10.1007/s11222-016-9696-4.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), "~ phase", sampler="quadrature")
    >>> list(bayesmeta.loo(tree))
    ['study', 'k', 'elpd_psis', 'k_hat', 'elpd', 'how', 'error']
    """
    design = check_sizes(tree)["constant_data"].to_dataset()
    spec = spec_of(tree)
    exact = None
    if not refusal(design, spec, "quadrature"):
        exact = quadrature.leave_one_study_out(design, spec)
    return influence.leave_studies_out(tree, design, spec, left_out=exact, seed=seed)


@python_errors
def compare_models(trees: Mapping[str, xr.DataTree]) -> pd.DataFrame:
    """Compare models of the same table by how well they predict a study that was left out.

    Raise BadInput if there are fewer than two trees, or their studies or effects differ.

    Parameters
    ----------
    trees : mapping
        Trees from `fit` by a name, such as {"dose": tree, "species": other}.

    Returns
    -------
    DataFrame
        A row per model, the best first: model, elpd (expected log predictive density of all
        studies), se, elpd_diff and dse (difference from the best, with its standard error), p
        (effective number of parameters), weight (stacking), k_hat (the largest of a study; above .7
        the elpd is not reliable).

    Source: Vehtari, Gelman & Gabry 2017, doi 10.1007/s11222-016-9696-4; `arviz.compare`.

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.example()
    >>> names = ("~ 1", "~ dose")
    >>> fits = {name: bayesmeta.fit(frame, name, sampler="quadrature") for name in names}
    >>> list(bayesmeta.compare_models(fits))
    ['model', 'elpd', 'se', 'elpd_diff', 'dse', 'p', 'weight', 'k_hat']
    """
    if not isinstance(trees, Mapping) or len(trees) < 2:
        raise BadInput(
            "trees should be a mapping of names to at least two trees from bayesmeta.fit"
        )
    first, *others = (check_sizes(tree)["constant_data"].to_dataset() for tree in trees.values())
    for other in others:
        same = first["yi"].shape == other["yi"].shape and bool((first["yi"] == other["yi"]).all())
        if not same:
            raise BadInput("the trees are of different tables; fit the models to the same effects")
    named = {str(name): tree for name, tree in trees.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of large k-hat, which is a column
        left_out = {
            name: arviz_stats.loo(tree, var_name="obs_study", pointwise=True)
            for name, tree in named.items()
        }
        table = arviz_stats.compare(left_out, round_to="none")
    k_hat = {name: float(loo.pareto_k.max()) for name, loo in left_out.items()}
    table["k_hat"] = table.index.map(k_hat)
    columns = ["elpd", "se", "elpd_diff", "dse", "p", "weight", "k_hat"]
    return table.rename_axis("model").reset_index()[["model", *columns]]
