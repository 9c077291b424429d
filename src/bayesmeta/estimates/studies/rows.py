"""The rows of a forest: studies, the effects in them, and the means of their cells."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse import csr_array
from scipy.stats import norm

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.estimates.studies.cells import Cell, cells_of, mean_row
from bayesmeta.estimates.studies.columns import Column, column_texts, raw_columns
from bayesmeta.estimates.studies.labels import study_labels
from bayesmeta.estimates.studies.sorting import study_order
from bayesmeta.estimates.studies.true_effects import shrunken
from bayesmeta.estimates.studies.weights import mean_rho, row_sum_weights
from bayesmeta.estimates.summaries import heterogeneity_table
from bayesmeta.estimates.text import interval_text, number_text
from bayesmeta.model.likelihood import Nesting, nesting_of
from bayesmeta.model.likelihood.conditionals import weigh
from bayesmeta.model.likelihood.effect_level import error_weights

NUMBERS = ["estimate", "se", "ci_lb", "ci_ub", "shrunken", "shrunken_lb", "shrunken_ub", "weight"]
COLUMNS = ["part", "cell", "study", "effect", "label", "k", "studies", *NUMBERS]
COLUMNS += ["pi_lb", "pi_ub", "pi_level"]


def study_table(
    tree: xr.DataTree,
    *,
    columns: Sequence[Column] = (),
    sort: str = "given",
    nested: bool = True,
    taus: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the rows of a forest from the top, cell after cell.

    A cell has a row per study (part `study`), below it, if `nested`, the effects of a study that
    has several (`effect`), and at the end its mean (`mean`), if the model has no slopes. Columns:
    part, cell ("" for a single mean), study, effect, label (reference or study), k (effects),
    studies (of means); estimate, se, ci_lb, ci_ub: of an effect as observed, with normal 95 %
    limits; of a study the mean of its effects in the cell, weighted by their sampling errors; of a
    mean its posterior mean and 95 % interval; shrunken, shrunken_lb, shrunken_ub: posterior mean
    and 95 % interval of the true effect, of a study with the weights of its estimate; weight:
    `row_sum_weights`, of studies and means their sums; pi_lb, pi_ub, pi_level: the prediction
    interval of a mean; then the `columns` as text. `sort` is as for `study_order`.

    Source: the mean of a study is that of metafor's `aggregate` with the covariance of the errors.
    """
    design = tree["constant_data"].to_dataset()
    raw = raw_columns(design)
    weight = row_sum_weights(tree, taus)
    blocks = []
    for cell in cells_of(tree):
        rows = _studies(tree, cell, weight)
        rows = rows.iloc[study_order(rows, raw, sort)]
        several = nested and (rows["k"] > 1).any()
        blocks += [_nested(rows, _effects(tree, cell, weight)) if several else rows]
        if cell.weights is not None:
            blocks += [pd.DataFrame([_mean(tree, cell, rows)])]
    table = pd.concat(blocks, ignore_index=True).reindex(columns=[*COLUMNS, "members"])
    for column in columns:
        table[column.heading] = column_texts(raw, list(table["members"]), column)
    return table.drop(columns="members").astype({"k": int, "studies": "Int64"})


def heterogeneity_text(tree: xr.DataTree) -> str:
    """Return taus and I^2 with 95 % intervals in a line."""
    parts = []
    table = heterogeneity_table(tree)
    for row in table.to_dict("records"):
        if not str(row["level"]).endswith("total"):
            interval = interval_text(row["tau_ci_lb"], row["tau_ci_ub"])
            parts.append(f"tau ({row['level']}) {number_text(row['tau_mean'])} {interval}")
    for row in table[table["level"].str.endswith("total")].to_dict("records"):
        stratum = str(row["level"]).removesuffix("total").rstrip(":")
        interval = interval_text(row["i2_ci_lb"], row["i2_ci_ub"], 0)
        name = f"I² ({stratum})" if stratum else "I²"
        parts.append(f"{name} {number_text(row['i2_mean'], 0)} % {interval}")
    return "Heterogeneity: " + ", ".join(parts)


