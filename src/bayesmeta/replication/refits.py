"""The nested model refitted by REML to parts of a table, as the paper did: what depends on which effects are in?"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.corrections import GRADES, corrected, suspects, without_suspects
from bayesmeta.inference.reml import fit_reml, fit_table, terms_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.influence.single_level import influence_table

ALL = "all effects"
FIT = ("QE", "QE_df", "QE_p", "QM", "QM_df", "QM_p", "log_lik")
SCORES = ("risk_of_bias_c_unclear", "risk_of_bias")
FIRST_SEARCH = "search 1 only: the public record has no scores of searches 2 and 3; the paper used all three"


class Refits(NamedTuple):
    """Fits of one model to several tables.

    terms: analysis, term, estimate, se, zval, pval, ci_lb, ci_ub, k, studies.
    fits: analysis, k, studies, groups, tau_<level>, QE, QE_df, QE_p, QM, QM_df, QM_p, log_lik.
    left_out: analysis, reason; the tables that the model does not fit.
    """

    terms: pd.DataFrame
    fits: pd.DataFrame
    left_out: pd.DataFrame


def refit(tables: Mapping[str, pd.DataFrame], spec: ModelSpec) -> Refits:
    """Fit a model by REML to each of the effect tables, by name of the analysis.

    Source: metafor's `rma.mv(method = "REML")`; QM tests all terms but an intercept.
    """
    terms, fits, left_out = [], [], []
    for analysis, table in tables.items():
        try:
            design = build_design(table, spec)
            fit = fit_reml(design, spec)
        except BadInput as error:
            left_out.append({"analysis": analysis, "reason": str(error)})
            continue
        terms.append(pd.concat([terms_table(fit), _sizes(design)], axis=1).assign(analysis=analysis))
        taus = {f"tau_{level}": tau for level, tau in fit.tau.items()}
        fits.append(fit_table(fit).assign(analysis=analysis, **taus))
    return Refits(
        _joined(terms, ["analysis", "term", "estimate", "se", "zval", "pval", "ci_lb", "ci_ub", "k", "studies"]),
        _joined(fits, ["analysis", "k", "studies", "groups", *(f"tau_{level}" for level in spec.levels), *FIT]),
        pd.DataFrame(left_out, columns=["analysis", "reason"]),
    )


def _joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def by_comparison(effects: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The effects of each type of comparison, for `refit`.

    Parameters
    ----------
    effects : DataFrame
        All effects, comparison B and small cells included: `trace.build(variant).effects`. A and C are about
        persons, B too, D, E and F about animals.

    Raises
    ------
    BadInput
        The table has no column comparison, or it is blank throughout.
    """
    if "comparison" not in effects:
        raise BadInput("types of comparison need the column comparison; the table has none")
    present = sorted(effects["comparison"].dropna().unique())
    if not present:
        raise BadInput("types of comparison need the column comparison filled in; it is blank in every row")
    return {f"comparison {name}": effects[effects["comparison"] == name].reset_index(drop=True) for name in present}


def without_influential(frame: pd.DataFrame, spec: ModelSpec) -> dict[str, pd.DataFrame]:
    """All effects, and those left when the outlying and influential ones are removed as published, for `refit`."""
    removed = influence_table(build_design(frame, spec))["removed"].to_numpy()
    return {ALL: frame, "without outlying and influential": frame[~removed].reset_index(drop=True)}


def with_and_without_errors(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The effects as they are, the errors put right, all suspects put right, all suspects left out, for `refit`.

    Raises
    ------
    BadInput
        The table has no suspected effects, or lacks the raw numbers.
    """
    found = suspects(frame)
    if found.empty:
        raise BadInput("this table has none of the effects of data/trace/suspects.csv; there is nothing to correct")
    tables = {ALL: frame}
    if (found["grade"] == "error").any():
        tables["errors corrected"] = corrected(frame)
    if (found["grade"] == "suspected").any():
        tables["errors and suspected corrected"] = corrected(frame, grades=GRADES)
    return tables | {"errors and suspected left out": without_suspects(frame)}


def risk_of_bias_table(frame: pd.DataFrame, spec: ModelSpec) -> Refits:
    """Risk of bias as the only moderator, in the nested model, on the effects that have a score.

    Parameters
    ----------
    frame : DataFrame
        Effect table with risk_of_bias_c_unclear (an item C counts as unclear) or risk_of_bias.

    Returns
    -------
    Refits
        Terms intercept and risk_of_bias; `fits` has a column basis that says on what effects it rests.

    Raises
    ------
    BadInput
        The table has no scores, or they do not differ.
    """
    score = next((name for name in SCORES if name in frame and frame[name].notna().any()), None)
    if score is None:
        raise BadInput(
            f"risk of bias as a moderator needs scores in a column {' or '.join(SCORES)}; the table has none"
        )
    scored = frame[frame[score].notna()].reset_index(drop=True)
    if scored[score].nunique() < 2:
        raise BadInput(f"risk of bias cannot be a moderator: {score} is the same in all {len(scored)} scored effects")
    fitted = refit({"risk of bias": scored}, spec.with_terms(f"1 + {score}"))
    trace = "search" in scored and (scored["search"] == "s1").all()
    basis = FIRST_SEARCH if trace else f"{len(scored)} of {len(frame)} effects, those with a score"
    terms = fitted.terms.assign(term=fitted.terms["term"].replace(score, "risk_of_bias"))
    return fitted._replace(terms=terms, fits=fitted.fits.assign(basis=basis))


def _sizes(design: xr.Dataset) -> pd.DataFrame:
    """Effects k and studies in each cell; all of them for a term that is not coded 0 and 1."""
    study = design["group_study"].values[design["effect_group"].values]
    columns = design["X"].values.T
    used = [column != 0 if np.isin(column, (0, 1)).all() else np.ones(len(study), bool) for column in columns]
    return pd.DataFrame({"k": [int(rows.sum()) for rows in used], "studies": [len(set(study[rows])) for rows in used]})
