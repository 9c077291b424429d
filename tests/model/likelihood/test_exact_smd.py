"""The exact likelihood of Hedges' g equals brute force, on NumPy and on JAX."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.interpolate import CubicSpline
from scipy.special import logsumexp
from scipy.stats import nct, norm
from scipy.stats import t as t_density

from bayesmeta.data.effect_sizes import correction
from bayesmeta.data.effect_sizes.pairs import smcc_t
from bayesmeta.inference.independent import independent_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import Parameters, likelihood_of
from bayesmeta.model.likelihood.exact_smd import draw_results, statistics_of
from bayesmeta.model.spec import ModelSpec, read_spec
from likelihoods import log_likelihood_by_study
from standardised import simulate_smds

THREE = replace(read_spec("intercept"), likelihood="t", levels=("study", "group"))
HEAVY = replace(read_spec("robust").with_terms("1").with_likelihood("t"), levels=("study", "group"))
FOUR = replace(THREE, levels=("study", "group", "effect"))
BETA = [0.7]


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    """Four studies of one to three groups of one to three effects, small groups, a far result."""
    rng = np.random.default_rng(8)
    group = np.array([0, 0, 0, 1, 2, 2, 3, 4, 5, 5, 6])
    study = np.array([0, 0, 1, 2, 2, 2, 3])[group]
    frame = simulate_smds(rng, study, group, mean=0.8, taus=(0.6, 0.3, 0.4), sizes=(4, 12))
    n = frame.loc[3, "n1i"]
    frame.loc[3, ["yi", "vi"]] = 5.0, 2 / n + 5.0**2 / (4 * n)
    return frame


def brute_force(
    design: xr.Dataset, spec: ModelSpec, taus: dict[str, float], nu: float | None = None
) -> np.ndarray:
    """Log-likelihood by study: SciPy's density, dense trapezoids over u, w and d."""
    z = np.linspace(-9, 9, 121 if nu is None else 41)
    log_weight = norm.logpdf(z) + np.log(z[1] - z[0])
    u, log_weight_u = z, log_weight
    if nu is not None:  # heavy tails of u need far nodes
        x = np.linspace(-5, 5, 251)
        u, log_weight_u = np.sinh(x), t_density.logpdf(np.sinh(x), nu) + np.log(np.cosh(x) * 0.04)
    n1, n2 = (design[name].values.astype(float) for name in ("n1i", "n2i"))
    scale = correction(n1 + n2 - 2) / np.sqrt(n1 * n2 / (n1 + n2))  # g = scale t
    t, m = design["yi"].values / scale, n1 + n2 - 2
    study_of_effect = design["group_study"].values[design["effect_group"].values]
    log_lik = []
    for study in range(design.sizes["study"]):
        total = np.zeros(len(u))
        for group in np.unique(design["effect_group"].values[study_of_effect == study]):
            above = taus["study"] * u[:, None] + taus["group"] * z  # u, w
            inside = np.zeros_like(above)
            for i in np.flatnonzero(design["effect_group"].values == group):
                mean = BETA[0] + above
                if nu is not None:
                    at = np.linspace(-45, 45, 601)  # a spline of the density, which is slow
                    d = at[:, None] + taus.get("effect", 0.0) * z
                    density = nct.logpdf(t[i], m[i], d / scale[i] * correction(m[i]))
                    spline = CubicSpline(
                        at, np.maximum(logsumexp(density + log_weight, axis=-1), -500)
                    )
                    inside += spline(np.clip(mean, -45, 45))
                elif "effect" in taus:
                    d = mean[..., None] + taus["effect"] * z
                    density = nct.logpdf(t[i], m[i], d / scale[i] * correction(m[i]))
                    inside += logsumexp(density + log_weight, axis=-1)
                else:
                    inside += nct.logpdf(t[i], m[i], mean / scale[i] * correction(m[i]))
                inside -= np.log(scale[i])
            total += logsumexp(inside + log_weight, axis=-1)
        log_lik.append(logsumexp(total + log_weight_u))
    return np.array(log_lik)


def test_three_levels_equal_brute_force(small: pd.DataFrame) -> None:
    design = build_design(small, THREE)
    expected = brute_force(design, THREE, {"study": 0.6, "group": 0.3})
    found = log_likelihood_by_study(design, THREE, BETA, [0.6, 0.3])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def changes(rng: np.random.Generator, k: int, mean: float, tau: float) -> pd.DataFrame:
    """Groups of 5 to 9 that are measured twice: differences drawn person by person, then SMCC."""
    n = rng.integers(5, 10, k)
    theta = mean + tau * rng.standard_normal(k)
    d = [
        (x := centre + rng.standard_normal(size)).mean() / x.std(ddof=1)
        for centre, size in zip(theta, n, strict=True)
    ]
    yi, vi = smcc_t(np.array(d) * np.sqrt(n), n.astype(float))
    names = [f"s{i}" for i in range(k)]
    return pd.DataFrame(
        {"study": names, "group": names, "effect": names, "yi": yi, "vi": vi}
    ).assign(ni=n)


