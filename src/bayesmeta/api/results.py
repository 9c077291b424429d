"""What a tree says, as tables."""

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr

from bayesmeta.estimates import summaries
from bayesmeta.estimates.contrasts import contrasts_of, steps_of, summarise, weighted_draws
from bayesmeta.estimates.convergence import diagnose, diagnostics_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.spec import spec_of

GROUPS = ("posterior", "constant_data")
Question = str | Sequence[str] | Mapping[str, str] | None


def contrasts(tree: xr.DataTree, question: Question = None, *, rope: float | None = None) -> pd.DataFrame:
    """Linear combinations of terms: how large, how probably above zero, how probably too small to matter.

    Parameters
    ----------
    tree : from `fit`, or from arviz.from_netcdf("posterior.nc").
    question : "fear:memory - 0.5 * neutral:memory"; several; or names to such texts. Default: every term, and the
        contrasts that the model file names.
    rope : differences below it are too small to matter; default the model's.

    Returns
    -------
    DataFrame : contrast, mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive, p_rope = P(|contrast| < rope); of a
        slope that of a moderator's standard deviation.

    Raises
    ------
    BadInput
        A text cannot be read, or a term does not exist.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature", draws=250)
    >>> bayesmeta.contrasts(tree, {"memory": "fear:memory - neutral:memory"}).round(1)
      contrast  mean   sd  ci_lb  ci_ub  p_positive  p_rope
    0   memory   1.0  0.1    0.8    1.2         1.0     0.0
    """
    spec, terms = spec_of(check_tree(tree)), [str(term) for term in tree["posterior"].dataset["term"].values]
    if rope is not None and (isinstance(rope, bool) or not isinstance(rope, int | float) or not rope >= 0):
        raise BadInput(f"rope is {rope!r}; it should be a number of at least 0")
    weights = contrasts_of(tree) if question is None else contrast_weights(definitions_of(question), terms)
    draws = weighted_draws(tree, weights)
    inside = abs(draws * steps_of(tree, weights)) < (spec.rope if rope is None else rope)
    return summarise(draws).assign(p_rope=inside.mean(("chain", "draw")).values)


def definitions_of(question: Question) -> dict[str, str]:
    """Names to texts, of a question in any of its forms."""
    if isinstance(question, str):
        return {question: question}
    if isinstance(question, Mapping):
        return {str(name): text for name, text in question.items()}
    if isinstance(question, Sequence) and all(isinstance(text, str) for text in question):
        return {text: text for text in question}
    raise BadInput(
        f"question is {question!r}; it should be text like 'fear:memory - neutral:memory', a list of such, or a "
        "mapping of names to such"
    )


def terms(tree: xr.DataTree) -> pd.DataFrame:
    """Every term, with how well its draws are known.

    Returns
    -------
    DataFrame : term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive, ess_bulk, ess_tail, r_hat,
        mcse_mean.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature", draws=250)
    >>> bayesmeta.terms(tree)[["term", "mean", "sd"]].round(1)
                   term  mean   sd
    0     fear:learning   0.3  0.2
    1  neutral:learning  -0.1  0.2
    2       fear:memory   0.5  0.2
    3    neutral:memory  -0.5  0.2
    """
    return summaries.terms_table(check_tree(tree))


def heterogeneity(tree: xr.DataTree) -> pd.DataFrame:
    """How much true effects differ, by level and in total: standard deviations tau, shares I^2 in percent.

    Returns
    -------
    DataFrame : level, tau_mean, tau_ci_lb, tau_ci_ub, i2_mean, i2_ci_lb, i2_ci_ub.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature", draws=250)
    >>> bayesmeta.heterogeneity(tree)[["level", "tau_mean", "tau_ci_lb", "tau_ci_ub"]].round(1)
       level  tau_mean  tau_ci_lb  tau_ci_ub
    0  study       0.4        0.3        0.7
    1  group       0.2        0.0        0.4
    2  total       0.5        0.4        0.7
    """
    return summaries.heterogeneity_table(check_sizes(tree))


def prediction(tree: xr.DataTree) -> pd.DataFrame:
    """What a new study, and a new group in it, would truly be: 95 % intervals.

    Returns
    -------
    DataFrame : term, level (study, group, effect: the new one), pi_lb, pi_ub.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature", draws=250)
    >>> bayesmeta.prediction(tree).head(2).round(1)
                   term  level  pi_lb  pi_ub
    0     fear:learning  study   -0.7    1.2
    1  neutral:learning  study   -1.1    0.8
    """
    return summaries.prediction_table(check_sizes(tree))


def parameters(tree: xr.DataTree) -> pd.DataFrame:
    """What the model estimates besides terms and taus (nu, rho, weights of a selection); no rows where nothing.

    Returns
    -------
    DataFrame : parameter, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), ess_bulk, r_hat.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature", draws=250)
    >>> len(bayesmeta.parameters(tree))
    0
    """
    return summaries.parameters_table(check_tree(tree))


def diagnostics(tree: xr.DataTree) -> pd.DataFrame:
    """Whether the draws can be used: each diagnostic beside its rule.

    Returns
    -------
    DataFrame : diagnostic, value, rule, passed. `attrs`: passed (all), failures and warnings in words.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature", draws=250)
    >>> found = bayesmeta.diagnostics(tree)
    >>> found[["diagnostic", "rule", "passed"]]
         diagnostic          rule passed
    0   divergences     at most 0   True
    1     max_r_hat    below 1.01   True
    2  min_ess_bulk  at least 400   True
    3  min_ess_tail  at least 400   True
    >>> found.attrs["failures"]
    []
    """
    found = diagnose(check_tree(tree))
    table = diagnostics_table(found)
    table.attrs = {name: found[name] for name in ("passed", "failures", "warnings")}
    return table


def check_tree(tree: object) -> xr.DataTree:
    """The same, if it is a tree of this package."""
    whence = "it should be a DataTree from bayesmeta.fit, or from arviz.from_netcdf('posterior.nc')"
    if not isinstance(tree, xr.DataTree):
        raise BadInput(f"tree is a {type(tree).__name__}; {whence}")
    if missing := [name for name in GROUPS if name not in tree.children]:
        raise BadInput(f"tree lacks the groups {', '.join(missing)}; {whence}")
    if "model" not in tree["constant_data"].attrs:
        raise BadInput(f"tree does not say by which model it was made; {whence}")
    return tree


def check_sizes(tree: object) -> xr.DataTree:
    """The same, if it is a tree of this package with effect sizes."""
    if "vi" not in (checked := check_tree(tree))["constant_data"].data_vars:
        raise BadInput(
            "the tree is one of directions, without effect sizes; it has terms, contrasts, parameters and diagnostics, "
            "and bayesmeta.ordinal has the tables of its own"
        )
    return checked
