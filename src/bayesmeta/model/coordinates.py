"""Coordinates in which NUTS moves: exact changes of variables, a nearly round posterior."""

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

from bayesmeta.model.priors.limits import Squeeze


class Whitened(Transform):
    r"""beta = centre + factor z, with z near standard normal under the posterior.

    Centre and factor are the exact Gaussian conditional of beta at the guessed taus, under the
    current prior N(m, K K'), which changes with an estimated pooling sd:

        beta = m + K (R'^-1 R^-1 K' (X'V^-1 y - precision m) + R'^-1 z)
        R R' = I + K' precision K

    so that both terms with much and terms with little information in the data are independent of
    the pooling sd: no funnel on either side.
    """

    name = "whitened"
    ndim_supp = 1

    def __init__(self, precision: np.ndarray, xt_vinv_y: np.ndarray) -> None:
        self.precision = precision
        self.xt_vinv_y = xt_vinv_y

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return the unconstrained value."""
        mean, prior_factor, inner, centre = self._factors(inputs)
        return pt.dot(inner.T, _solve(prior_factor, value - mean)) - centre

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the value on the scale of the model."""
        mean, prior_factor, inner, centre = self._factors(inputs)
        return mean + pt.dot(prior_factor, _solve(inner.T, centre + value, lower=False))

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return the log determinant of the Jacobian of `backward`."""
        _, prior_factor, inner, _ = self._factors(inputs)
        return (pt.log(pt.diag(prior_factor)) - pt.log(pt.diag(inner))).sum()

    def _factors(self, inputs: tuple[Any, ...]) -> tuple[Any, Any, Any, Any]:
        """Return m, K, R and the centre of z from the inputs of beta's normal distribution."""
        mean, covariance = inputs[-2:]
        prior_factor = pt.linalg.cholesky(covariance)
        inner = pt.eye(len(self.xt_vinv_y)) + prior_factor.T @ self.precision @ prior_factor
        factor = pt.linalg.cholesky(inner)
        score = pt.dot(prior_factor.T, self.xt_vinv_y - pt.dot(self.precision, mean))
        return mean, prior_factor, factor, _solve(factor, score)


class Squeezed(Whitened):
    """Terms with limits: `priors.limits.Squeeze` after the whitening."""

    def __init__(self, precision: np.ndarray, xt_vinv_y: np.ndarray, squeeze: Squeeze) -> None:
        super().__init__(precision, xt_vinv_y)
        self.squeeze = squeeze

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return the unconstrained value."""
        return super().forward(self.squeeze.outside(value, pt), *inputs)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the value on the scale of the model."""
        return self.squeeze.inside(super().backward(value, *inputs), pt)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return the log determinant of the Jacobian of `backward`."""
        slopes = self.squeeze.log_slope(super().backward(value, *inputs), pt)
        return super().log_jac_det(value, *inputs) + slopes


def _solve(triangle: Any, right: Any, *, lower: bool = True) -> Any:
    return pt.linalg.solve_triangular(triangle, right, lower=lower, b_ndim=1)


class Polar(Transform):
    r"""Positive taus (m,) as a log length and m - 1 angles; tau_1 is that of the lowest level.

    The angles are normal quantiles. With t = exp(z_0), phi_j = (pi / 2) Phi(z_j), Phi the standard
    normal cdf and Phi' its density:

        tau_1 = t cos phi_1,  tau_2 = t sin phi_1 cos phi_2,  ...
        tau_m = t sin phi_1 ... sin phi_{m-1}
        |d tau / d z| = t^m prod_j sin(phi_j)^(m-1-j) (pi / 2) Phi'(z_j)

    Under independent HalfNormal(s) taus, t / s is chi with m degrees of freedom and, for m = 2, phi
    is uniform. Several blocks of m taus, one per stratum, are transformed separately.
    """

    name = "polar"
    ndim_supp = 1

    def __init__(self, size: int, blocks: int = 1) -> None:
        self.size = size
        self.blocks = blocks

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return the unconstrained value."""
        upward = value.reshape((self.blocks, self.size))[:, ::-1]
        tails = [pt.sqrt(pt.sum(upward[:, j:] ** 2, axis=1)) for j in range(self.size)]
        angles = [pt.arctan2(tails[j + 1], upward[:, j]) for j in range(self.size - 1)]
        quantiles = (np.sqrt(2) * pt.erfinv(4 / np.pi * angle - 1) for angle in angles)
        return pt.stack([pt.log(tails[0]), *quantiles], axis=1).flatten()

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the value on the scale of the model."""
        z = value.reshape((self.blocks, self.size))
        remaining = pt.exp(z[:, 0])
        taus = []
        for phi in self._angles(z):
            taus.append(remaining * pt.cos(phi))
            remaining = remaining * pt.sin(phi)
        return pt.stack([*taus, remaining][::-1], axis=1).flatten()

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return the log determinant of the Jacobian of `backward`."""
        z = value.reshape((self.blocks, self.size))
        log_det = self.size * z[:, 0]
        for j, phi in enumerate(self._angles(z), start=1):
            log_det += (self.size - 1 - j) * pt.log(pt.sin(phi)) + np.log(np.pi / 2)
            log_det -= z[:, j] ** 2 / 2 + np.log(2 * np.pi) / 2
        return log_det.sum()

    def _angles(self, z: Any) -> list[Any]:
        return [np.pi / 4 * (1 + pt.erf(z[:, j] / np.sqrt(2))) for j in range(1, self.size)]


def weights_above(weights: Any) -> Any:
    """Return `cumulative.weights_above` of PyTensor's weights (strata, m)."""
    return pt.concatenate([pt.ones_like(weights[:, :1]), weights[:, :-1]], axis=1)


class Falling(Transform):
    r"""Weights (m,) that fall from 1, as log odds of the ratios of successive ones.

        omega_j = prod_{i <= j} 1 / (1 + exp(-z_i))
        |d omega / d z| = prod_j omega_j / (1 + exp(z_j))

    Several blocks of m weights, one per stratum, are transformed separately.
    """

    name = "falling"
    ndim_supp = 1

    def __init__(self, size: int) -> None:
        self.size = size

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return the unconstrained value."""
        weights = value.reshape((-1, self.size))
        return (pt.log(weights) - pt.log(weights_above(weights) - weights)).flatten()

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the value on the scale of the model."""
        return pt.exp(self._log(value.reshape((-1, self.size)))).flatten()

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return the log determinant of the Jacobian of `backward`."""
        z = value.reshape((-1, self.size))
        return (self._log(z) - pt.softplus(z)).sum()

    def _log(self, z: Any) -> Any:
        return -pt.cumsum(pt.softplus(-z), axis=1)
