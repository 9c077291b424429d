"""Arrays of NumPy or of JAX: the functions that serve both, and axes for nodes or draws.

Units come first in every array; axes for nodes or draws, over which the taus differ, come last.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

Array = Any  # a NumPy or a JAX array
Scalar = Any  # a number, or an array (units or 1, ...) of the taus of a level


def namespace(*arrays: Array) -> Any:
    """Return jax.numpy if an array belongs to JAX, else numpy; JAX is never imported here."""
    jax = sys.modules.get("jax")
    if jax is not None and any(isinstance(array, jax.Array) for array in arrays):
        return jax.numpy
    return np


def special_of(*arrays: Array) -> Any:
    """Return jax.scipy.special if an array belongs to JAX, else scipy.special."""
    return scipy.special if namespace(*arrays) is np else sys.modules["jax"].scipy.special


def evaluate_each(function: Callable[[Array], Array], items: np.ndarray, *arrays: Array) -> Array:
    """Return function(item) of all items, one below another; a loop that JAX compiles once.

    It is JAX's if one of the other arrays is, on which the function depends.
    """
    if namespace(*arrays) is np:
        return np.stack([function(item) for item in items])
    return sys.modules["jax"].lax.map(function, items)


def with_node_axes(x: Array, other: Array, axes: int = 0) -> Array:
    """Return x with the last axes of `other` for nodes; x has `axes` more axes before them."""
    missing = np.ndim(other) + axes - np.ndim(x)
    scalar = np.ndim(x) == 0 or np.ndim(other) == 0
    return x if missing <= 0 or scalar else x.reshape(*np.shape(x), *(1,) * missing)


def is_zero(value: Scalar) -> bool:
    """Return whether a level or a correlation is absent, so that nothing is computed for it."""
    return isinstance(value, int | float) and value == 0