STUDIES = replace(THREE, levels=("study",))


def test_changes_of_a_group_equal_brute_force() -> None:
    frame = changes(np.random.default_rng(1), 6, 0.7, 0.5)
    design = build_design(frame, STUDIES)
    n = frame["ni"].to_numpy(float)[:, None]
    u = np.linspace(-9, 9, 2001)
    scale = correction(n - 1) / np.sqrt(n)  # g = scale t
    t = frame["yi"].to_numpy()[:, None] / scale
    density = nct.pdf(t, n - 1, (BETA[0] + 0.5 * u) * np.sqrt(n)) / scale
    expected = np.log(np.trapezoid(density * norm.pdf(u), u, axis=1))
    found = log_likelihood_by_study(design, STUDIES, BETA, [0.5])
    np.testing.assert_allclose(found, expected, atol=1e-5)  # groups of 5 need more than 5 nodes


def test_both_kinds_of_a_row_and_rows_that_are_neither(small: pd.DataFrame) -> None:
    rows = changes(np.random.default_rng(1), 3, 0.7, 0.5)
    both = pd.concat([small, rows], ignore_index=True)
    statistics = statistics_of(build_design(both, STUDIES))
    n1 = small["n1i"].to_numpy()
    np.testing.assert_array_equal(statistics.m, [*(2 * n1 - 2), *(rows["ni"] - 1)])
    np.testing.assert_allclose(statistics.variance(both["yi"].to_numpy()), both["vi"])
    with pytest.raises(
        BadInput, match=r"1 effects with a vi that does not follow .* and sizes: s2"
    ):
        build_design(both.assign(vi=both["vi"].where(both["effect"] != "s2", 4.0)), STUDIES)
    with pytest.raises(BadInput, match=r"above 3 or ni above 2: s0"):
        build_design(both.assign(ni=both["ni"].where(both["effect"] != "s0", 2)), STUDIES)


@pytest.mark.slow
def test_changes_of_small_groups_have_no_bias() -> None:
    """The normal likelihood is far off: its variance is small where g is small."""
    found = {"t": [], "normal": []}
    for seed in range(100):
        frame = changes(np.random.default_rng(seed), 30, 1.5, 0.5)
        for likelihood, rows in found.items():
            spec = replace(STUDIES, likelihood=likelihood)
            tree = independent_posterior(build_design(frame, spec), spec, seed=seed, chains=1)
            beta = tree["posterior"].dataset["beta"].values.ravel()
            rows.append((beta.mean(), *np.quantile(beta, [0.025, 0.975])))
    exact, normal = (np.array(rows) for rows in found.values())
    assert abs(exact[:, 0].mean() - 1.5) < 0.045 < 0.15 < abs(normal[:, 0].mean() - 1.5)
    assert ((exact[:, 1] < 1.5) & (exact[:, 2] > 1.5)).mean() > 0.9


