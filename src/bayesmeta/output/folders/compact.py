"""A tree in a small file: what has a number per effect and draw is rounded and compressed."""

from typing import Any

import numpy as np
import xarray as xr

BITS = {
    "theta": 12,
    "u": 12,
    "w": 12,
    "d": 12,
    "obs": 10,
    "obs_study": 14,
}  # of the mantissa, by variable
MANTISSA = 23  # bits of a 32-bit number
PREDICTIVE = ("/posterior_predictive", "/prior_predictive")
REPLICATES = 1000  # draws of the predictive groups that are kept
SMALL = 100_000  # values of a variable that stays as it is


def compacted(tree: xr.DataTree) -> tuple[xr.DataTree, dict[str, dict[str, Any]]]:
    """Return a copy of a tree for a file, and its encoding by group and variable.

    Large variables of random effects, replicates and log-likelihoods are rounded: relative errors
    are at most 1.2e-4 (random effects), 5e-4 (replicates, log-likelihoods of effects) and 3e-5
    (log-likelihoods of studies). The predictive groups keep about 1,000 draws.
    """
    groups = {}
    encoding = {}
    for node in tree.subtree:
        path = node.path
        group = node.to_dataset(inherit=False)
        if path in PREDICTIVE:
            draws = group.sizes["chain"] * group.sizes["draw"]
            group = group.isel(draw=slice(None, None, max(1, draws // REPLICATES)))
        large = [name for name in BITS if name in group and group[name].size > SMALL]
        for name in large:
            group[name] = group[name].copy(data=rounded(group[name].values, BITS[name]))
        groups[path] = group
        numbers = [name for name, values in group.data_vars.items() if _has_checksum(values)]
        encoding[path] = {str(name): {"fletcher32": True} for name in numbers}
        encoding[path] |= {name: _compression(group[name]) for name in large}
    return xr.DataTree.from_dict(groups), encoding


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """Return 32-bit numbers with so many bits of mantissa, which compress well."""
    dropped = MANTISSA - bits
    patterns = np.ascontiguousarray(values, np.float32).view(np.uint32)
    half = np.uint32(1 << (dropped - 1))
    mask = np.uint32((0xFFFFFFFF << dropped) & 0xFFFFFFFF)
    return np.where(np.isfinite(values), (patterns + half) & mask, patterns).view(np.float32)


def _has_checksum(values: xr.DataArray) -> bool:
    """Return whether HDF5 can find a bit of these values that has changed in the file."""
    return values.dtype.kind in "biuf" and values.size > 0 and values.ndim > 0


def _compression(values: xr.DataArray) -> dict[str, Any]:
    chunks = tuple(1 if dim == "chain" else size for dim, size in values.sizes.items())
    return {"fletcher32": True, "zlib": True, "complevel": 1, "shuffle": True, "chunksizes": chunks}
