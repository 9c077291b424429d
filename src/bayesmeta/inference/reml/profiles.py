"""Profile likelihoods of the taus, and the intervals that they give."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import chi2

from bayesmeta.inference.reml.criterion import Problem, maximise, problem_of
from bayesmeta.inference.reml.fit import Reml
from bayesmeta.infrastructure.errors import BadInput


def profile(fit: Reml, level: str, grid: Iterable[float]) -> pd.DataFrame:
    """Return tau, log_lik maximised over all else, or raise BadInput if there is no such level."""
    if level not in fit.spec.levels:
        raise BadInput(f"unknown level '{level}'; the model has: {', '.join(fit.spec.levels)}")
    height = _height(fit, level, problem_of(fit.design, fit.spec, fit.method))
    taus = list(grid)
    return pd.DataFrame({"tau": taus, "log_lik": [height(tau) for tau in taus]})


def profile_intervals(fit: Reml, *, confidence: float = 0.95) -> pd.DataFrame:
    """Return the interval of every tau: level, tau_ci_lb, tau_ci_ub.

    Inside, twice the profile lies less than the chi^2 quantile (1 df) below its maximum; the ends
    are 0 and infinity where the profile never falls so far.

    Source: Hardy & Thompson 1996, doi
    10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A; metafor's `confint` of an
    rma.mv.
    """
    problem = problem_of(fit.design, fit.spec, fit.method)
    fall = float(chi2.ppf(confidence, 1)) / 2
    bounds = [(level, *_bounds(fit, level, problem, fall)) for level in fit.spec.levels]
    return pd.DataFrame(bounds, columns=["level", "tau_ci_lb", "tau_ci_ub"])


def _bounds(fit: Reml, level: str, problem: Problem, fall: float) -> tuple[float, float]:
    height = _height(fit, level, problem)
    best = float(fit.tau[level])
    precision = 1e-9 * problem.scale

    def above(tau: float) -> float:
        return height(tau) - fit.log_lik + fall

    lower = 0.0 if above(0.0) >= 0 else brentq(above, 0.0, best, xtol=precision)
    ends = best + problem.scale * 2.0 ** np.arange(-2, 20)
    beyond = next((end for end in ends if above(end) < 0), None)
    return lower, np.inf if beyond is None else brentq(above, best, beyond, xtol=precision)


def _height(fit: Reml, level: str, problem: Problem) -> Callable[[float], float]:
    free = np.array([other != level for other in fit.spec.levels])
    # a tau of exactly 0 is a stationary point even where the criterion rises from there
    near = np.maximum(fit.tau.to_numpy(float), problem.scale / 50)
    starts = [near, problem.starts(len(near))[0]] if free.any() else [near]

    def height(tau: float) -> float:
        from_here = [np.where(free, start, tau) for start in starts]
        return problem.evaluate(maximise(problem, from_here, free)).value

    return height
