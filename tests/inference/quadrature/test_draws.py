"""Draws from a grid where a pooling sd is nearly zero."""

import numpy as np
import pytest

from bayesmeta.inference.quadrature.draws import factors_of
from bayesmeta.inference.quadrature.weighting import smoothed_weights


def test_a_covariance_without_a_positive_eigenvalue_has_a_factor() -> None:
    """Rounding leaves the pooled difference of two terms with a variance below zero."""
    shared = np.array([[1.0, 1.0 + 1e-16], [1.0, 1.0 - 1e-15]])
    regular = np.array([[2.0, 0.5], [0.5, 1.0]])
    factor, log_det = factors_of(np.stack([shared, regular]))
    np.testing.assert_allclose(factor @ factor.swapaxes(1, 2), [shared, regular], atol=1e-14)
    assert np.isfinite(log_det).all()
    assert log_det[0] < -30
    np.testing.assert_allclose(log_det[1], np.log(1.75))


def test_regular_covariances_have_their_triangular_factor() -> None:
    regular = np.array([[2.0, 0.5], [0.5, 1.0]])[None]
    factor, log_det = factors_of(regular)
    np.testing.assert_array_equal(factor, np.linalg.cholesky(regular))
    np.testing.assert_allclose(log_det, np.log(1.75))


@pytest.mark.parametrize(
    ("log_ratio", "k_hat", "weights"),
    [
        ([-np.inf] * 40, np.inf, [1 / 40] * 40),
        ([0.0] + [-np.inf] * 39, np.inf, [1.0] + [0.0] * 39),
        ([3.0] * 40, -np.inf, [1 / 40] * 40),
    ],
)
def test_weights_without_a_tail_say_whether_they_can_be_trusted(
    log_ratio: list[float], k_hat: float, weights: list[float]
) -> None:
    found, k = smoothed_weights(np.array(log_ratio))
    np.testing.assert_allclose(found, weights)
    assert k == k_hat