def _studies(tree: xr.DataTree, cell: Cell, weight: np.ndarray) -> pd.DataFrame:
    """Return the studies of a cell in the order of their first effects."""
    design = tree["constant_data"].to_dataset()
    study = nesting_of(design).study_of_effect[cell.effects]
    codes, position = np.unique(study, return_inverse=True)
    precision = _error_row_sums(tree, cell.effects, position)
    total = np.bincount(position, precision)
    shape = (len(codes), design.sizes["effect"])
    shares = csr_array((precision / total[position], (position, cell.effects)), shape)
    members = [cell.effects[position == at] for at in range(len(codes))]
    table = pd.DataFrame(
        {
            "part": "study",
            "cell": cell.label,
            "study": design["study"].values[codes],
            "label": study_labels(design)[[effects[0] for effects in members]],
            "k": np.bincount(position),
            **_observed(shares @ design["yi"].values, 1 / np.sqrt(total)),
            **shrunken(tree, shares),
            "weight": np.bincount(position, weight[cell.effects]),
            "members": members,
        }
    )
    return table.iloc[np.argsort([effects[0] for effects in members])].reset_index(drop=True)


def _effects(tree: xr.DataTree, cell: Cell, weight: np.ndarray) -> pd.DataFrame:
    design = tree["constant_data"].to_dataset()
    positions = np.arange(len(cell.effects))
    shape = (len(positions), design.sizes["effect"])
    shares = csr_array((np.ones(len(positions)), (positions, cell.effects)), shape)
    return pd.DataFrame(
        {
            "part": "effect",
            "cell": cell.label,
            "study": design["study"].values[nesting_of(design).study_of_effect[cell.effects]],
            "effect": design["effect"].values[cell.effects],
            "label": design["effect"].values[cell.effects],
            "k": 1,
            **_observed(
                design["yi"].values[cell.effects], np.sqrt(design["vi"].values[cell.effects])
            ),
            **shrunken(tree, shares),
            "weight": weight[cell.effects],
            "members": list(cell.effects[:, None]),
        }
    )


def _nested(studies: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Return the studies of a cell, each with its effects below it if it has several."""
    by_study = dict(iter(effects.groupby("study", sort=False)))
    parts = []
    for at, (study, k) in enumerate(zip(studies["study"], studies["k"], strict=True)):
        parts += [studies.iloc[[at]], *([by_study[study]] if k > 1 else [])]
    return pd.concat(parts, ignore_index=True)


def _mean(tree: xr.DataTree, cell: Cell, studies: pd.DataFrame) -> dict[str, Any]:
    sums = {name: studies[name].sum() for name in ("k", "weight")}
    about = {"part": "mean", "cell": cell.label, "label": cell.label or "Overall"}
    counts = {"studies": len(studies), "members": np.array([], int)}
    return about | sums | counts | mean_row(tree, cell)


def _error_row_sums(tree: xr.DataTree, effects: np.ndarray, study: np.ndarray) -> np.ndarray:
    """Return the sums of the rows of the inverse of the errors' covariance, within studies."""
    design = tree["constant_data"].to_dataset()
    _, group = np.unique(design["effect_group"].values[effects], return_inverse=True)
    study_of_group = np.zeros(group.max() + 1, int)
    study_of_group[group] = study
    nesting = Nesting.of(group, study_of_group)
    v = design["vi"].values[effects]
    return weigh(np.ones(len(v)), error_weights(v, nesting, 0.0, mean_rho(tree)), nesting)


def _observed(estimate: np.ndarray, se: np.ndarray) -> dict[str, np.ndarray]:
    low, high = norm.ppf(INTERVAL)
    ends = {"ci_lb": estimate + low * se, "ci_ub": estimate + high * se}
    return {"estimate": estimate, "se": se} | ends
