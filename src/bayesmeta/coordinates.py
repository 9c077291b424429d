"""The coordinates NUTS moves in: exact changes of variables, priors untouched, that make the posterior nearly round."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytensor.tensor as pt
import xarray as xr
from pymc.logprob.transforms import Transform

from bayesmeta.likelihood import columns_of, cross_products, group_sums, nesting_of
from bayesmeta.spec import ModelSpec


class Start(NamedTuple):
    """A guess at the posterior: taus (levels,), centre of beta (p,), lower Cholesky factor of its covariance (p, p)."""

    tau: np.ndarray
    beta: np.ndarray
    factor: np.ndarray


def guess_start(design: xr.Dataset, spec: ModelSpec) -> Start:
    """Taus from the spread of the raw residuals, then the exact Gaussian conditional of beta at those taus.

    Only the speed of sampling depends on the guess, not the posterior.
    """
    x, y, v = design["X"].values, design["yi"].values, design["vi"].values
    residuals = y - x @ np.linalg.lstsq(x, y)[0]
    spread = (1.4826 * np.median(np.abs(residuals))) ** 2
    tau = np.full(len(spec.levels), np.sqrt(max(spread - np.median(v), 0.1 * spread, 1e-8) / len(spec.levels)))
    taus = dict(zip(spec.levels, tau, strict=True))
    nesting, columns, terms = nesting_of(design), columns_of(design), x.shape[1]

    @jax.jit
    def gaussian() -> tuple[jax.Array, jax.Array]:
        sums = group_sums(columns, v, nesting, taus.get("effect", 0.0), spec.rho)
        cross = cross_products(sums, taus.get("study", 0.0), taus.get("group", 0.0), nesting)[1].sum(0)
        mean, sd = spec.priors["terms"].parameters
        precision = cross[:terms, :terms] + jnp.eye(terms) / sd**2
        beta = jnp.linalg.solve(precision, cross[:terms, terms] + mean / sd**2)
        return beta, jnp.linalg.cholesky(jnp.linalg.inv(precision))

    beta, factor = gaussian()
    return Start(tau, np.asarray(beta), np.asarray(factor))


class Whitened(Transform):
    """beta = centre + factor z, with z near standard normal."""

    name = "whitened"
    ndim_supp = 1

    def __init__(self, centre: np.ndarray, factor: np.ndarray) -> None:
        self.centre, self.factor = centre, factor
        self.inverse = np.linalg.inv(factor)

    def forward(self, value: Any, *inputs: Any) -> Any:
        return pt.dot(self.inverse, value - self.centre)

    def backward(self, value: Any, *inputs: Any) -> Any:
        return self.centre + pt.dot(self.factor, value)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        return pt.as_tensor(np.log(np.diag(self.factor)).sum())


class Polar(Transform):
    r"""Positive tau (m,) from one log length and m - 1 angles, each a normal quantile; tau_1 is the lowest level's.

    With t = exp(z_0), phi_j = (pi / 2) Phi(z_j), Phi the standard normal cdf and Phi' its density:

        tau_1 = t cos phi_1,  tau_2 = t sin phi_1 cos phi_2,  ...,  tau_m = t sin phi_1 ... sin phi_{m-1}
        |d tau / d z| = t^m prod_j sin(phi_j)^(m-1-j) (pi / 2) Phi'(z_j)

    Under independent HalfNormal(s) taus, t / s is chi with m degrees of freedom and, for m = 2, phi is uniform.
    """

    name = "polar"
    ndim_supp = 1

    def __init__(self, size: int) -> None:
        self.size = size

    def forward(self, value: Any, *inputs: Any) -> Any:
        upward = value[::-1]
        tails = [pt.sqrt(pt.sum(upward[j:] ** 2)) for j in range(self.size)]
        shares = [pt.arctan2(tails[j + 1], upward[j]) * (2 / np.pi) for j in range(self.size - 1)]
        return pt.stack([pt.log(tails[0]), *(np.sqrt(2) * pt.erfinv(2 * share - 1) for share in shares)])

    def backward(self, value: Any, *inputs: Any) -> Any:
        left, taus = pt.exp(value[0]), []
        for phi in self._angles(value):
            taus.append(left * pt.cos(phi))
            left = left * pt.sin(phi)
        return pt.stack([*taus, left][::-1])

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        log_det = self.size * value[0]
        for j, phi in enumerate(self._angles(value), start=1):
            log_det += (self.size - 1 - j) * pt.log(pt.sin(phi)) + np.log(np.pi / 2)
            log_det -= value[j] ** 2 / 2 + np.log(2 * np.pi) / 2
        return log_det

    def _angles(self, value: Any) -> list[Any]:
        return [np.pi / 4 * (1 + pt.erf(value[j] / np.sqrt(2))) for j in range(1, self.size)]
