"""Normal random effects on every level: what NUTS, quadrature and REML need of a model, as one object.

The other likelihoods are this one with a part of it replaced. Where a method takes draws, these are `Parameters`; it runs
on NumPy. `log_density` also runs on JAX arrays, for NUTS.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import xarray as xr
from scipy.stats import norm

from bayesmeta.model.likelihood.arguments import TauArguments, Taus, columns_of, nesting_of
from bayesmeta.model.likelihood.conditionals import (
    draw_effect_level,
    draw_errors,
    place_random_effects,
)
from bayesmeta.model.likelihood.draws import Parameters, RandomEffects
from bayesmeta.model.likelihood.kernel import (
    Array,
    Marginal,
    Scalar,
    error_sums,
    is_zero,
    log_likelihood,
    marginal,
    residual_sums,
)
from bayesmeta.model.spec import ModelSpec

DRAWS_AT_ONCE = 2_000_000  # numbers of an array (k, draws)


class Normal:
    """Likelihood with normal random effects, and errors that are independent or correlate within a group.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`.
    spec : ModelSpec
        Levels, rho and auxiliary parameters.
    """

    engines: ClassVar[frozenset[str]] = frozenset({"nuts", "quadrature", "reml"})

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        self.spec = spec
        self.nesting = nesting_of(design)
        self.taus = TauArguments(design, spec)
        self.columns = columns_of(design)
        self.x = self.columns[:, :-1]
        self.y = self.columns[:, -1]
        self.v = design["vi"].values
        self.effects = np.bincount(self.nesting.study_of_effect, minlength=self.nesting.studies)
        self.sufficient = None  # sums of [X, y] over groups; they do not change without an effect level and a free rho
        if "effect" not in spec.levels and "rho" not in spec.auxiliary_parameters:
            self.sufficient = error_sums(
                self.columns, self.v, self.nesting, rho=spec.rho, by_study=True
            )

    @property
    def draws_at_once(self) -> int:
        """Return how many draws fit in memory at once."""
        return int(np.clip(DRAWS_AT_ONCE // len(self.y), 1, 1000))

    def named(self, auxiliary: tuple[Array, ...]) -> dict[str, Array]:
        """Return auxiliary parameters, in the order of `spec.auxiliary_parameters`, by name."""
        return dict(zip(self.spec.auxiliary_parameters, auxiliary, strict=False))

    def log_density(self, beta: Array, tau: Array, *others: Array) -> Array:
        """Return the log density that NUTS climbs, of each study (studies,).

        Parameters
        ----------
        beta, tau : arrays
            Terms (p,); taus in the order of `tau_labels` (taus,).
        *others : arrays
            The auxiliary parameters, then the standard normals of sampled levels, highest level first.
        """
        return self.log_likelihood(beta, self.taus(tau), self.named(others))

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood of each study with all random effects integrated out (studies, ...)."""
        found = self.integrate(beta, taus, self.rho_of(auxiliary))
        return log_likelihood(found, self.effects)

    def rho_of(self, auxiliary: Mapping[str, Array]) -> Scalar:
        """Return the correlation of errors: a number, or (1, draws)."""
        rho = auxiliary.get("rho", self.spec.rho)
        return rho[None] if np.ndim(rho) else rho

    def integrate(self, beta: Array, taus: Taus, rho: Scalar) -> Marginal:
        """Return log|V| and r'V^-1 r of each study for the residuals r = y - X beta."""
        if self.sufficient is not None:
            sums = residual_sums(self.sufficient, beta)
        else:
            residuals = self.residuals(beta)[:, None]
            options = {"tau_effect": taus.effect, "rho": rho, "by_study": True}
            sums = error_sums(residuals, self.v, self.nesting, **options)
        return marginal(sums, taus.above, self.nesting, by_study=True)

    def residuals(self, beta: Array) -> Array:
        """Return y - X beta (k, ...)."""
        fitted = self.x @ beta
        return (self.y if fitted.ndim == 1 else self.y[:, None]) - fitted

    def draw_random_effects(self, rng: np.random.Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects from their exact conditional given the data."""
        return self.draw_given_taus(rng, draws, self.taus(draws.tau))

    def draw_given_taus(
        self, rng: np.random.Generator, draws: Parameters, taus: Taus
    ) -> RandomEffects:
        """Draw the random effects given the data and the taus of every unit."""
        rho = self.rho_of(draws.auxiliary)
        found = self.integrate(draws.beta, taus, rho)
        counts = (self.nesting.groups, self.nesting.studies)
        normals = [rng.standard_normal((count, len(draws))) for count in counts]
        group, study = place_random_effects(found, taus.above, self.nesting, normals)
        u, w = study.effect[:, 0], group.effect[:, 0]
        if is_zero(taus.effect):
            return RandomEffects(u, w, np.zeros((len(self.y), len(draws))))
        rest = self.residuals(draws.beta) - self.above_effects(u, w)
        options = {"tau_effect": taus.effect, "rho": rho}
        return RandomEffects(u, w, draw_effect_level(rng, rest, self.v, self.nesting, **options))

    def above_effects(self, u: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Return u + w of each effect (k, draws)."""
        return u[self.nesting.study_of_effect] + w[self.nesting.group_of_effect]

    def expected_effects(self, draws: Parameters) -> np.ndarray:
        """Return the means of the true effects given the data and the parameters (k, draws); errors independent."""
        taus = self.taus(draws.tau)
        found = self.integrate(draws.beta, taus, 0.0)
        group, study = place_random_effects(found, taus.above, self.nesting)
        above = self.x @ draws.beta + self.above_effects(study.effect[:, 0], group.effect[:, 0])
        shrinkage = taus.effect**2 / (taus.effect**2 + self.v[:, None])
        return above + shrinkage * (self.y[:, None] - above)

    def log_density_of_effects(self, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Return the log density of each effect given u and w (k, draws)."""
        mean = self.x @ draws.beta + self.above_effects(random.u, random.w)
        sd = np.sqrt(self.v[:, None] + np.square(self.taus(draws.tau).effect))
        return norm.logpdf(self.y[:, None], mean, sd)

    def replicate(
        self, rng: np.random.Generator, draws: Parameters, random: RandomEffects
    ) -> np.ndarray:
        """Draw new results of the same studies (k, draws)."""
        theta = self.x @ draws.beta + self.above_effects(random.u, random.w) + random.d
        return theta + self.draw_errors(rng, draws)

    def replicate_new_studies(self, rng: np.random.Generator, draws: Parameters) -> np.ndarray:
        """Draw results of new studies with the same design (k, draws)."""
        return self.replicate(rng, draws, self.draw_new_effects(rng, draws))

    def draw_new_effects(self, rng: np.random.Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects of new studies from their prior."""
        taus = self.taus(draws.tau)
        counts = (self.nesting.studies, self.nesting.groups, len(self.y))
        normals = [rng.standard_normal((count, len(draws))) for count in counts]
        return RandomEffects(
            taus.study * normals[0], taus.group * normals[1], taus.effect * normals[2]
        )

    def draw_errors(self, rng: np.random.Generator, draws: Parameters) -> np.ndarray:
        """Draw sampling errors (k, draws)."""
        rho = self.rho_of(draws.auxiliary)
        return draw_errors(rng, self.v, self.nesting, rho, (len(self.y), len(draws)))
