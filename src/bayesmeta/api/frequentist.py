"""The frequentist answer, and both side by side."""

import pandas as pd

from bayesmeta.api.requests import Model, inputs_of, ready_jax
from bayesmeta.api.results import Question, definitions_of
from bayesmeta.api.summaries import RemlSummary
from bayesmeta.commands.compare import answer, tables_of
from bayesmeta.commands.request import Inputs
from bayesmeta.inference.reml import check_test, fit_reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.spec import ORDERED


def reml(
    frame: pd.DataFrame,
    model: Model = None,
    *,
    moderators: str | None = None,
    where: str | None = None,
    test: str = "z",
    method: str = "REML",
    question: Question = None,
) -> RemlSummary:
    """Fit a model's levels and terms by (restricted) maximum likelihood, as metafor's `rma.mv` does.

    Parameters
    ----------
    frame, model, moderators, where : as for `fit`; the model's priors are not used.
    test : z, t (k - p degrees of freedom) or containment.
    method : REML or ML.
    question : contrasts to be tested after the terms, as for `contrasts`.

    Returns
    -------
    RemlSummary : tables terms, robust (CR2), heterogeneity, fit, profile.

    Raises
    ------
    BadInput
        The table, the model or a choice cannot be used; or the model is none of terms and taus alone.

    Source: metafor's `rma.mv(yi, vi, random = list(~ 1 | study, ~ 1 | group))`; clubSandwich's `vcovCR` for `robust`.

    Examples
    --------
    >>> import bayesmeta
    >>> found = bayesmeta.reml(bayesmeta.example(), moderators="valence", question="fear - neutral")
    >>> found.terms[["term", "estimate", "se", "zval", "pval"]].round(3)
                 term  estimate     se   zval   pval
    0            fear     0.410  0.109  3.775  0.000
    1         neutral    -0.323  0.109 -2.957  0.003
    2  fear - neutral     0.733  0.080  9.153  0.000
    >>> found.heterogeneity.round(3)
       level    tau   tau2      i2
    0  study  0.433  0.188  50.766
    1  group  0.201  0.040  10.912
    2  total  0.477  0.228  61.678
    """
    inputs = _with_effects(inputs_of(frame, model, moderators, where), "REML")
    check_test(test)
    ready_jax()
    fitted = fit_reml(inputs.design, inputs.spec, method=method)
    terms = [str(term) for term in inputs.design["term"].values]
    weights = None if question is None else contrast_weights(definitions_of(question), terms)
    return RemlSummary(fitted, test, weights)


def compare(
    frame: pd.DataFrame,
    model: Model = None,
    *,
    moderators: str | None = None,
    where: str | None = None,
    test: str = "z",
) -> pd.DataFrame:
    """REML and the posterior side by side, and why they differ, as `bayesmeta compare` writes it.

    Parameters
    ----------
    frame, model, moderators, where : as for `fit`.
    test : of the frequentist side: z, t or containment.

    Returns
    -------
    DataFrame : terms, contrasts that the model names, and taus: term; estimate, se, ci_lb, ci_ub (REML); mean, sd,
        cri_lb, cri_ub (exact posterior); shift in standard errors and its parts shift_prior and shift_integration;
        why, in words (`comparison.compare_schools`).

    Raises
    ------
    BadInput
        The table, the model or a choice cannot be used; or the model is none of terms and taus alone.

    Examples
    --------
    >>> import bayesmeta
    >>> both = bayesmeta.compare(bayesmeta.example(), moderators="phase")
    >>> both[["term", "estimate", "mean", "why"]].round(2)
            term  estimate  mean                                   why
    0   learning      0.08  0.08                            they agree
    1     memory      0.02  0.02                            they agree
    2  tau_study      0.48  0.50  mostly the integration over the taus
    3  tau_group      0.19  0.19                            they agree
    """
    inputs = _with_effects(inputs_of(frame, model, moderators, where), "a comparison of two schools")
    check_test(test)
    ready_jax()
    tables, _ = tables_of(answer(inputs.design, inputs.spec), inputs, test)
    return tables["comparison"]


def _with_effects(inputs: Inputs, what: str) -> Inputs:
    if inputs.spec.likelihood == ORDERED:
        raise BadInput(
            f"{what} wants effect sizes, and model {inputs.spec.name} is one of directions; use bayesmeta.fit"
        )
    return inputs
