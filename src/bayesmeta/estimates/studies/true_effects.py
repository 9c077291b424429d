"""Posterior means of true effects: shrunken towards the mean of their cell."""

import numpy as np
import xarray as xr
from scipy.sparse import csr_array

from bayesmeta.estimates.contrasts import summary
from bayesmeta.inference.predictive import SYMBOLS
from bayesmeta.model.likelihood import nesting_of

MAX_VALUES = 4e7  # draws times rows in memory; of more draws every second, third ... is taken


def shrunken(tree: xr.DataTree, shares: csr_array) -> dict[str, np.ndarray]:
    """Summarise weighted means, shares (rows, k), of the true effects X beta + u + w + d.

    Returns shrunken (posterior mean), shrunken_lb, shrunken_ub (95 % equal-tailed), each (rows,).
    """
    design = tree["constant_data"].to_dataset()
    posterior = tree["posterior"].to_dataset()
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    step = int(np.ceil(draws * shares.shape[0] / MAX_VALUES))
    if "theta" in posterior:  # of a dependence structure
        return _summary(shares @ _flat(posterior["theta"], step))
    true = (shares @ design["X"].values) @ _flat(posterior["beta"], step)
    positions = np.arange(design.sizes["effect"])
    units = {"study": nesting_of(design).study_of_effect, "group": design["effect_group"].values}
    units["effect"] = positions
    for level, symbol in SYMBOLS.items():
        if symbol in posterior:
            size = (len(positions), design.sizes[level])
            members = csr_array((np.ones(len(positions)), (positions, units[level])), size)
            true = true + (shares @ members) @ _flat(posterior[symbol], step)
    return _summary(true)


def _summary(true: np.ndarray) -> dict[str, np.ndarray]:
    numbers = summary(true)
    names = {"mean": "shrunken", "ci_lb": "shrunken_lb", "ci_ub": "shrunken_ub"}
    return {name: numbers[key] for key, name in names.items()}


def _flat(values: xr.DataArray, step: int) -> np.ndarray:
    """Return draws (units, draws), every `step`-th."""
    last = values.transpose(..., "chain", "draw").values
    return last.reshape(len(last), -1)[:, ::step]
