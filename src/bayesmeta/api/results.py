"""The content of a tree, as tables."""

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr

from bayesmeta.api.checks import check_rope, check_sizes, check_tree
from bayesmeta.api.wording import python_errors
from bayesmeta.estimates import summaries
from bayesmeta.estimates.contrasts import contrasts_of, steps_of, summarise_with_rope
from bayesmeta.estimates.convergence import diagnose, diagnostics_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.contrasts import contrast_weights

ContrastSpec = str | Sequence[str] | Mapping[str, str] | None


@python_errors
def contrasts(
    tree: xr.DataTree, question: ContrastSpec = None, *, rope: float | None = None
) -> pd.DataFrame:
    """Summarise linear combinations of terms.

    Raise BadInput if a text cannot be read, or a term does not exist.

    Parameters
    ----------
    tree : DataTree
        From `fit`, or from arviz.from_netcdf("posterior.nc").
    question : str, sequence or mapping, optional
        "fear:memory - 0.5 * neutral:memory"; several such texts; or names to such texts. The
        default is every term, and the contrasts that the model file names.
    rope : float, optional
        Differences below it are too small to matter; the model's by default.

    Returns
    -------
    DataFrame
        contrast, mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive, p_rope = P(|contrast| <
        rope), for a slope per standard deviation of its moderator.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature")
    >>> bayesmeta.contrasts(tree, {"memory": "fear:memory - neutral:memory"}).round(1)
      contrast  mean   sd  ci_lb  ci_ub  p_positive  p_rope
    0   memory   1.0  0.1    0.8    1.2         1.0     0.0
    """
    check_tree(tree)
    check_rope(rope)
    if question is None:
        weights = contrasts_of(tree)
    else:
        terms = [str(term) for term in tree["posterior"].dataset["term"].values]
        weights = contrast_weights(definitions_of(question), terms)
    return summarise_with_rope(tree, weights, steps_of(tree, weights), rope=rope)


def definitions_of(question: ContrastSpec) -> dict[str, str]:
    """Return names to texts, for contrasts in any of the forms that `contrasts` takes."""
    if isinstance(question, str):
        return {question: question}
    if isinstance(question, Mapping):
        return {str(name): text for name, text in question.items()}
    if isinstance(question, Sequence) and all(isinstance(text, str) for text in question):
        return {text: text for text in question}
    raise BadInput(
        f"question is {question!r}; it should be text like 'fear:memory - neutral:memory', a list "
        "of such texts, or a mapping of names to such texts"
    )


def terms(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise every term, with the precision of its draws.

    Returns
    -------
    DataFrame
        term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive, ess_bulk, ess_tail,
        r_hat, mcse_mean.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature")
    >>> bayesmeta.terms(tree)[["term", "mean", "sd"]].round(1)
                   term  mean   sd
    0     fear:learning   0.3  0.2
    1  neutral:learning  -0.1  0.2
    2       fear:memory   0.5  0.2
    3    neutral:memory  -0.5  0.2
    """
    return summaries.terms_table(check_tree(tree))


def heterogeneity(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the differences of true effects, by level and in total.

    Returns
    -------
    DataFrame
        level; tau_mean, tau_ci_lb, tau_ci_ub (standard deviation); i2_mean, i2_ci_lb, i2_ci_ub
        (share I^2 in percent).

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature")
    >>> bayesmeta.heterogeneity(tree)[["level", "tau_mean", "tau_ci_lb", "tau_ci_ub"]].round(1)
       level  tau_mean  tau_ci_lb  tau_ci_ub
    0  study       0.4        0.3        0.7
    1  group       0.2        0.0        0.4
    2  total       0.5        0.4        0.7
    """
    return summaries.heterogeneity_table(check_sizes(tree))


def prediction(tree: xr.DataTree) -> pd.DataFrame:
    """Return 95 % intervals for the true mean of a new study, and of a new group in it.

    Returns
    -------
    DataFrame
        term, level (study, group, effect: the new one), pi_lb, pi_ub.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature")
    >>> bayesmeta.prediction(tree).head(2).round(1)
                   term  level  pi_lb  pi_ub
    0     fear:learning  study   -0.7    1.2
    1  neutral:learning  study   -1.1    0.8
    """
    return summaries.prediction_table(check_sizes(tree))


def parameters(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the parameters besides terms and taus: nu, rho, weights of a selection model.

    Returns
    -------
    DataFrame
        parameter, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), ess_bulk, r_hat; no rows if
        the model has no such parameter.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature")
    >>> len(bayesmeta.parameters(tree))
    0
    """
    return summaries.parameters_table(check_tree(tree))


def diagnostics(tree: xr.DataTree) -> pd.DataFrame:
    """Return every diagnostic of the draws with its rule.

    Returns
    -------
    DataFrame
        diagnostic, value, rule, passed. `attrs`: passed (all), failures and warnings in words.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature")
    >>> table = bayesmeta.diagnostics(tree)
    >>> table[["diagnostic", "rule", "passed"]]
         diagnostic          rule passed
    0   divergences     at most 0   True
    1     max_r_hat    below 1.01   True
    2  min_ess_bulk  at least 400   True
    3  min_ess_tail  at least 400   True
    >>> table.attrs["failures"]
    []
    """
    results = diagnose(check_tree(tree))
    table = diagnostics_table(results)
    table.attrs = {name: results[name] for name in ("passed", "failures", "warnings")}
    return table
