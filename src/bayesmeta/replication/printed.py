"""Published results on the TRACE data: the paper's numbers and the authors' report of 13 May 2021.

The report has four decimals and agrees with every number of the paper; its input table is not
public, so that our k and studies differ a little. data/published/*.csv hold the published values
with their source, and no value computed here.

Source: Sep, Geuze & Joëls 2023, doi 10.1038/s41398-023-02660-7.
"""

import pandas as pd

from bayesmeta.infrastructure.files import root

DATASETS = ("preclinical", "clinical", "clinical-all")


def published_terms(dataset: str) -> pd.DataFrame | None:
    """Return the published estimates of a dataset's main model; None for an unpublished dataset.

    Columns: term, printed (in the paper; nan if it gives none), and from the report estimate, se,
    zval, pval (text, as reported: "<.0001"), ci_lb, ci_ub, k, studies, fsn (Rosenthal), source.
    """
    return _read(dataset) if dataset in DATASETS else None


def published_tree(dataset: str) -> pd.DataFrame | None:
    """Return step, parent, moderator, split, Qb, tau2, kept, source of the published meta-CART."""
    return _of(dataset, "metacart")


def published_importance(dataset: str) -> pd.DataFrame | None:
    """Return moderator, rank, importance (read off a figure), source of the published forest."""
    return _of(dataset, "metaforest")


def published_forest(dataset: str) -> pd.DataFrame | None:
    """Return the published forest; None for an unpublished dataset.

    Columns: folds, weights, max_features, min_samples_leaf, r2, r2_sd, rmse, source.
    """
    return _of(dataset, "forests")


def _of(dataset: str, name: str) -> pd.DataFrame | None:
    rows = _read(name).query("dataset == @dataset").drop(columns="dataset")
    return None if rows.empty else rows.reset_index(drop=True)


def _read(name: str) -> pd.DataFrame:
    path = root() / "data" / "published" / f"{name}.csv"
    return pd.read_csv(path, dtype={"pval": str}, encoding="utf-8")
