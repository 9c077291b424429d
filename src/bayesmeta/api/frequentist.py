"""Frequentist estimates, alone and beside the Bayesian ones."""

import pandas as pd

from bayesmeta.api.requests import Model, inputs_of
from bayesmeta.api.results import ContrastSpec, definitions_of
from bayesmeta.api.summaries import RemlSummary
from bayesmeta.api.wording import python_errors
from bayesmeta.commands.compare import comparison_tables, estimate_both
from bayesmeta.commands.compare_structure import structure_tables
from bayesmeta.commands.request import Inputs
from bayesmeta.inference.reml import fit_reml
from bayesmeta.infrastructure import choices
from bayesmeta.infrastructure.choices import check_choice
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import has_unknowns
from bayesmeta.model.design.contrasts import contrast_weights


@python_errors
def reml(
    frame: pd.DataFrame,
    model: Model = None,
    *,
    moderators: str | None = None,
    where: str | None = None,
    missing: choices.Missing | None = None,
    test: choices.Test = "z",
    method: choices.Method = "REML",
    question: ContrastSpec = None,
) -> RemlSummary:
    """Fit a model's levels and terms by (restricted) maximum likelihood.

    It is the model of metafor's `rma.mv`; the priors of the model are not used.

    Raise BadInput if the table, the model or a choice cannot be used, or the model has other
    parameters than terms and taus.

    Parameters
    ----------
    frame, model, moderators, where : as for `fit`.
    test : {"z", "t", "containment"}
        z tests, or t tests with k - p or with containment degrees of freedom.
    method : {"REML", "ML"}
        Restricted or full maximum likelihood.
    question : str, sequence or mapping, optional
        Contrasts to test after the terms, as for `contrasts`.

    Returns
    -------
    RemlSummary
        Tables terms, robust (CR2), heterogeneity, fit, profile.

    Source: metafor's `rma.mv(yi, vi, random = list(~ 1 | study, ~ 1 | group))`; clubSandwich's
    `vcovCR` for `robust`.

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.example()
    >>> summary = bayesmeta.reml(frame, moderators="valence", question="fear - neutral")
    >>> summary.terms[["term", "estimate", "se", "zval", "pval"]].round(3)
                 term  estimate     se   zval   pval
    0            fear     0.410  0.109  3.775  0.000
    1         neutral    -0.323  0.109 -2.957  0.003
    2  fear - neutral     0.733  0.080  9.153  0.000
    >>> summary.heterogeneity.round(3)
       level    tau   tau2      i2
    0  study  0.433  0.188  50.766
    1  group  0.201  0.040  10.912
    2  total  0.477  0.228  61.678
    """
    inputs = inputs_of_effects(frame, model, moderators, where, missing)
    check_choice("test", test, choices.Test)
    fitted = fit_reml(inputs.design, inputs.spec, method=method)
    terms = [str(term) for term in inputs.design["term"].values]
    weights = None if question is None else contrast_weights(definitions_of(question), terms)
    return RemlSummary(fitted, test, weights)


@python_errors
def compare(
    frame: pd.DataFrame,
    model: Model = None,
    *,
    moderators: str | None = None,
    where: str | None = None,
    missing: choices.Missing | None = None,
    test: choices.Test = "z",
) -> pd.DataFrame:
    """Compare REML with the posterior, and explain the differences, as `bayesmeta compare` does.

    The arguments are the same as for `reml`; raise BadInput as it does.

    Returns
    -------
    DataFrame
        Terms, contrasts that the model names, and taus: term; estimate, se, ci_lb, ci_ub (REML);
        mean, sd, cri_lb, cri_ub (exact posterior); shift in standard errors and its parts
        shift_prior and shift_integration; why, in words.

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
    inputs = inputs_of_effects(frame, model, moderators, where, missing)
    check_choice("test", test, choices.Test)
    if inputs.spec.has_blocks or has_unknowns(inputs.design):
        return structure_tables(inputs, test)["comparison"]
    tables, _ = comparison_tables(estimate_both(inputs.design, inputs.spec), inputs, test)
    return tables["comparison"]


def inputs_of_effects(
    frame: pd.DataFrame,
    model: Model,
    moderators: str | None,
    where: str | None,
    missing: choices.Missing | None,
) -> Inputs:
    """Return inputs with JAX ready for them; raise BadInput for a model of directions."""
    inputs = inputs_of(frame, model, moderators, where, missing=missing)
    if inputs.has_directions:
        reason = f"model {inputs.spec.name} is a model of directions; use bayesmeta.fit"
        raise BadInput(f"REML needs effect sizes, and {reason}")
    return inputs
