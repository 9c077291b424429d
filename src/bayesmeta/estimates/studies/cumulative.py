"""The means as studies are added in an order: the rows of a cumulative forest."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.estimates.studies.cells import Cell, cells_of
from bayesmeta.estimates.studies.columns import raw_columns
from bayesmeta.estimates.studies.labels import study_labels
from bayesmeta.estimates.studies.sorting import study_order
from bayesmeta.inference.quadrature import combination, integrate_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import check_engine, nesting_of
from bayesmeta.model.spec import spec_of

COARSE = 1e-3  # of a posterior sd: no printed digit changes, and every step takes milliseconds


def cumulative_table(tree: xr.DataTree, *, sort: str = "given") -> pd.DataFrame:
    """Return the posterior means of the cells after each study, in the order of `study_order`.

    Every row is the complete model, by quadrature, of its study and those before it. Columns: part
    (`study`), cell, study, label, k and studies (effects and studies of the cell so far), estimate,
    ci_lb, ci_ub (95 % equal-tailed). A cell has rows for its studies only. Raises BadInput if
    quadrature does not take the model, or it has slopes.
    """
    design = tree["constant_data"].to_dataset()
    spec = spec_of(tree)
    check_engine(design, spec, "quadrature")
    cells = cells_of(tree)
    if any(cell.weights is None for cell in cells):
        raise BadInput("a cumulative forest shows means, and this model has slopes; use bubble")
    study = nesting_of(design).study_of_effect
    order = _ordered(design, study, sort)
    names = design["study"].values
    labels = study_labels(design)
    rows: list[dict[str, Any]] = []
    for step, code in enumerate(order):
        later = names[order[step + 1 :]]
        posterior = integrate_posterior(design, spec, without=later, tolerance=COARSE)
        included = np.isin(study, order[: step + 1])
        for at, cell in enumerate(cells):
            if code not in study[cell.effects]:
                continue
            so_far = cell.effects[included[cell.effects]]
            counts = {"k": len(so_far), "studies": len(np.unique(study[so_far]))}
            about = {"part": "study", "cell": cell.label, "study": names[code], "at": at}
            label = labels[np.flatnonzero(study == code)[0]]
            rows.append(about | {"label": f"+ {label}"} | counts | _mean(posterior, cell))
    table = pd.DataFrame(rows).sort_values("at", kind="stable", ignore_index=True)
    return table.drop(columns="at")


def _ordered(design: xr.Dataset, study: np.ndarray, sort: str) -> np.ndarray:
    """Return the codes of the studies in the order in which they are added."""
    _, first = np.unique(study, return_index=True)
    codes = study[np.sort(first)]
    members = [np.flatnonzero(study == code) for code in codes]
    precision = np.array([(1 / design["vi"].values[at]).sum() for at in members])
    table = pd.DataFrame({"members": members, "se": precision**-0.5, "weight": precision})
    table["label"] = study_labels(design)[[at[0] for at in members]]
    table["estimate"] = [
        np.average(design["yi"].values[at], weights=1 / design["vi"].values[at]) for at in members
    ]
    return np.asarray(codes[study_order(table, raw_columns(design), sort)])


def _mean(posterior: Any, cell: Cell) -> dict[str, float]:
    mixture = combination(posterior, np.asarray(cell.weights))
    low, high = (mixture.quantile(p) for p in INTERVAL)
    return {"estimate": mixture.mean, "ci_lb": low, "ci_ub": high}
