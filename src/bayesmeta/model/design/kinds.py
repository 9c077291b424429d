"""The kinds of terms: mean of rows, difference of means, slope, slope of a small-study effect.

Only a mean has studies and a prediction interval; a slope is drawn as a line over its moderator.
"""

from typing import Any

import numpy as np
import xarray as xr

MEAN = "mean"
DIFFERENCE = "difference"
SLOPE = "slope"
SMALL_STUDY = "small-study slope"


def code_kinds(spec: Any) -> np.ndarray:
    """Return the kind of each column of a formulaic ModelSpec (p,).

    A column that contains a number is a slope. A category in full coding (`0 + valence:phase`)
    gives means; in reduced coding (`~ species`) differences from the intercept, which is a mean.
    """
    numbers = numeric_factors(spec)
    kinds = []
    for part in spec.structure:
        factors = [factor for scoped in part.scoped_terms for factor in scoped.factors]
        if any(str(factor.factor.expr) in numbers for factor in factors):
            kind = SLOPE
        else:
            kind = DIFFERENCE if any(factor.reduced for factor in factors) else MEAN
        kinds += [kind] * len(part.columns)
    return np.array(kinds, str)


def numeric_factors(spec: Any) -> list[str]:
    """Return the expressions of a formulaic ModelSpec that are numbers, in their order."""
    states = spec.encoder_state.items()
    return [expression for expression, (kind, _) in states if kind.value == "numerical"]


def is_mean(design: xr.Dataset) -> np.ndarray:
    """Return whether each term is a mean (p,)."""
    return design["kind_of_term"].values == MEAN


def is_small_study(design: xr.Dataset) -> np.ndarray:
    """Return whether each term is the slope of a small-study effect, as of PET and PEESE (p,)."""
    return design["kind_of_term"].values == SMALL_STUDY
