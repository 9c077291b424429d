"""The variances of a dependence structure around every mean."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.predictive import SYMBOLS
from bayesmeta.model.design import is_mean
from bayesmeta.model.spec import spec_of
from bayesmeta.model.structure import components_of, variances

OF_UNITS = ("effects_", "imputed_", "mean_imputed")  # variables over units, not parameters
VALUES_AT_ONCE = 4_000_000  # draws times effects


def has_structure(tree: xr.DataTree) -> bool:
    """Return whether a tree is of a dependence structure, whose taus are one variable."""
    return "tau" in tree["posterior"]


def names_of_parameters(posterior: xr.Dataset) -> list[str]:
    """Return the names of all variables but random effects."""
    names = map(str, posterior.data_vars)
    effects = (*SYMBOLS.values(), "theta")
    return [name for name in names if name not in effects and not name.startswith(OF_UNITS)]


def values_of(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """Return the parameters of a structure, or taus, by name (draws,), chain after chain."""
    posterior = tree["posterior"].dataset
    if not has_structure(tree):
        named = map(str, posterior.data_vars)
        return {x: posterior[x].values.ravel() for x in named if x.startswith("tau_")}
    values = {
        f"tau_{level}": posterior["tau"].sel(level=level).values.ravel()
        for level in map(str, posterior["level"].values)
    }
    for name in map(str, posterior.get("parameter", xr.DataArray([])).values):
        values[name] = posterior["structure"].sel(parameter=name).values.ravel()
    return values


def variances_of_terms(tree: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Return the variance of true effects around every mean, by random effect (draws, effects).

    Where it differs between the effects of a mean, by their category or a scale formula, it is
    their average.
    """
    design = tree["constant_data"].to_dataset()
    components = components_of(design, spec_of(tree))
    means = design["term"].values[is_mean(design)]
    weights = np.array([design["X"].sel(term=term).values != 0 for term in means], float)
    weights /= weights.sum(1, keepdims=True)
    values = values_of(tree)
    draws = len(next(iter(values.values())))
    size = max(1, VALUES_AT_ONCE // design.sizes["effect"])
    parts = []
    for start in range(0, draws, size):
        some = {name: value[start : start + size] for name, value in values.items()}
        count = len(next(iter(some.values())))
        by_component = [variances(part, some) @ weights.T for part in components]
        parts.append([np.broadcast_to(part, (count, len(means))) for part in by_component])
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    names = [component.name for component in components]
    by_name = dict(zip(names, joined, strict=True))
    return {
        str(term): pd.DataFrame({name: part[:, at] for name, part in by_name.items()})
        for at, term in enumerate(means)
    }


def mean_variances(tree: xr.DataTree) -> pd.DataFrame:
    """Return the variances by random effect, averaged over the means (draws, effects)."""
    by_term = list(variances_of_terms(tree).values())
    total = by_term[0]
    for variance in by_term[1:]:
        total = total + variance
    return total / len(by_term)
