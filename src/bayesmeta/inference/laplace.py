"""Independent draws by importance from an approximation in the coordinates of NUTS.

In these coordinates (`model.flat_coordinates`) a posterior is nearly round, and `approximation`
draws from it; where k-hat is large, NUTS is the alternative. All is NumPy: nothing is compiled.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np
import xarray as xr

from bayesmeta.inference.approximation import (
    CANDIDATES,
    Density,
    adapt,
    curvature,
    dealt,
    draw_by_weight,
)
from bayesmeta.inference.by_study import log_likelihood_by_study
from bayesmeta.inference.predictive import complete_tree
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.flat_coordinates import Draws, FlatCoordinates
from bayesmeta.model.likelihood import Parameters, likelihood_of, tau_labels, weight_labels
from bayesmeta.model.priors import log_prior
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.start import guess_start

MISLED = 2.0  # change of the error of a rough log density from the start to its mean


class Evaluated(NamedTuple):
    """A posterior at draws."""

    by_study: np.ndarray  # log-likelihood, of the studies that are left out, too (draws, studies)
    log_density: np.ndarray  # log posterior density, without its constant (draws,)
    draws: Draws


class Posterior(Density[Evaluated]):
    """The posterior of a model as a function of flat coordinates."""

    def __init__(
        self,
        design: xr.Dataset,
        spec: ModelSpec,
        without: Sequence[str],
        *,
        equal_effects: bool = False,
    ) -> None:
        self.design = design
        self.spec = spec
        self.equal_effects = equal_effects
        likelihood = likelihood_of(design, spec)
        self.likelihood = likelihood.with_equal_effects() if equal_effects else likelihood
        start = guess_start(design, spec)
        self.coordinates = FlatCoordinates(design, spec, start, equal_effects=equal_effects)
        self.start = self.coordinates.start
        self.included = ~np.isin(design["study"].values, list(without))

    def roughly(self) -> Self:
        """Return a posterior with a likelihood that takes less time; the same if there is none."""
        rough = self.likelihood.roughly()
        if rough is self.likelihood:
            return self
        posterior = copy(self)
        posterior.likelihood = rough
        return posterior

    def at(self, z: np.ndarray) -> Evaluated:
        """Evaluate at coordinates (draws, size)."""
        draws, log_det = self.coordinates.place(z)
        densities = dict(log_prior(self.design, self.spec, draws))
        if self.equal_effects:
            del densities["tau"]
        prior = sum(density.reshape(len(z), -1).sum(1) for density in densities.values())
        auxiliary = {name: draws[name].T for name in self.spec.auxiliary_parameters}
        parameters = Parameters(draws["beta"].T, draws["tau"].T, auxiliary)
        by_study = log_likelihood_by_study(self.likelihood, parameters).T
        log_density = prior + log_det + by_study[:, self.included].sum(1)
        return Evaluated(by_study, np.nan_to_num(log_density, nan=-np.inf), draws)


def approximate(density: Posterior, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of an approximation, by a rough likelihood if there is one.

    Weights of the exact likelihood correct it, unless its mode is one of the rough likelihood
    alone: then the approximation is of the exact likelihood.
    """
    rough = density.roughly()
    mean, covariance = adapt(rough, *curvature(rough), rng)
    if rough is not density:
        ends = np.stack([density.start, mean])
        at_start, at_mean = density.at(ends).log_density - rough.at(ends).log_density
        if not abs(at_mean - at_start) < MISLED:
            return adapt(density, *curvature(density), rng)
    return mean, covariance


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
    equal_effects: bool = False,
    steps: Steps | None = None,
) -> xr.DataTree:
    """Draw independently from a model, with arguments and result as for `nuts.sample_posterior`.

    At least `candidates` are weighted, of which the draws are taken.
    `parameters_only` is as for `predictive.complete_tree`; the model with `equal_effects` has taus
    of 0, and parameters only. Attributes of posterior: sampler,
    log_marginal_likelihood, k_hat, importance_ess. With `parameters_only` the tree has the
    candidates, too: z (candidate, coordinate), log_ratio (candidate) of posterior and
    approximation, obs_study (candidate, study).
    """
    steps = steps or Steps()
    rng = np.random.default_rng(seed)
    with steps("approximating the posterior"):
        density = Posterior(design, spec, without, equal_effects=equal_effects)
        mean, covariance = approximate(density, rng)
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
