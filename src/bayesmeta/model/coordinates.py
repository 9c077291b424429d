"""The coordinates NUTS moves in: exact changes of variables, priors untouched, that make the posterior nearly round."""

from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt
import xarray as xr
from pymc.logprob.transforms import Transform

from bayesmeta.model.likelihood import (
    Taus,
    columns_of,
    error_sums,
    marginal,
    nesting_of,
    tau_labels,
)
from bayesmeta.model.priors import term_prior
from bayesmeta.model.spec import ModelSpec

START_POOLING_SD = 0.3


class Start(NamedTuple):
    """A guess at the posterior.

    tau (taus,), in the order of `tau_labels`; beta (p,), the mean of its Gaussian conditional there; precision (p, p)
    and pull (p,), X'V^-1 X and X'V^-1 y there: what the data say of beta before the prior is added.
    """

    tau: np.ndarray
    beta: np.ndarray
    precision: np.ndarray
    pull: np.ndarray


def guess_start(design: xr.Dataset, spec: ModelSpec) -> Start:
    """Taus from the spread of the raw residuals, then the exact Gaussian conditional of beta at those taus.

    Only the speed of sampling depends on the guess, not the posterior.
    """
    x, y, v = design["X"].values, design["yi"].values, design["vi"].values
    residuals = y - x @ np.linalg.lstsq(x, y)[0]
    spread = (1.4826 * np.median(np.abs(residuals))) ** 2
    one = np.sqrt(max(spread - np.median(v), 0.1 * spread, 1e-8) / len(spec.levels))
    taus = Taus(**dict.fromkeys(spec.levels, one))
    nesting, terms = nesting_of(design), x.shape[1]
    sums = error_sums(columns_of(design), v, nesting, tau_effect=taus.effect, rho=spec.rho)
    cross, prior = marginal(sums, taus.above, nesting).S, term_prior(design, spec)
    precision, pull = cross[:terms, :terms], cross[:terms, terms]
    covariance = prior.covariance(dict.fromkeys(prior.shared, START_POOLING_SD))
    tau = np.full(len(tau_labels(design, spec)), one)
    beta = prior.mean + covariance @ np.linalg.solve(
        np.eye(terms) + precision @ covariance, pull - precision @ prior.mean
    )
    return Start(tau, beta, precision, pull)


class Whitened(Transform):
    r"""beta = centre + factor z, with z near standard normal under the posterior.

    Centre and factor are the exact Gaussian conditional of beta at the guessed taus, under the prior N(m, K K') of the
    moment, which an estimated spread moves:

        beta = m + K (R'^-1 R^-1 K' (pull - precision m) + R'^-1 z),      R R' = I + K' precision K

    so that terms the data know and terms they do not are both free of the spread: no funnel on either side.
    """

    name = "whitened"
    ndim_supp = 1

    def __init__(self, precision: np.ndarray, pull: np.ndarray) -> None:
        self.precision, self.pull = precision, pull

    def forward(self, value: Any, *inputs: Any) -> Any:
        mean, prior_factor, inner = self._factors(inputs)
        gamma = _solve(prior_factor, value - mean)
        return pt.dot(inner.T, gamma) - _solve(inner, self._pull(mean, prior_factor))

    def backward(self, value: Any, *inputs: Any) -> Any:
        mean, prior_factor, inner = self._factors(inputs)
        gamma = _solve(inner.T, _solve(inner, self._pull(mean, prior_factor)) + value, lower=False)
        return mean + pt.dot(prior_factor, gamma)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        _, prior_factor, inner = self._factors(inputs)
        return (pt.log(pt.diag(prior_factor)) - pt.log(pt.diag(inner))).sum()

    def _factors(self, inputs: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        mean, covariance = inputs[-2:]
        prior_factor = pt.linalg.cholesky(covariance)
        inner = pt.eye(len(self.pull)) + prior_factor.T @ self.precision @ prior_factor
        return mean, prior_factor, pt.linalg.cholesky(inner)

    def _pull(self, mean: Any, prior_factor: Any) -> Any:
        return pt.dot(prior_factor.T, self.pull - pt.dot(self.precision, mean))


def _solve(triangle: Any, right: Any, *, lower: bool = True) -> Any:
    return pt.linalg.solve_triangular(triangle, right, lower=lower, b_ndim=1)


class Polar(Transform):
    r"""Positive tau (m,) from one log length and m - 1 angles, each a normal quantile; tau_1 is the lowest level's.

    With t = exp(z_0), phi_j = (pi / 2) Phi(z_j), Phi the standard normal cdf and Phi' its density:

        tau_1 = t cos phi_1,  tau_2 = t sin phi_1 cos phi_2,  ...,  tau_m = t sin phi_1 ... sin phi_{m-1}
        |d tau / d z| = t^m prod_j sin(phi_j)^(m-1-j) (pi / 2) Phi'(z_j)

    Under independent HalfNormal(s) taus, t / s is chi with m degrees of freedom and, for m = 2, phi is uniform. With
    several blocks of m taus, one per stratum, each block by itself.
    """

    name = "polar"
    ndim_supp = 1

    def __init__(self, size: int, blocks: int = 1) -> None:
        self.size, self.blocks = size, blocks

    def forward(self, value: Any, *inputs: Any) -> Any:
        return pt.concatenate([self._forward(block) for block in self._blocks(value)])

    def backward(self, value: Any, *inputs: Any) -> Any:
        return pt.concatenate([self._backward(block) for block in self._blocks(value)])

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        return pt.add(*(self._log_jac_det(block) for block in self._blocks(value)), 0.0)

    def _blocks(self, value: Any) -> list[Any]:
        return [value[at * self.size : (at + 1) * self.size] for at in range(self.blocks)]

    def _forward(self, value: Any) -> Any:
        upward = value[::-1]
        tails = [pt.sqrt(pt.sum(upward[j:] ** 2)) for j in range(self.size)]
        shares = [pt.arctan2(tails[j + 1], upward[j]) * (2 / np.pi) for j in range(self.size - 1)]
        return pt.stack(
            [pt.log(tails[0]), *(np.sqrt(2) * pt.erfinv(2 * share - 1) for share in shares)]
        )

    def _backward(self, value: Any) -> Any:
        left, taus = pt.exp(value[0]), []
        for phi in self._angles(value):
            taus.append(left * pt.cos(phi))
            left = left * pt.sin(phi)
        return pt.stack([*taus, left][::-1])

    def _log_jac_det(self, value: Any) -> Any:
        log_det = self.size * value[0]
        for j, phi in enumerate(self._angles(value), start=1):
            log_det += (self.size - 1 - j) * pt.log(pt.sin(phi)) + np.log(np.pi / 2)
            log_det -= value[j] ** 2 / 2 + np.log(2 * np.pi) / 2
        return log_det

    def _angles(self, value: Any) -> list[Any]:
        return [np.pi / 4 * (1 + pt.erf(value[j] / np.sqrt(2))) for j in range(1, self.size)]
