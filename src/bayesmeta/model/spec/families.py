"""The families of priors, a row each: parameters, support, distribution in SciPy, class in PyMC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import gammaln

from bayesmeta.model.spec.cumulative import CumulativeDirichlet

REAL, POSITIVE, UNIT = "real", "positive", "unit"  # supports: all numbers, (0, inf), (0, 1)
OF_STEPS = "steps"  # support: weights that fall from step to step, from 1
OF_SCALES = "scales"  # support: as positive, of a Student-t prior's normals; in no model file
SIGNED = ("mean", "value")  # parameters that may be any number
FROM_ZERO = ("low",)  # parameters that may be 0


@dataclass(frozen=True)
class Family:
    """A family of distributions."""

    parameters: tuple[str, ...]  # names, as messages show them
    support: str
    distribution: Callable[..., Any]  # of the parameters to a frozen SciPy distribution
    pymc: tuple[str, ...]  # name of the PyMC class, then its names of the parameters

    def fits(self, parameters: tuple[float, ...]) -> bool:
        """Return whether numbers can be the parameters: as many, finite, scales positive."""
        if not np.isfinite(parameters).all():
            return False
        if self.support == OF_STEPS:
            return len(parameters) > 1 and min(parameters) > 0
        if len(parameters) != len(self.parameters):
            return False
        named = dict(zip(self.parameters, parameters, strict=True))
        positive = {name: x for name, x in named.items() if name not in SIGNED}
        if any(x < 0 or (x == 0 and name not in FROM_ZERO) for name, x in positive.items()):
            return False
        return "low" not in named or named["low"] < named["high"]


def _scaled(distribution: Any) -> Callable[[float], Any]:
    return lambda scale: distribution(scale=scale)


def _gamma(shape: float, rate: float) -> Any:
    return stats.gamma(shape, scale=1 / rate)


def _inverse_gamma(shape: float, scale: float) -> Any:
    return stats.invgamma(shape, scale=scale)


def _root_inverse_gamma(shape: float, scale: float) -> Any:
    """Return the distribution of the square root of an inverse-gamma variable."""
    return stats.gengamma(shape, -2, scale=np.sqrt(scale))


class _HalfStudent(stats.rv_continuous):
    """Size of a Student-t variable."""

    def _logpdf(self, x: Any, df: Any) -> Any:
        return np.log(2) + stats.t.logpdf(x, df)

    def _pdf(self, x: Any, df: Any) -> Any:
        return 2 * stats.t.pdf(x, df)

    def _cdf(self, x: Any, df: Any) -> Any:
        return 1 - 2 * stats.t.sf(x, df)

    def _sf(self, x: Any, df: Any) -> Any:
        return 2 * stats.t.sf(x, df)

    def _ppf(self, q: Any, df: Any) -> Any:
        return stats.t.isf((1 - q) / 2, df)

    def _isf(self, q: Any, df: Any) -> Any:
        return stats.t.isf(q / 2, df)

    def _stats(self, df: Any) -> Any:
        with np.errstate(all="ignore"):
            ratio = np.exp(gammaln((df + 1) / 2) - gammaln(df / 2))
            mean = np.where(df > 1, 2 * np.sqrt(df / np.pi) * ratio / (df - 1), np.inf)
            variance = np.where(df > 2, df / (df - 2) - mean**2, np.inf)
        return mean, variance, np.nan, np.nan


class _LogStudent(stats.rv_continuous):
    """exp(centre + spread t) of a Student-t variable t; it has no mean."""

    def _argcheck(self, df: Any, centre: Any, spread: Any) -> Any:
        return (df > 0) & np.isfinite(centre) & (spread > 0)

    def _logpdf(self, x: Any, df: Any, centre: Any, spread: Any) -> Any:
        with np.errstate(divide="ignore"):
            log_x = np.log(x)
        density = stats.t.logpdf(log_x, df, centre, spread) - log_x
        return np.where(x > 0, density, -np.inf)

    def _pdf(self, x: Any, df: Any, centre: Any, spread: Any) -> Any:
        return np.exp(self._logpdf(x, df, centre, spread))

    def _cdf(self, x: Any, df: Any, centre: Any, spread: Any) -> Any:
        return stats.t.cdf(np.log(x), df, centre, spread)

    def _sf(self, x: Any, df: Any, centre: Any, spread: Any) -> Any:
        return stats.t.sf(np.log(x), df, centre, spread)

    def _ppf(self, q: Any, df: Any, centre: Any, spread: Any) -> Any:
        return np.exp(stats.t.ppf(q, df, centre, spread))

    def _isf(self, q: Any, df: Any, centre: Any, spread: Any) -> Any:
        return np.exp(stats.t.isf(q, df, centre, spread))

    def _stats(self, df: Any, centre: Any, spread: Any) -> Any:
        return np.inf, np.inf, np.nan, np.nan


half_student = _HalfStudent(a=0, name="half_student")
log_student = _LogStudent(a=0, name="log_student")


def _half_student(df: float, scale: float) -> Any:
    return half_student(df, scale=scale)


def _student(df: float, mean: float, scale: float) -> Any:
    return stats.t(df, mean, scale)


def _log_normal(mean: float, sd: float) -> Any:
    return stats.lognorm(sd, scale=np.exp(mean))


def _uniform(low: float, high: float) -> Any:
    return stats.uniform(low, high - low)


def _point(value: float) -> Any:
    return stats.norm(value, POINT_SD)


POINT = "Point"
CUMULATIVE = "CumulativeDirichlet"
POINT_SD = 1e-5  # of a point as a normal distribution, narrow beside all standard errors
FAMILIES = {
    "Normal": Family(("mean", "sd"), REAL, stats.norm, ("Normal", "mu", "sigma")),
    "StudentT": Family(("df", "mean", "scale"), REAL, _student, ("StudentT", "nu", "mu", "sigma")),
    "Cauchy": Family(("mean", "scale"), REAL, stats.cauchy, ("Cauchy", "alpha", "beta")),
    POINT: Family(("value",), REAL, _point, ()),
    "Beta": Family(("a", "b"), UNIT, stats.beta, ("Beta", "alpha", "beta")),
    "Gamma": Family(("shape", "rate"), POSITIVE, _gamma, ("Gamma", "alpha", "beta")),
    "HalfNormal": Family(("scale",), POSITIVE, _scaled(stats.halfnorm), ("HalfNormal", "sigma")),
    "HalfStudentT": Family(
        ("df", "scale"), POSITIVE, _half_student, ("HalfStudentT", "nu", "sigma")
    ),
    "HalfCauchy": Family(("scale",), POSITIVE, _scaled(stats.halfcauchy), ("HalfCauchy", "beta")),
    "Exponential": Family(("scale",), POSITIVE, _scaled(stats.expon), ("Exponential", "scale")),
    "InvGamma": Family(
        ("shape", "scale"), POSITIVE, _inverse_gamma, ("InverseGamma", "alpha", "beta")
    ),
    "LogNormal": Family(("mean", "sd"), POSITIVE, _log_normal, ("LogNormal", "mu", "sigma")),
    "LogStudentT": Family(("df", "mean", "scale"), POSITIVE, log_student, ()),
    CUMULATIVE: Family(("alpha", "alpha", "..."), OF_STEPS, CumulativeDirichlet, ()),
    "RootInverseGamma": Family(("shape", "scale"), OF_SCALES, _root_inverse_gamma, ()),
    "Uniform": Family(("low", "high"), POSITIVE, _uniform, ("Uniform", "lower", "upper")),
}
HEAVY = ("StudentT", "Cauchy")  # of terms: normals whose sd has a distribution
SUPPORT_OF = {"tau": POSITIVE, "nu": POSITIVE, "weights": POSITIVE, "gap": POSITIVE}
SUPPORT_OF |= {"attempts": POSITIVE, "rho": UNIT, "aggregate": UNIT}
TAU_OF = "tau_"  # before a level: the prior of its tau


def support_of(key: str) -> str:
    """Return the numbers that what a prior is about can be: terms are any numbers."""
    return POSITIVE if key.startswith(TAU_OF) else SUPPORT_OF.get(key, REAL)


def families_of(key: str) -> tuple[str, ...]:
    """Return the families that a prior of `key` may have."""
    supports = (support_of(key), *((OF_STEPS,) if key == "weights" else ()))
    return tuple(name for name, family in FAMILIES.items() if family.support in supports)
