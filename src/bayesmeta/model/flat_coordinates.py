"""The parameters of a model in the coordinates of NUTS (`coordinates`), flat and in NumPy.

Densities of many draws at once need no compilation.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import erf, expit, log_expit, logit

from bayesmeta.model.likelihood import tau_labels
from bayesmeta.model.priors import TermPrior, other_priors, pooling_sd_name, term_prior
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.spec.cumulative import weights_above
from bayesmeta.model.spec.families import SUPPORT_OF, UNIT
from bayesmeta.model.start import Start, initial_values, squeeze_of

SMALLEST = np.finfo(float).tiny  # a sine, of candidates far from any posterior
Draws = dict[str, np.ndarray]  # by name of a variable, as `priors.draw_prior` has them


class Placed(NamedTuple):
    """Parameters at flat coordinates."""

    draws: Draws
    log_det: np.ndarray  # log determinant of the Jacobian of the parameters (draws,)


class FlatCoordinates:
    """Flat coordinates z (draws, size): taus, other positive or unit parameters, then beta.

    With equal effects there are no coordinates of the taus, which are 0.
    """

    def __init__(
        self, design: xr.Dataset, spec: ModelSpec, start: Start, *, equal_effects: bool = False
    ) -> None:
        self.spec = spec
        self.prior = term_prior(design, spec)
        self.information = (start.precision, start.xt_vinv_y)
        self.squeeze = squeeze_of(self.prior, start)
        self.levels = len(spec.levels)
        initial = initial_values(start, design, spec)
        others = other_priors(self.prior, spec)
        self.falling = spec.priors["weights"].falling if "weights" in spec.priors else 0
        self.others = {name: np.asarray(initial[name], float) for name in others}
        taus = np.asarray(initial["tau"], float)
        self.labels = len(tau_labels(design, spec))
        self.taus = 0 if equal_effects else self.labels
        length = np.sqrt((taus.reshape(-1, self.levels) ** 2).sum(1))
        polar = np.zeros((len(length), self.levels))  # an angle of 0 is halfway
        polar[:, 0] = np.log(length)
        polar = polar[: self.taus]
        centres = [self._unbounded(name, value).ravel() for name, value in self.others.items()]
        self.start = np.concatenate([polar.ravel(), *centres, np.zeros(len(self.prior.mean))])
        self.size = len(self.start)

    def _unbounded(self, name: str, value: np.ndarray) -> np.ndarray:
        if name == "weights" and self.falling:
            return falling_ratios(value, self.falling)
        log_odds = np.log(value) - (np.log1p(-value) if self._is_unit(name) else 0.0)
        return np.asarray(log_odds)

    def _is_unit(self, name: str) -> bool:
        return SUPPORT_OF.get(name) == UNIT

    def place(self, z: np.ndarray) -> Placed:
        """Return the parameters at z (draws, size)."""
        tau, log_det = np.zeros((len(z), self.labels)), np.zeros(len(z))
        if self.taus:
            tau, log_det = polar_taus(z[:, : self.taus], self.levels)
        draws: Draws = {"tau": tau}
        end = self.taus
        for name, like in self.others.items():
            part = z[:, end : end + like.size]
            end += like.size
            if name == "weights" and self.falling:
                value, slopes = falling_from(part, self.falling)
            elif self._is_unit(name):
                value, slopes = expit(part), log_expit(part) + log_expit(-part)
            else:
                value, slopes = np.exp(part), part
            draws[name] = value.reshape(len(z), *like.shape)
            log_det = log_det + slopes.sum(1)
        sds = {part: draws[pooling_sd_name(part)][:, None, None] for part in self.prior.sds}
        beta, of_beta = whitened_terms(z[:, end:], self.prior, sds, *self.information)
        if self.squeeze is not None:
            of_beta = of_beta + self.squeeze.log_slope(beta)
            beta = self.squeeze.inside(beta)
        return Placed({"beta": beta, **draws}, log_det + of_beta)


def falling_ratios(weights: np.ndarray, size: int) -> np.ndarray:
    """Return the log odds of the ratios of successive weights (n,), of strata of `size`."""
    by_stratum = weights.reshape(-1, size)
    return np.asarray(logit(by_stratum / weights_above(by_stratum))).ravel()


def falling_from(z: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and the logs of their derivatives (draws, n) by log odds of ratios z.

    The equations are those of `coordinates.Falling`.
    """
    by_stratum = z.reshape(len(z), -1, size)
    weights = np.exp(np.cumsum(log_expit(by_stratum), -1)).reshape(z.shape)
    slopes = np.cumsum(log_expit(by_stratum), -1) + log_expit(-by_stratum)
    return weights, slopes.reshape(z.shape)


def polar_taus(z: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return taus (draws, taus) of blocks of `size`, and log determinants (draws,).

    The equations are those of `coordinates.Polar`.
    """
    blocks = z.reshape(len(z), -1, size)
    angles = np.pi / 4 * (1 + erf(blocks[..., 1:] / np.sqrt(2)))
    remaining = np.exp(blocks[..., 0])
    log_det = size * blocks[..., 0]
    downward = []
    for j in range(size - 1):
        angle = angles[..., j]
        downward.append(remaining * np.cos(angle))
        remaining = remaining * np.sin(angle)
        density = np.log(np.pi / 2) - 0.5 * (blocks[..., j + 1] ** 2 + np.log(2 * np.pi))
        log_sine = np.log(np.maximum(np.sin(angle), SMALLEST))
        log_det = log_det + (size - 2 - j) * log_sine + density
    taus = np.stack([*downward, remaining][::-1], axis=-1)
    return taus.reshape(len(z), -1), log_det.sum(1)


def whitened_terms(
    z: np.ndarray,
    prior: TermPrior,
    pooling_sds: Mapping[str, np.ndarray],
    precision: np.ndarray,
    xt_vinv_y: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return beta (draws, p) and log determinants (draws,).

    The equations are those of `coordinates.Whitened`.
    """
    K = np.linalg.cholesky(prior.covariance(pooling_sds))
    K_t = np.swapaxes(K, -1, -2)
    R = np.linalg.cholesky(np.eye(len(precision)) + K_t @ precision @ K)
    score = K_t @ (xt_vinv_y - precision @ prior.mean)
    centre = np.linalg.solve(R, score[..., None])[..., 0]
    inner = np.linalg.solve(np.swapaxes(R, -1, -2), (centre + z)[..., None])
    beta = prior.mean + (K @ inner)[..., 0]
    diagonals = (np.diagonal(x, axis1=-2, axis2=-1) for x in (K, R))
    of_K, of_R = (np.log(diagonal).sum(-1) for diagonal in diagonals)
    return beta, np.broadcast_to(of_K - of_R, len(z))
