"""The log-likelihood of every study at many draws: in NumPy, or compiled where that is quicker."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from bayesmeta.model.likelihood import Normal, Parameters

COMPILED_FROM = 5e7  # densities of single effects; NumPy takes longer for them than a compilation
DRAWS_AT_ONCE = 100  # of a compiled function, one after the other


def log_likelihood_by_study(likelihood: Normal, draws: Parameters) -> np.ndarray:
    """Return the log-likelihood of every study, random effects integrated out (studies, draws)."""
    evaluations = len(draws) * len(likelihood.y) * likelihood.nodes
    compiled = evaluations > COMPILED_FROM
    evaluate = _compiled(likelihood) if compiled else partial(_in_numpy, likelihood)
    size = DRAWS_AT_ONCE if compiled else max(1, likelihood.draws_at_once // likelihood.nodes)
    parts = [draws.part(slice(start, start + size)) for start in range(0, len(draws), size)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(evaluate, parts)), axis=1)


def _in_numpy(likelihood: Normal, part: Parameters) -> np.ndarray:
    taus = likelihood.taus(part.tau)
    with np.errstate(over="ignore", invalid="ignore"):  # far candidates may have no density
        return np.asarray(likelihood.log_likelihood(part.beta, taus, dict(part.auxiliary)))


def _compiled(likelihood: Normal) -> Callable[[Parameters], np.ndarray]:
    from bayesmeta.inference.compiling import over_draws  # JAX

    names = likelihood.spec.auxiliary_parameters
    log_density = over_draws(likelihood.log_density)

    def evaluate(part: Parameters) -> np.ndarray:
        arrays = (part.beta, part.tau, *(part.auxiliary[name] for name in names))
        return np.asarray(log_density(*(np.moveaxis(array, -1, 0) for array in arrays))).T

    return evaluate
