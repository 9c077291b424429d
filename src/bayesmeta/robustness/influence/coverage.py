"""What each study has: effects, terms, and terms that no other study has."""

import numpy as np
import xarray as xr


def effects_of(design: xr.Dataset) -> np.ndarray:
    """Number of effects of each study (studies,)."""
    of_study = design["group_study"].values[design["effect_group"].values]
    return np.bincount(of_study, minlength=design.sizes["study"])


def informs(design: xr.Dataset) -> np.ndarray:
    """Whether each study has an effect of each term (studies, terms)."""
    found = np.zeros((design.sizes["study"], design.sizes["term"]), bool)
    np.logical_or.at(found, design["group_study"].values[design["effect_group"].values], design["X"].values != 0)
    return found


def rests_alone(design: xr.Dataset, weights: xr.DataArray) -> np.ndarray:
    """Whether a term of each contrast has effects of one study only, this one (contrasts, studies)."""
    informed = informs(design)
    only = informed & (informed.sum(0) == 1)
    used = weights.sel(term=design["term"].values).transpose("contrast", "term").values != 0
    alone: np.ndarray = (used[:, None, :] & only).any(-1)
    return alone
