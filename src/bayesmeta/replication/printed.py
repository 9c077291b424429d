"""What was published about the TRACE data: the paper's printed numbers and the authors' report of 13 May 2021.

The report has four decimals and agrees with every number of the paper; its input table is not public, so that our k and
studies differ a little (data/published/*.csv hold the values with their source, and nothing of ours).

Source: Sep, Geuze & Joëls 2023, doi 10.1038/s41398-023-02660-7.
"""

import pandas as pd

from bayesmeta.infrastructure.files import root

DATASETS = ("preclinical", "clinical", "clinical-all")


def published_terms(dataset: str) -> pd.DataFrame | None:
    """Published estimates of a dataset's main model; None for a dataset that was not published.

    Returns
    -------
    DataFrame
        term, printed (in the paper; nan where it gives none), and from the report estimate, se, zval, pval (text, as
        reported: "<.0001"), ci_lb, ci_ub, k, studies, fsn (Rosenthal), source.
    """
    return _read(dataset) if dataset in DATASETS else None


def published_fits(dataset: str) -> pd.DataFrame | None:
    """Published sizes and heterogeneity of the main model and the sensitivity analyses; None where there are none.

    Returns
    -------
    DataFrame
        analysis, k, groups, studies, sigma2_group, sigma2_study, QE, QE_df, QE_p, QM, QM_df, QM_p, log_lik, i2_total,
        i2_group, i2_study (percent), printed_Q and printed_i2 (of the paper), source.
    """
    return _of(dataset, "fits")


def published_sensitivity(dataset: str) -> pd.DataFrame | None:
    """Published terms of the sensitivity analyses, named as in `refits`: analysis, then as `published_terms`.

    Types of comparison of persons are with `clinical-all`; risk of bias is on all three searches, unlike ours.
    """
    return _of(dataset, "sensitivity")


def published_egger(dataset: str) -> pd.DataFrame | None:
    """Published Egger test, slope to QE, and how many rows of how many studies were removed as influential."""
    return _of(dataset, "egger")


def published_tree(dataset: str) -> pd.DataFrame | None:
    """Published random-effects meta-CART: step, parent, moderator, split, Qb, tau2, kept (by pruning), source."""
    return _of(dataset, "metacart")


def published_importance(dataset: str) -> pd.DataFrame | None:
    """Importance in the published forest: moderator, rank, importance (read off a figure), source."""
    return _of(dataset, "metaforest")


def published_forest(dataset: str) -> pd.DataFrame | None:
    """The published forest: folds, weights, max_features, min_samples_leaf, r2, r2_sd, rmse, source."""
    return _of(dataset, "forests")


def _of(dataset: str, name: str) -> pd.DataFrame | None:
    rows = _read(name)
    rows = rows[rows["dataset"] == dataset]
    return None if rows.empty else rows.drop(columns="dataset").reset_index(drop=True)


def _read(name: str) -> pd.DataFrame:
    texts = dict.fromkeys(("pval", "QE_p", "QM_p"), str)
    return pd.read_csv(root() / "data" / "published" / f"{name}.csv", dtype=texts, encoding="utf-8")
