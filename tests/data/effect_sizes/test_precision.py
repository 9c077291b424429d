"""The precision by group sizes, and the recognition of an SMD's variance."""

import numpy as np
import pytest

from bayesmeta.data.effect_sizes import has_smd_variance, size_error, smd


def test_the_size_error_is_the_standard_error_of_a_null_effect() -> None:
    n1, n2 = np.array([4.0, 9.5, 0.0, np.nan]), np.array([12.0, 3.0, 5.0, 5.0])
    error = size_error(n1, n2)
    one = np.ones(2)
    _, vi = smd(0 * one, one, n1[:2], 0 * one, one, n2[:2])
    np.testing.assert_allclose(error[:2] ** 2, vi, rtol=1e-12)
    assert np.isnan(error[2:]).all()


@pytest.mark.parametrize("vtype", ["LS", "UB"])
def test_the_variance_of_an_smd_is_recognised(vtype: str) -> None:
    rng = np.random.default_rng(3)
    one = np.ones(50)
    n1, n2 = rng.integers(3, 20, 50) + 0.5, rng.integers(3, 20, 50).astype(float)
    yi, vi = smd(rng.normal(0, 2, 50), one, n1, 0 * one, one, n2, vtype=vtype)
    assert has_smd_variance(yi, vi, n1, n2, vtype=vtype).all()
    other = "UB" if vtype == "LS" else "LS"
    assert not has_smd_variance(yi, vi, n1, n2, vtype=other).any()
    assert not has_smd_variance(yi, 1.001 * vi, n1, n2, vtype=vtype).any()
    assert not has_smd_variance(yi, vi, np.full(50, np.nan), n2, vtype=vtype).any()
