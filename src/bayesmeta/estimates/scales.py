"""Estimates on the scale on which an effect size is read: an odds ratio for a log odds ratio.

A transformation back is increasing: quantiles of the draws become the quantiles of the transformed
draws, means do not become means. Tables therefore have the transformed median.
"""

import xarray as xr

from bayesmeta.data.effect_sizes import AS_IT_IS, MEASURES, Scale
from bayesmeta.model.design import is_mean

EXACT = 1e-9  # weights of means are fractions, whose sum misses a whole number by rounding


def scale_of(design: xr.Dataset) -> Scale:
    """Return the scale of a design's measure; effects without a measure are read as they are."""
    measure = MEASURES.get(str(design.attrs.get("measure", "")))
    return measure.scale if measure else AS_IT_IS


def has_null(design: xr.Dataset) -> bool:
    """Return whether a value of 0 means no effect, as for most measures, not for a proportion."""
    measure = MEASURES.get(str(design.attrs.get("measure", "")))
    return measure is None or measure.null == 0


def scales_of(design: xr.Dataset, weights: xr.DataArray) -> list[Scale]:
    """Return the scale of every combination of terms (contrast, term).

    It is that of the measure if the weights of means sum to 1, that of a difference if they sum to
    0 (a difference of logarithms is a logarithm of a ratio), and none otherwise.
    """
    scale = scale_of(design)
    if not scale.name:
        return [AS_IT_IS] * weights.sizes["contrast"]
    means = design["term"].values[is_mean(design)]
    known = [term for term in weights["term"].values if term in means]
    totals = weights.sel(term=known).sum("term").values
    return [_scale_of_total(scale, float(total)) for total in totals]


def _scale_of_total(scale: Scale, total: float) -> Scale:
    if abs(total - 1) < EXACT:
        return scale
    return scale.of_differences if abs(total) < EXACT else AS_IT_IS