@pytest.mark.slow
def test_four_levels_equal_brute_force(small: pd.DataFrame) -> None:
    design = build_design(small, FOUR)
    expected = brute_force(design, FOUR, {"study": 0.6, "group": 0.3, "effect": 0.4})
    found = log_likelihood_by_study(design, FOUR, BETA, [0.6, 0.3, 0.4])
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("spec", [THREE, FOUR], ids=["three", "four"])
def test_nodes_have_converged(
    small: pd.DataFrame, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 125 nodes of four levels (25 of three) are near the limit of many, far from the truth."""
    from bayesmeta.model.likelihood import exact_smd

    design = build_design(small, spec)
    for beta, tau in (([0.7], [0.6, 0.3, 0.4]), ([-2.0], [1.5, 0.01, 0.9]), ([4.0], [0.1, 2, 0.1])):
        few = log_likelihood_by_study(design, spec, beta, tau[: len(spec.levels)])
        monkeypatch.setattr(exact_smd, "NODES", (21, 21))
        monkeypatch.setattr(exact_smd, "EFFECT_NODES", 21)
        many = log_likelihood_by_study(design, spec, beta, tau[: len(spec.levels)])
        monkeypatch.undo()
        np.testing.assert_allclose(few, many, atol=5e-3)


@pytest.mark.parametrize("spec", [HEAVY, replace(HEAVY, levels=("study", "group", "effect"))])
@pytest.mark.parametrize("nu", [1.5, pytest.param(30.0, marks=pytest.mark.slow)])
def test_heavy_tails_equal_brute_force(small: pd.DataFrame, spec: ModelSpec, nu: float) -> None:
    design = build_design(small, spec)
    taus = {"study": 0.6, "group": 0.3, "effect": 0.4}
    chosen = {level: taus[level] for level in spec.levels}
    expected = brute_force(design, spec, chosen, nu)
    found = log_likelihood_by_study(design, spec, BETA, list(chosen.values()), nu)
    np.testing.assert_allclose(found, expected, atol=5e-4)
    likelihood = likelihood_of(design, spec)
    arguments = map(jnp.asarray, (BETA, list(chosen.values()), nu))
    np.testing.assert_allclose(jax.jit(likelihood.log_density)(*arguments), found, rtol=1e-10)


def test_draws_with_heavy_tails_follow_the_likelihood(small: pd.DataFrame) -> None:
    design = build_design(small, HEAVY)
    tree = independent_posterior(design, HEAVY, draws=500, seed=2)
    posterior = tree["posterior"].to_dataset()
    assert posterior.attrs["k_hat"] < 0.7
    assert {"beta", "tau_study", "tau_group", "nu", "u", "w"} <= set(posterior.data_vars)
    normal = independent_posterior(design, THREE, draws=500, seed=2)["posterior"].to_dataset()
    # the prior of nu lets the far study pull the mean up a little less
    assert abs(float(posterior["beta"].mean() - normal["beta"].mean())) < 0.15


@pytest.mark.parametrize("spec", [THREE, FOUR], ids=["three", "four"])
def test_jax_gives_the_same(small: pd.DataFrame, spec: ModelSpec) -> None:
    likelihood = likelihood_of(build_design(small, spec), spec)
    tau = np.array([0.6, 0.3, 0.4])[: len(spec.levels)]
    expected = log_likelihood_by_study(build_design(small, spec), spec, BETA, tau)
    found = jax.jit(likelihood.log_density)(jnp.asarray(BETA), jnp.asarray(tau))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_large_groups_give_the_normal_likelihood() -> None:
    rng = np.random.default_rng(4)
    study = np.repeat(np.arange(6), 2)
    frame = simulate_smds(rng, study, study, mean=0.2, taus=(0.3, 0, 0), sizes=(4000, 5000))
    exact, normal = (
        log_likelihood_by_study(build_design(frame, spec), spec, [0.2], [0.3, 0.1])
        for spec in (THREE, replace(THREE, likelihood="normal"))
    )
    np.testing.assert_allclose(exact, normal, atol=0.02)


def test_draws_of_random_effects_follow_the_exact_conditional(small: pd.DataFrame) -> None:
    """Effects of studies, one with a far result, against their densities on a grid."""
    spec = replace(THREE, levels=("study",))
    design = build_design(small, spec)
    draws = Parameters(np.full((1, 20_000), 0.7), np.full((1, 20_000), 0.6))
    random = likelihood_of(design, spec).draw_random_effects(np.random.default_rng(1), draws)
    statistics = statistics_of(design)
    u = np.linspace(-4, 5, 3001)[:, None]
    log_density = nct.logpdf(statistics.t, statistics.m, (0.7 + u) * statistics.root_n)
    for study in range(design.sizes["study"]):
        effects = design["group_study"].values[design["effect_group"].values] == study
        weight = np.exp(log_density[:, effects].sum(1) + norm.logpdf(u[:, 0], 0, 0.6))
        mean = np.average(u[:, 0], weights=weight)
        sd = np.sqrt(np.average((u[:, 0] - mean) ** 2, weights=weight))
        assert random.u[study].mean() == pytest.approx(mean, abs=0.04 * sd)
        assert random.u[study].std() == pytest.approx(sd, rel=0.03)


def test_replicates_are_hedges_g_of_noncentral_t(small: pd.DataFrame) -> None:
    statistics = statistics_of(build_design(small, THREE))
    theta = np.full((len(small), 40_000), 1.2)
    drawn = draw_results(np.random.default_rng(2), theta, statistics)
    error = drawn.std(1) / np.sqrt(drawn.shape[1])
    np.testing.assert_array_less(np.abs(drawn.mean(1) - 1.2), 5 * error)  # g is unbiased
    expected = nct.var(statistics.m, 1.2 * statistics.root_n) * statistics.g_per_t**2
    np.testing.assert_allclose(drawn.var(1)[statistics.m > 8], expected[statistics.m > 8], rtol=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="n2i"), r"the table has no column \['n2i'\]; add them"),
        (lambda frame: frame.assign(n1i=0), "11 effects without two sizes above 0"),
        (lambda frame: frame.assign(vi=frame["vi"] * 2), "11 effects with a vi that does not"),
    ],
)
def test_a_table_without_what_it_needs_is_refused(
    small: pd.DataFrame, change: object, message: str
) -> None:
    assert callable(change)
    with pytest.raises(BadInput, match=message):
        build_design(change(small), THREE)
