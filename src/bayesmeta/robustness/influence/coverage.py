"""The data of every study: effects, terms, and terms that no other study informs."""

import numpy as np
import xarray as xr

from bayesmeta.model.likelihood import nesting_of


def effects_of(design: xr.Dataset) -> np.ndarray:
    """Return the number of effects of every study (studies,)."""
    return np.bincount(nesting_of(design).study_of_effect, minlength=design.sizes["study"])


def informs(design: xr.Dataset) -> np.ndarray:
    """Return whether every study has an effect of every term (studies, terms)."""
    informed = np.zeros((design.sizes["study"], design.sizes["term"]), bool)
    np.logical_or.at(informed, nesting_of(design).study_of_effect, design["X"].values != 0)
    return informed


def rests_alone(design: xr.Dataset, weights: xr.DataArray) -> np.ndarray:
    """Return whether a term of a contrast has effects of this study only (contrasts, studies)."""
    informed = informs(design)
    only = informed & (informed.sum(0) == 1)
    used = weights.sel(term=design["term"].values).transpose("contrast", "term").values != 0
    return (used[:, None, :] & only).any(-1)
