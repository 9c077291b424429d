"""The nested model refitted by REML to parts of a table, as published."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.corrections import GRADES, corrected, suspects, without_suspects
from bayesmeta.inference.reml import fit_reml, fit_table, terms_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import nesting_of
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence.single_level import influence_table

ALL = "all effects"
TERMS = ["analysis", "term", "estimate", "se", "zval", "pval", "ci_lb", "ci_ub", "k", "studies"]
SIZES = ["analysis", "k", "studies", "groups"]
FIT = ["QE", "QE_df", "QE_p", "QM", "QM_df", "QM_p", "log_lik"]
SCORES = ("risk_of_bias_c_unclear", "risk_of_bias")
FIRST_SEARCH = (
    "search 1 only: the public record has no scores of searches 2 and 3; the paper used all three"
)


class Refits(NamedTuple):
    """Fits of the same model to several tables.

    Attributes
    ----------
    terms : analysis, term, estimate, se, zval, pval, ci_lb, ci_ub, k, studies.
    fits : analysis, k, studies, groups, tau_<level>, QE, QE_df, QE_p, QM, QM_df, QM_p, log_lik.
    left_out : analysis, reason; the tables that the model does not fit.
    """

    terms: pd.DataFrame
    fits: pd.DataFrame
    left_out: pd.DataFrame


def refit(tables: Mapping[str, pd.DataFrame], spec: ModelSpec) -> Refits:
    """Fit a model by REML to every effect table, by name of the analysis.

    Source: metafor's `rma.mv(method = "REML")`; QM tests all terms but an intercept.
    """
    terms = []
    fits = []
    left_out = []
    for analysis, table in tables.items():
        try:
            design = build_design(table, spec)
            fit = fit_reml(design, spec)
        except BadInput as error:
            left_out.append({"analysis": analysis, "reason": str(error)})
            continue
        of_terms = pd.concat([terms_table(fit), _sizes(design)], axis=1)
        terms.append(of_terms.assign(analysis=analysis))
        taus = {f"tau_{level}": tau for level, tau in fit.tau.items()}
        fits.append(fit_table(fit).assign(analysis=analysis, **taus))
    tau_columns = [f"tau_{level}" for level in spec.levels]
    return Refits(
        terms=_joined(terms, TERMS),
        fits=_joined(fits, [*SIZES, *tau_columns, *FIT]),
        left_out=pd.DataFrame(left_out, columns=["analysis", "reason"]),
    )


def _joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


def by_comparison(effects: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the effects of every type of comparison, for `refit`.

    All effects are needed, comparison B and small cells included:
    `datasets.trace.build(variant).effects`. A, B and C are about persons, D, E and F about animals.
    Raises BadInput: the table has no column comparison, or it is blank throughout.
    """
    needs = "types of comparison need the column comparison"
    if "comparison" not in effects:
        raise BadInput(f"{needs}; the table has none")
    parts = effects.groupby("comparison", observed=True)
    if not len(parts):
        raise BadInput(f"{needs} filled in; it is blank in every row")
    return {f"comparison {name}": rows.reset_index(drop=True) for name, rows in parts}


def without_influential(frame: pd.DataFrame, spec: ModelSpec) -> dict[str, pd.DataFrame]:
    """Return all effects, and those that are not both outlying and influential, as published."""
    removed = influence_table(build_design(frame, spec))["removed"].to_numpy()
    kept = frame[~removed].reset_index(drop=True)
    return {ALL: frame, "without outlying and influential": kept}


def with_and_without_errors(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the effects as they are, corrected, and without suspects, for `refit`.

    The tables: all effects; the errors corrected; all suspects corrected; all suspects left out.
    Raises BadInput: the table has no suspected effects, or lacks the raw numbers.
    """
    suspected = suspects(frame)
    if suspected.empty:
        reason = "none of the effects of data/trace/suspects.csv"
        raise BadInput(f"this table has {reason}; there is nothing to correct")
    tables = {ALL: frame}
    if (suspected["grade"] == "error").any():
        tables["errors corrected"] = corrected(frame)
    if (suspected["grade"] == "suspected").any():
        tables["errors and suspected corrected"] = corrected(frame, grades=GRADES)
    return tables | {"errors and suspected left out": without_suspects(frame)}


def risk_of_bias_table(frame: pd.DataFrame, spec: ModelSpec) -> Refits:
    """Fit risk of bias as the only moderator, in the nested model, on the effects with a score.

    The score is risk_of_bias_c_unclear (an item C counts as unclear), or else risk_of_bias. Terms
    are intercept and risk_of_bias; `fits` has a column basis that describes the effects.
    Raises BadInput: the table has no scores, or they do not differ.
    """
    score = next((name for name in SCORES if name in frame and frame[name].notna().any()), None)
    if score is None:
        needs = f"needs scores in a column {' or '.join(SCORES)}"
        raise BadInput(f"risk of bias as a moderator {needs}; the table has none")
    scored = frame[frame[score].notna()].reset_index(drop=True)
    if scored[score].nunique() < 2:
        same = f"{score} is the same in all {len(scored)} scored effects"
        raise BadInput(f"risk of bias cannot be a moderator: {same}")
    fitted = refit({"risk of bias": scored}, spec.with_terms(f"1 + {score}"))
    first_search = "search" in scored and (scored["search"] == "s1").all()
    basis = f"{len(scored)} of {len(frame)} effects, those with a score"
    terms = fitted.terms.assign(term=fitted.terms["term"].replace(score, "risk_of_bias"))
    fits = fitted.fits.assign(basis=FIRST_SEARCH if first_search else basis)
    return fitted._replace(terms=terms, fits=fits)


def _sizes(design: xr.Dataset) -> pd.DataFrame:
    """Return effects k and studies of every cell; of all effects for a term that is not 0 and 1."""
    study = nesting_of(design).study_of_effect
    sizes = []
    for column in design["X"].values.T:
        binary = np.isin(column, (0, 1)).all()
        used = column != 0 if binary else np.ones(len(study), bool)
        sizes.append({"k": int(used.sum()), "studies": len(set(study[used]))})
    return pd.DataFrame(sizes)
