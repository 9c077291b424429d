"""What a term is: the mean of some rows, a difference of means, a slope, or the slope of a small-study effect.

Only a mean has studies around it and a prediction interval. A slope is drawn as a line over its moderator.
"""

from typing import Any

import numpy as np
import xarray as xr

MEAN, DIFFERENCE, SLOPE, SMALL_STUDY = "mean", "difference", "slope", "small-study slope"


def code_kinds(spec: Any) -> np.ndarray:
    """Return the kind of each column of a formulaic ModelSpec (p,).

    A column that contains a number is a slope. A category in full coding, as in `0 + valence:phase`, gives means; in
    reduced coding, as in `~ species`, differences from the intercept, which is a mean.
    """
    numbers = {
        expression
        for expression, (kind, _) in spec.encoder_state.items()
        if kind.value == "numerical"
    }
    kinds = []
    for part in spec.structure:
        factors = [factor for scoped in part.scoped_terms for factor in scoped.factors]
        if any(str(factor.factor.expr) in numbers for factor in factors):
            kind = SLOPE
        else:
            kind = DIFFERENCE if any(factor.reduced for factor in factors) else MEAN
        kinds += [kind] * len(part.columns)
    return np.array(kinds, str)


def kinds_of(design: xr.Dataset) -> np.ndarray:
    """Return the kind of each term (p,)."""
    kinds: np.ndarray = design["kind_of_term"].values
    return kinds


def is_mean(design: xr.Dataset) -> np.ndarray:
    """Return which terms are means (p,)."""
    return kinds_of(design) == MEAN


def is_small_study(design: xr.Dataset) -> np.ndarray:
    """Return which terms are slopes of a small-study effect, as of PET and PEESE (p,)."""
    return kinds_of(design) == SMALL_STUDY
