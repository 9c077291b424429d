"""Independent draws by importance from an approximation in the coordinates of NUTS.

In these coordinates (`model.flat_coordinates`) a posterior is nearly round. The approximation is a
multivariate t around the mode, with the curvature there, and then with mean and covariance of
weighted draws of it. The last draws are resampled by their Pareto-smoothed weights, whose tail
shape k says whether this can be trusted; NUTS is the alternative. All is NumPy: derivatives are
numerical, and nothing is compiled.

Source: Vehtari et al. 2024, JMLR 25(72), Pareto smoothed importance sampling.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import xarray as xr
from scipy.optimize import minimize
from scipy.special import chdtri, ndtri, softmax
from scipy.stats import multivariate_t

from bayesmeta.inference.by_study import log_likelihood_by_study
from bayesmeta.inference.conventions import MAX_K_HAT
from bayesmeta.inference.predictive import complete_tree
from bayesmeta.inference.quadrature.draws import spread_points
from bayesmeta.inference.quadrature.weighting import Resampled, resample, smoothed_weights
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.flat_coordinates import Draws, FlatCoordinates
from bayesmeta.model.likelihood import Parameters, likelihood_of, tau_labels, weight_labels
from bayesmeta.model.likelihood.choice import SAMPLE
from bayesmeta.model.priors import log_prior
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.start import guess_start

DF = 7  # degrees of freedom of the approximation, whose tails must not be lighter
ROUND = 500  # draws that improve the approximation once
MAX_ROUNDS = 8
GOOD = 0.4  # effective share of weighted draws at which it is good enough
TRIES = 3  # of the last draws; each is wider than the one before
WIDER = 1.5
CANDIDATES = 2000  # at least; of 1,000 the means of taus were off by .04 of their sds
STEP = 1e-3  # of numerical derivatives, in units of the coordinates
TOLERANCE = 0.01  # of the slope at the mode; the approximation is improved afterwards
NO_CURVATURE = "the posterior has no finite curvature at its mode for an approximation"
LOWEST_CURVATURE = 1e-2  # of an approximation whose prior has sds near 1 in these coordinates


class Evaluated(NamedTuple):
    """A posterior at draws."""

    by_study: np.ndarray  # log-likelihood, of the studies that are left out, too (draws, studies)
    log_density: np.ndarray  # log posterior density, without its constant (draws,)
    draws: Draws


class HasLogDensity(Protocol):
    """A posterior at draws."""

    @property
    def log_density(self) -> np.ndarray:
        """Return the log posterior density, without its constant (draws,)."""


class Density[At: HasLogDensity](ABC):
    """A posterior density as a function of coordinates, in which it is nearly round."""

    start: np.ndarray  # coordinates (size,)

    @abstractmethod
    def at(self, z: np.ndarray) -> At:
        """Evaluate at coordinates (draws, size)."""

    def gradient(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the log density at points (n, size) and its numerical gradients (n, size)."""
        steps = STEP * np.eye(z.shape[1])
        around = np.concatenate([np.zeros((1, z.shape[1])), steps, -steps])
        points = (z[:, None] + around).reshape(-1, z.shape[1])
        density = self.at(points).log_density.reshape(len(z), -1)
        above, below = np.split(density[:, 1:], 2, axis=1)
        with np.errstate(invalid="ignore"):  # where there is no density, climbing ends
            return density[:, 0], (above - below) / (2 * STEP)


class Posterior(Density[Evaluated]):
    """The posterior of a model as a function of flat coordinates."""

    def __init__(self, design: xr.Dataset, spec: ModelSpec, without: Sequence[str]) -> None:
        self.design = design
        self.spec = spec
        self.likelihood = likelihood_of(design, spec)
        self.coordinates = FlatCoordinates(design, spec, guess_start(design, spec))
        self.start = self.coordinates.start
        self.included = ~np.isin(design["study"].values, list(without))

    def at(self, z: np.ndarray) -> Evaluated:
        """Evaluate at coordinates (draws, size)."""
        draws, log_det = self.coordinates.place(z)
        densities = log_prior(self.design, self.spec, draws).values()
        prior = sum(density.reshape(len(z), -1).sum(1) for density in densities)
        auxiliary = {name: draws[name].T for name in self.spec.auxiliary_parameters}
        parameters = Parameters(draws["beta"].T, draws["tau"].T, auxiliary)
        by_study = log_likelihood_by_study(self.likelihood, parameters).T
        log_density = prior + log_det + by_study[:, self.included].sum(1)
        return Evaluated(by_study, np.nan_to_num(log_density, nan=-np.inf), draws)


