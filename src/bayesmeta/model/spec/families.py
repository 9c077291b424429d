"""The families of priors, a row each: parameters, support, distribution in SciPy, class in PyMC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scipy import stats

REAL, POSITIVE, UNIT = "real", "positive", "unit"  # supports: all numbers, (0, inf), (0, 1)


@dataclass(frozen=True)
class Family:
    """A family of distributions."""

    parameters: tuple[str, ...]  # names, as messages show them
    support: str  # "real", "positive" or "unit"
    distribution: Callable[..., Any]  # of the parameters to a frozen SciPy distribution
    pymc: tuple[str, ...]  # name of the PyMC class, then its names of the parameters


def _scaled(distribution: Any) -> Callable[[float], Any]:
    return lambda scale: distribution(scale=scale)


def _gamma(shape: float, rate: float) -> Any:
    return stats.gamma(shape, scale=1 / rate)


def _inverse_gamma(shape: float, scale: float) -> Any:
    return stats.invgamma(shape, scale=scale)


FAMILIES = {
    "Normal": Family(("mean", "sd"), REAL, stats.norm, ("Normal", "mu", "sigma")),
    "Beta": Family(("a", "b"), UNIT, stats.beta, ("Beta", "alpha", "beta")),
    "Gamma": Family(("shape", "rate"), POSITIVE, _gamma, ("Gamma", "alpha", "beta")),
    "HalfNormal": Family(("scale",), POSITIVE, _scaled(stats.halfnorm), ("HalfNormal", "sigma")),
    "HalfCauchy": Family(("scale",), POSITIVE, _scaled(stats.halfcauchy), ("HalfCauchy", "beta")),
    "Exponential": Family(("scale",), POSITIVE, _scaled(stats.expon), ("Exponential", "scale")),
    "InvGamma": Family(
        ("shape", "scale"), POSITIVE, _inverse_gamma, ("InverseGamma", "alpha", "beta")
    ),
}
SUPPORT_OF = {"tau": POSITIVE, "nu": POSITIVE, "weights": POSITIVE, "gap": POSITIVE}
SUPPORT_OF |= {"attempts": POSITIVE, "rho": UNIT, "aggregate": UNIT}


def families_of(key: str) -> tuple[str, ...]:
    """Return the families that a prior of `key` may have; a prior of terms is a Normal."""
    support = SUPPORT_OF.get(key, REAL)
    return tuple(name for name, family in FAMILIES.items() if family.support == support)
