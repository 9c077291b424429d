"""The noncentral t density equals values by arbitrary precision, and SciPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nct

from bayesmeta.model.likelihood.noncentral_t import NoncentralT

# df, t, noncentrality, log density: mpmath with 50 digits, by adaptive integration over log z
BY_MPMATH = [
    (2, 0, 0, -1.039720770839918),
    (2, 3, -4, -15.343987749065594),
    (3, -50, -40, -4.1204979516023299),
    (6.5, 1000, 3, -39.714423709874843),
    (20, 1000, 900, -6.1978083936245575),
    (300, 5, 5.5, -1.058250708687234),
    (10000, -2, 30, -512.81839509572441),
    (10000, 1000, 990, -3.8685216018910622),
]


@pytest.mark.parametrize(("m", "t", "delta", "log_density"), BY_MPMATH)
@pytest.mark.parametrize(("degree", "error"), [(31, 1e-10), (15, 5e-7)])
def test_equals_arbitrary_precision(
    m: float, t: float, delta: float, log_density: float, degree: int, error: float
) -> None:
    density = NoncentralT(np.array([t]), np.array([m]), degree=degree)
    found = density.log_density(np.array([float(delta)]))[0]
    assert found == pytest.approx(log_density, abs=error, rel=error)


@given(st.floats(6, 200), st.floats(-20, 20), st.floats(-15, 15))
def test_equals_scipy(m: float, t: float, delta: float) -> None:
    density = NoncentralT(np.array([t]), np.array([m]))
    expected = nct.logpdf(t, m, delta)
    if np.isfinite(expected) and expected > -200:  # beyond, SciPy loses digits
        assert density.log_density(np.array([delta]))[0] == pytest.approx(expected, abs=1e-6)


def test_jax_gives_the_same_and_its_gradient() -> None:
    rng = np.random.default_rng(3)
    t, m, delta = rng.normal(0, 6, 40), rng.uniform(2, 90, 40), rng.normal(0, 4, 40)
    density = NoncentralT(t, m)
    np.testing.assert_allclose(
        density.log_density(jnp.asarray(delta)), density.log_density(delta), atol=1e-12
    )
    gradient = jax.jit(jax.grad(lambda x: density.log_density(x).sum()))(jnp.asarray(delta))
    above, below = (density.log_density(delta + step) for step in (1e-5, -1e-5))
    np.testing.assert_allclose(gradient, (above - below) / 2e-5, atol=1e-7)


def test_axes_for_draws_come_last() -> None:
    density = NoncentralT(np.array([1.0, -2.0]), np.array([5.0, 9.0]))
    delta = np.random.default_rng(1).normal(size=(2, 3, 4))
    one = [density.log_density(delta[:, i, j]) for i in range(3) for j in range(4)]
    np.testing.assert_allclose(density.log_density(delta).reshape(2, -1).T, one)