def laplace_posterior(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    draws: int = 1000,
    chains: int = 4,
    seed: int = 1,
    without: Sequence[str] = (),
    parameters_only: bool = False,
    candidates: int = CANDIDATES,
    steps: Steps | None = None,
) -> xr.DataTree:
    """Draw independently from a model, with arguments and result as for `nuts.sample_posterior`.

    At least `candidates` are weighted, of which the draws are taken.
    `parameters_only` is as for `predictive.complete_tree`. Attributes of posterior: sampler,
    log_marginal_likelihood, k_hat, importance_ess. With `parameters_only` the tree has the
    candidates, too: z (candidate, coordinate), log_ratio (candidate) of posterior and
    approximation, obs_study (candidate, study).
    """
    steps = steps or Steps()
    rng = np.random.default_rng(seed)
    with steps("approximating the posterior"):
        density = Posterior(design, spec, without)
        mean, covariance = adapt(density, *curvature(density), rng)
    with steps(f"drawing {chains} x {draws} independent draws"):
        count = draws * chains
        drawn = draw_by_weight(density, mean, covariance, count, rng, candidates=candidates)
    z, log_ratio, evaluated, kept = drawn
    dims = {"beta": "term", "tau": "level", "weights": "weight"}
    labels: dict[str, Any] = {"chain": range(chains), "draw": range(draws)}
    labels |= {"term": design["term"].values, "level": tau_labels(design, spec)}
    if "weights" in evaluated.draws:
        labels["weight"] = weight_labels(design, spec)
    variables = {}
    for name, values in evaluated.draws.items():
        named = ("chain", "draw", *([dims[name]] if name in dims else []))
        variables[name] = (named, dealt(values[kept.chosen], chains))
    by_study = dealt(evaluated.by_study[kept.chosen], chains)
    variables["obs_study"] = (("chain", "draw", "study"), by_study)
    labels["study"] = design["study"].values
    attributes = {
        "sampler": "importance",
        "log_marginal_likelihood": kept.log_mean,
        "k_hat": kept.k_hat,
        "importance_ess": kept.ess,
    }
    log_joint = dealt(evaluated.log_density[kept.chosen], chains)
    stats = xr.Dataset({"lp": (("chain", "draw"), log_joint)}, dict(list(labels.items())[:2]))
    posterior = xr.Dataset(variables, labels, attributes)
    with steps("exact random effects"):
        tree = complete_tree(
            posterior, stats, design, spec, seed=seed, parameters_only=parameters_only
        )
    if parameters_only:
        weighted = {
            "z": (("candidate", "coordinate"), z),
            "log_ratio": ("candidate", log_ratio),
            "obs_study": (("candidate", "study"), evaluated.by_study),
        }
        tree["candidates"] = xr.DataTree(xr.Dataset(weighted, {"study": labels["study"]}))
    return tree


class Weighted[At](NamedTuple):
    """Candidates of a posterior, and those that are kept."""

    z: np.ndarray  # (candidates, size)
    log_ratio: np.ndarray  # of posterior and approximation (candidates,)
    evaluated: At
    kept: Resampled


def draw_by_weight[At: HasLogDensity](
    density: Density[At],
    mean: np.ndarray,
    covariance: np.ndarray,
    count: int,
    rng: np.random.Generator,
    *,
    candidates: int = CANDIDATES,
) -> Weighted[At]:
    """Draw candidates from a wider approximation until their weights can be trusted."""
    for _ in range(TRIES):
        z, log_ratio, evaluated = weigh(density, mean, covariance, max(count, candidates), rng)
        kept = resample(log_ratio, rng, count)
        if kept.k_hat <= MAX_K_HAT:
            break
        mean, covariance = moments(z, log_ratio)
        covariance *= WIDER
    return Weighted(z, log_ratio, evaluated, kept)


def curvature(density: Density[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mode (size,) and the inverse of minus the curvature there (size, size).

    Raise BadInput if the curvature is not finite.
    """
    mode = climb(density, density.start)
    steps = STEP * np.eye(len(mode))
    slopes = density.gradient(np.concatenate([mode + steps, mode - steps]))[1]
    above, below = np.split(slopes, 2)
    precision = (below - above) / (2 * STEP)
    if not np.isfinite(precision).all():
        raise BadInput(f"{NO_CURVATURE}; {SAMPLE}")
    values, vectors = np.linalg.eigh((precision + precision.T) / 2)
    return mode, (vectors / np.maximum(values, LOWEST_CURVATURE)) @ vectors.T


def climb(
    density: Density[Any], start: np.ndarray, covariance: np.ndarray | None = None
) -> np.ndarray:
    """Return the mode (size,) from a start, which a guess of the covariance makes quicker."""

    def evaluate(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = density.gradient(z[None])
        return -float(value[0]), -slope[0]

    options: dict[str, Any] = {"gtol": TOLERANCE, "hess_inv0": covariance}
    return np.asarray(minimize(evaluate, start, jac=True, method="BFGS", options=options).x)


def adapt(
    density: Density[Any], mean: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of weighted draws, round after round."""
    z = np.empty((0, len(mean)))
    log_ratio = np.empty(0)
    for _ in range(MAX_ROUNDS):
        more, ratios, _ = weigh(density, mean, covariance, ROUND, rng)
        share = 1 / (softmax(ratios) ** 2).sum() / ROUND
        z = np.concatenate([z, more])
        log_ratio = np.concatenate([log_ratio, ratios])
        mean, covariance = moments(z, log_ratio)
        if share > GOOD:
            break
    return mean, covariance


def moments(z: np.ndarray, log_ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of draws (n, size) with log weights (n,)."""
    weight, _ = smoothed_weights(log_ratio)
    covariance = np.cov(z.T, aweights=weight).reshape(z.shape[1], -1)
    covariance += 1e-6 * np.eye(z.shape[1])  # however few draws have a weight
    return weight @ z, (covariance + covariance.T) / 2


def weigh[At: HasLogDensity](
    density: Density[At],
    mean: np.ndarray,
    covariance: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, At]:
    """Draw from the approximation: z (count, size), log ratios (count,), and the posterior."""
    scale = covariance * (DF - 2) / DF
    points = spread_points(count, len(mean) + 1, rng)
    normal = ndtri(points[:, 1:]) @ np.linalg.cholesky(scale).T
    z = mean + normal / np.sqrt(chdtri(DF, points[:, :1]) / DF)
    evaluated = density.at(z)
    log_density = multivariate_t(mean, scale, df=DF).logpdf(z)
    return z, evaluated.log_density - np.atleast_1d(log_density), evaluated


def dealt(values: np.ndarray, chains: int) -> np.ndarray:
    """Return draws (draws, ...) as (chain, draw, ...)."""
    return values.reshape(chains, -1, *values.shape[1:])
