"""Independent draws by importance from an approximation in the coordinates of NUTS.

In these coordinates (`model.coordinates`) a posterior is nearly round. The approximation is a
multivariate t around the mode, with the curvature there, and then with mean and covariance of
weighted draws of it. The last draws are resampled by their Pareto-smoothed weights, whose tail
shape k says whether this can be trusted; NUTS is the alternative.

Source: Vehtari et al. 2024, JMLR 25(72), Pareto smoothed importance sampling.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np
import pymc as pm
import xarray as xr
from pymc.initial_point import make_initial_point_fn
from pymc.sampling.jax import get_jaxified_graph
from scipy.optimize import minimize
from scipy.special import softmax
from scipy.stats import multivariate_t

from bayesmeta.inference.compiling import DEVICES, over_draws, start_jax
from bayesmeta.inference.nuts import initial_values
from bayesmeta.inference.predictive import complete_tree, thinning_interval
from bayesmeta.inference.quadrature.weighting import resample, smoothed_weights
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.build import build_model
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.start import guess_start

DF = 7  # degrees of freedom of the approximation, whose tails must not be lighter
ROUND = 500  # draws that improve the approximation once
MAX_ROUNDS = 8
GOOD = 0.4  # effective share of weighted draws at which it is good enough
CANDIDATES = 1000  # at least; the weights of fewer would miss the tails
STEP = 1e-3  # of the numerical curvature, in units of the coordinates
DRAWS_AT_ONCE = 100


class Compiled(NamedTuple):
    """Functions of flat coordinates z (d,)."""

    density: Callable[[Any], Any]  # log posterior density
    parts: Callable[[Any], Any]  # of z (n, d): log prior, log-likelihood by study, the variables
    size: int
    start: np.ndarray


def laplace_posterior(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    draws: int = 1000,
    chains: int = 4,
    seed: int = 1,
    without: Sequence[str] = (),
    steps: Steps | None = None,
) -> xr.DataTree:
    """Draw independently from a model, with arguments and result as for `nuts.sample_posterior`.

    Attributes of posterior: sampler, log_marginal_likelihood, k_hat, importance_ess.
    """
    steps = steps or Steps()
    draws = len(range(0, draws, thinning_interval(design, draws * chains)))
    start_jax(DEVICES)
    rng = np.random.default_rng(seed)
    with steps("building the model"):
        start = guess_start(design, spec)
        model = build_model(design, spec, start, without=without)
        compiled = compile_model(model, initial_values(start, design, spec))
    with steps("approximating the posterior"):
        mean, covariance = adapt(compiled, *curvature(compiled), rng)
    with steps(f"drawing {chains} x {draws} independent draws"):
        candidates = max(draws * chains, CANDIDATES)
        _, log_ratio, evaluated = weigh(compiled, mean, covariance, candidates, rng)
        kept = resample(log_ratio, rng, draws * chains)
    labels: dict[str, Any] = {"chain": range(chains), "draw": range(draws)}
    variables = {}
    for variable, values in zip(free_names(model), evaluated[2:], strict=True):
        dims = tuple(model.named_vars_to_dims.get(variable) or ())
        variables[variable] = (("chain", "draw", *dims), _dealt(values[kept.chosen], chains))
        labels |= {dim: list(model.coords[dim]) for dim in dims}
    if not without:
        by_study = _dealt(evaluated[1][kept.chosen], chains)
        variables["obs_study"] = (("chain", "draw", "study"), by_study)
        labels["study"] = design["study"].values
    attributes = {
        "sampler": "importance",
        "log_marginal_likelihood": kept.log_mean,
        "k_hat": kept.k_hat,
        "importance_ess": kept.ess,
    }
    log_joint = _dealt((evaluated[0] + evaluated[1].sum(1))[kept.chosen], chains)
    stats = xr.Dataset({"lp": (("chain", "draw"), log_joint)}, dict(list(labels.items())[:2]))
    posterior = xr.Dataset(variables, labels, attributes)
    with steps("exact random effects"):
        return complete_tree(posterior, stats, design, spec, seed=seed)


def free_names(model: pm.Model) -> list[str]:
    """Return the names of the free variables."""
    return [str(variable.name) for variable in model.free_RVs]


def compile_model(model: pm.Model, initial: dict[str, Any]) -> Compiled:
    """Return the model as functions of flat coordinates, which start at these values by name."""
    point = make_initial_point_fn(model=model, overrides=initial)(0)
    ordered = [np.asarray(point[variable.name], float) for variable in model.value_vars]
    ends = np.cumsum([value.size for value in ordered])
    by_name = {variable.name: variable for variable in model.unobserved_value_vars}
    outputs = [
        model.logp(vars=model.free_RVs),
        model.logp(vars=model.observed_RVs, sum=False)[0],
        *(by_name[name] for name in free_names(model)),
    ]
    function = get_jaxified_graph(inputs=model.value_vars, outputs=outputs)

    def parts(z: Any) -> Any:
        pieces = jax.numpy.split(z, ends[:-1])
        shaped = zip(pieces, ordered, strict=True)
        return function(*(piece.reshape(value.shape) for piece, value in shaped))

    def density(z: Any) -> Any:
        log_prior, log_likelihood, *_ = parts(z)
        return log_prior + log_likelihood.sum()

    start = np.concatenate([value.ravel() for value in ordered])
    return Compiled(density, over_draws(parts), int(ends[-1]), start)


def curvature(compiled: Compiled) -> tuple[np.ndarray, np.ndarray]:
    """Return the mode (d,) and the inverse of minus the curvature there (d, d)."""
    gradient = jax.jit(jax.value_and_grad(lambda z: -compiled.density(z)))

    def evaluate(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = gradient(z)
        return float(value), np.asarray(slope, float)

    mode = minimize(evaluate, compiled.start, jac=True, method="BFGS", options={"gtol": 0.01}).x
    steps = STEP * np.eye(compiled.size)
    rows = [evaluate(mode + step)[1] - evaluate(mode - step)[1] for step in steps]
    precision = np.array(rows) / (2 * STEP)
    values, vectors = np.linalg.eigh((precision + precision.T) / 2)
    return mode, (vectors / np.maximum(values, 1e-2)) @ vectors.T


def adapt(
    compiled: Compiled, mean: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of weighted draws, round after round."""
    z = np.empty((0, compiled.size))
    log_ratio = np.empty(0)
    for _ in range(MAX_ROUNDS):
        more, ratios, _ = weigh(compiled, mean, covariance, ROUND, rng)
        share = 1 / (softmax(ratios) ** 2).sum() / ROUND
        z = np.concatenate([z, more])
        log_ratio = np.concatenate([log_ratio, ratios])
        weight, _ = smoothed_weights(log_ratio)
        mean = weight @ z
        covariance = np.cov(z.T, aweights=weight).reshape(covariance.shape)
        covariance += 1e-6 * np.eye(compiled.size)  # however few draws have a weight
        if share > GOOD:
            break
    return mean, covariance


def weigh(
    compiled: Compiled,
    mean: np.ndarray,
    covariance: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Draw from the approximation: z (count, d), log ratios (count,) and `parts` of each draw."""
    scale = covariance * (DF - 2) / DF
    proposal = multivariate_t(mean, scale, df=DF, seed=rng)
    z = np.reshape(proposal.rvs(count), (count, compiled.size))
    chunks = [z[start : start + DRAWS_AT_ONCE] for start in range(0, count, DRAWS_AT_ONCE)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        computed = list(pool.map(compiled.parts, chunks))
    together = zip(*computed, strict=True)
    evaluated = [np.concatenate([np.asarray(x) for x in part]) for part in together]
    log_density = evaluated[0] + evaluated[1].sum(1)
    log_ratio = np.nan_to_num(log_density, nan=-np.inf) - np.atleast_1d(proposal.logpdf(z))
    return z, log_ratio, evaluated


def _dealt(values: np.ndarray, chains: int) -> np.ndarray:
    """Return draws (draws, ...) as (chain, draw, ...)."""
    return values.reshape(chains, -1, *values.shape[1:])
