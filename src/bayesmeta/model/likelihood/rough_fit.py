"""A rough fit by moments and least squares, for the place of a start or of working normals."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from bayesmeta.model.likelihood.arguments import Taus, columns_of, nesting_of, tau_labels
from bayesmeta.model.likelihood.draws import Parameters
from bayesmeta.model.likelihood.effect_level import error_sums
from bayesmeta.model.likelihood.kernel import marginal
from bayesmeta.model.spec import ModelSpec

MAD_TO_SD = 1.4826  # sd of a normal distribution over its median absolute deviation
MIN_SHARE = 0.1  # of the residual variance that the taus get where sampling variances exceed it
MIN_VARIANCE = 1e-8  # keeps the taus positive where all residuals are 0


class RoughFit(NamedTuple):
    """Taus from the raw residuals, and the information of the data on beta at these taus."""

    tau: np.ndarray  # in the order of `tau_labels` (taus,)
    precision: np.ndarray  # X'V^-1 X (p, p)
    xt_vinv_y: np.ndarray  # X'V^-1 y (p,)

    @property
    def parameters(self) -> Parameters:
        """Return the taus and the least-squares beta at these taus, as a single draw."""
        beta = np.linalg.lstsq(self.precision, self.xt_vinv_y)[0]
        return Parameters(beta[:, None], self.tau[:, None])


def rough_fit(design: xr.Dataset, spec: ModelSpec) -> RoughFit:
    """Fit a design roughly: one tau on every level, from the spread of the residuals."""
    x = design["X"].values
    y = design["yi"].values
    v = design["vi"].values
    variance = (MAD_TO_SD * np.median(np.abs(y - x @ np.linalg.lstsq(x, y)[0]))) ** 2
    beyond_errors = max(variance - np.median(v), MIN_SHARE * variance, MIN_VARIANCE)
    tau = float(np.sqrt(beyond_errors / len(spec.levels)))  # split evenly over the levels
    taus = Taus(**dict.fromkeys(spec.levels, tau))
    nesting = nesting_of(design)
    sums = error_sums(columns_of(design), v, nesting, tau_effect=taus.effect, rho=spec.rho)
    S = marginal(sums, taus.above, nesting).S
    return RoughFit(np.full(len(tau_labels(design, spec)), tau), S[:-1, :-1], S[:-1, -1])
