"""The families of priors, a row each: parameters, support, distribution in SciPy, class in PyMC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scipy import stats

REAL, POSITIVE, UNIT = "real", "positive", "unit"  # supports: all numbers, (0, inf), (0, 1)


@dataclass(frozen=True)
class Family:
    """A family of distributions.

    parameters : names, as messages show them. support : "real", "positive" or "unit". distribution
    : function of the parameters to a frozen SciPy distribution. pymc : name of the PyMC class, then
    its names of the parameters.
    """

    parameters: tuple[str, ...]
    support: str
    distribution: Callable[..., Any]
    pymc: tuple[str, ...]


def _scaled(distribution: Any) -> Callable[[float], Any]:
    return lambda scale: distribution(scale=scale)


FAMILIES = {
    "Normal": Family(("mean", "sd"), REAL, stats.norm, ("Normal", "mu", "sigma")),
    "Beta": Family(("a", "b"), UNIT, stats.beta, ("Beta", "alpha", "beta")),
    "Gamma": Family(
        ("shape", "rate"),
        POSITIVE,
        lambda shape, rate: stats.gamma(shape, scale=1 / rate),
        ("Gamma", "alpha", "beta"),
    ),
    "HalfNormal": Family(("scale",), POSITIVE, _scaled(stats.halfnorm), ("HalfNormal", "sigma")),
    "HalfCauchy": Family(("scale",), POSITIVE, _scaled(stats.halfcauchy), ("HalfCauchy", "beta")),
    "Exponential": Family(("scale",), POSITIVE, _scaled(stats.expon), ("Exponential", "scale")),
    "InvGamma": Family(
        ("shape", "scale"),
        POSITIVE,
        lambda shape, scale: stats.invgamma(shape, scale=scale),
        ("InverseGamma", "alpha", "beta"),
    ),
}
SUPPORT_OF = {"tau": POSITIVE, "nu": POSITIVE, "weights": POSITIVE, "gap": POSITIVE}
SUPPORT_OF |= {"rho": UNIT, "aggregate": UNIT}


def families_of(key: str) -> tuple[str, ...]:
    """Return the families that a prior of `key` may have; a prior of terms is a Normal."""
    support = SUPPORT_OF.get(key, REAL)
    return tuple(name for name, family in FAMILIES.items() if family.support == support)
