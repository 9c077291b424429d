"""Selection at publication: the density against brute force, planted weights, refusals."""

from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import ArrayLike
from scipy import integrate, stats

from bayesmeta.data.effect_sizes.means import hedges
from bayesmeta.estimates.convergence import diagnose
from bayesmeta.inference.laplace import laplace_posterior
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import integrate_posterior, terms_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import Parameters, likelihood_of, published_studies, tabulation
from bayesmeta.model.likelihood.beta_weights import log_omega, nodes, staircase
from bayesmeta.model.likelihood.publication import Publication, draw_published, results_of
from bayesmeta.model.spec import ModelSpec, Prior, parse_spec
from likelihoods import log_likelihood_by_study
from standardised import simulate_smds

TEXT = """
terms = "1"
levels = ["study", "group"]
bias = "selection"
directions = {intercept = "higher"}
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[priors.weights]
prior = "Gamma(2, 2)"
"""
SPEC = parse_spec(TEXT, "selection")
CUTS = (0.025, 0.5)
WEIGHTS = np.array([1.0, 0.4, 0.2])
BETA = np.array([0.8, 1.3])  # a and b
TAUS = {"study": 0.5, "group": 0.3, "effect": 0.2}


def few(seed: int = 1) -> pd.DataFrame:
    """Two studies: one of two groups with 1 and 3 effects, one of a single effect."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"study": ["a"] * 4 + ["b"], "group": ["a1"] + ["a2"] * 3 + ["b1"]})
    return frame.assign(
        effect=[f"e{i}" for i in range(5)], yi=rng.normal(0.4, 0.5, 5), vi=rng.uniform(0.05, 0.2, 5)
    )


def omega(p: np.ndarray) -> np.ndarray:
    """The step function of p-values."""
    return WEIGHTS[np.searchsorted(CUTS, p, side="right")]


def published_share(theta: np.ndarray, v: float, spread: float) -> np.ndarray:
    """A: the integral over y of N(y; theta, spread^2) omega, piece by piece between the cuts."""
    edges = np.array([-14, 0, stats.norm.isf(CUTS[0]) * np.sqrt(v), 14])
    pieces = [np.linspace(low + 1e-9, high - 1e-9, 2001) for low, high in pairwise(edges)]
    weighted = [
        stats.norm.pdf(y, theta[:, None], spread) * omega(stats.norm.sf(y / np.sqrt(v)))
        for y in pieces
    ]
    parts = zip(weighted, pieces, strict=True)
    total: np.ndarray = np.sum([integrate.trapezoid(w, y, axis=1) for w, y in parts], axis=0)
    return total


@pytest.mark.parametrize("levels", [("study", "group"), tuple(TAUS), ("study",), ("effect",)])
def test_normal_results_equal_brute_force(levels: tuple[str, ...]) -> None:
    """Both integrals on a fine grid: of the results, and of what would be published, by study."""
    spec = replace(SPEC, levels=levels)
    frame = few()
    taus = {level: TAUS[level] for level in levels}
    design = build_design(frame, spec)
    found = log_likelihood_by_study(design, spec, [0.3], list(taus.values()), WEIGHTS[1:])
    z = np.linspace(-6, 6, 121)
    weight = stats.norm.pdf(z) * (z[1] - z[0])
    theta = 0.3 + taus.get("study", 0) * z[:, None] + taus.get("group", 0) * z
    at = np.linspace(theta.min(), theta.max(), 400)
    for position, (_, study) in enumerate(frame.groupby("study")):
        results, published = np.ones(len(z)), np.ones(len(z))
        for _, group in study.groupby("group"):
            of_results, of_published = np.ones_like(theta), np.ones_like(theta)
            for y, v in group[["yi", "vi"]].to_numpy():
                spread = np.hypot(np.sqrt(v), taus.get("effect", 0))
                of_results *= stats.norm.pdf(y, theta, spread) * omega(stats.norm.sf(y / v**0.5))
                of_published *= np.interp(theta, at, published_share(at, v, spread))
            results *= of_results @ weight
            published *= of_published @ weight
        expected = np.log(results @ weight) - np.log(published @ weight)
        assert found[position] == pytest.approx(expected, abs=2e-4)


def alone(y: np.ndarray, **columns: ArrayLike) -> pd.DataFrame:
    """Results as studies of their own."""
    names = [f"s{i:05d}" for i in range(len(y))]
    return pd.DataFrame({"study": names, "group": names, "effect": names, "yi": y}).assign(
        **columns
    )


@pytest.mark.parametrize("function", ["steps", "beta"])
@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("mean", [-1.0, 0.3, 2.0])
def test_densities_of_published_results_integrate_to_one(
    mean: float, two_sided: bool, function: str
) -> None:
    """Of normal results, and of Hedges' g of two groups of 4, whatever the mean."""
    spec = replace(SPEC, levels=("study",), two_sided=two_sided, weight_function=function)
    weights = WEIGHTS[1:] if function == "steps" else BETA
    points = 9_001 if function == "steps" else 901  # beta weights have no jumps
    y = np.linspace(-8, 10, points)
    design = build_design(alone(y, vi=0.1), spec)
    log_density = log_likelihood_by_study(design, spec, [mean], [0.4], weights)
    assert integrate.trapezoid(np.exp(log_density), y) == pytest.approx(1, abs=2e-3)
    spec = replace(spec, likelihood="t")
    y = np.concatenate([-np.geomspace(400, 8, 1000)[:-1], y, np.geomspace(10, 400, 1000)[1:]])
    frame = alone(y, vi=2 / 4 + y**2 / (4 * 4), n1i=4, n2i=4)
    design = build_design(frame, spec)
    log_density = log_likelihood_by_study(design, spec, [mean], [0.4], weights)
    assert integrate.trapezoid(np.exp(log_density), y) == pytest.approx(1, abs=4e-3)


def test_shares_of_significant_hedges_g_are_those_of_simulated_groups() -> None:
    rng = np.random.default_rng(2)
    n, k = 6.0, 200_000
    for theta in (-0.4, 0.0, 1.2):
        mean = theta + rng.normal(0, 0.3, k)
        t = stats.nct.rvs(2 * n - 2, mean / np.sqrt(2 / n), size=k, random_state=rng)
        p = stats.t.sf(t, 2 * n - 2)
        spec = replace(SPEC, likelihood="t", levels=("study",))
        yi, vi = hedges(np.array([0.5, 0.1]) * np.sqrt(2 / n), n, n)
        design = build_design(alone(yi, vi=vi, n1i=n, n2i=n), spec)
        publication = Publication(results_of(design, spec)[0])
        reached = publication.reached(np.full(2, theta), 0.3**2)[0]
        np.testing.assert_allclose(reached, [(p < cut).mean() for cut in CUTS], atol=0.004)


def test_without_selection_nothing_changes() -> None:
    """With weights of 1 every result is published: the likelihood is that without selection."""
    rng = np.random.default_rng(5)
    group = np.array([0, 0, 1, 2, 3, 3])
    frame = simulate_smds(
        rng, np.array([0, 0, 1, 2])[group], group, mean=0.5, taus=(0.4, 0.2, 0.1), sizes=(5, 9)
    )
    for likelihood in ("normal", "t"):
        plain = replace(SPEC, bias="", directions={}, likelihood=likelihood)
        plain = replace(plain, priors={key: SPEC.priors[key] for key in ("terms", "tau")})
        spec = replace(SPEC, likelihood=likelihood)
        np.testing.assert_allclose(
            log_likelihood_by_study(build_design(frame, spec), spec, [0.4], [0.5, 0.2], [1, 1]),
            log_likelihood_by_study(build_design(frame, plain), plain, [0.4], [0.5, 0.2]),
            atol=1e-12,
        )


@pytest.fixture(scope="module")
def nested() -> pd.DataFrame:
    """Twelve studies of one to three groups of one to five effects, several of equal sizes."""
    rng = np.random.default_rng(9)
    group = np.repeat(np.arange(24), rng.integers(1, 6, 24))
    study = np.sort(np.concatenate([np.arange(12), rng.integers(0, 12, 12)]))[group]
    frame = simulate_smds(rng, study, group, mean=0.5, taus=(1.0, 0.4, 0.3), sizes=(4, 30))
    return frame.assign(valence=np.where(rng.random(len(frame)) < 0.5, "a", "b"))


@pytest.mark.parametrize("likelihood", ["normal", "t"])
@pytest.mark.parametrize("levels", [("study", "group"), tuple(TAUS)])
def test_nodes_have_converged_and_jax_gives_the_same(
    nested: pd.DataFrame,
    likelihood: str,
    levels: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = replace(SPEC, terms="0 + valence", directions={"a": "higher"}, levels=levels)
    spec = replace(spec, likelihood=likelihood)
    design = build_design(nested, spec)
    parameters = ([0.3, -0.2], [1.2, 0.5, 0.3][: len(levels)], [0.3, 0.05])
    few_nodes = log_likelihood_by_study(design, spec, *parameters)
    compiled = jax.jit(likelihood_of(design, spec).log_density)
    np.testing.assert_allclose(compiled(*map(jnp.asarray, parameters)), few_nodes, rtol=1e-9)
    monkeypatch.setattr(published_studies, "FINE", published_studies.Nodes(81, 81, 61, 81))
    many = log_likelihood_by_study(design, spec, *parameters)
    np.testing.assert_allclose(few_nodes, many, atol=5e-3)


@pytest.mark.parametrize("own_groups", [False, True])
@pytest.mark.parametrize("parameters", [(0.3, 0.7, 0.3, 0.1), (-2.6, 1.58, 0.208, 0.015)])
def test_far_means_have_their_probability_of_publication(
    parameters: tuple[float, ...], own_groups: bool
) -> None:
    """Precise pairs of results, whose A has steep steps; too few nodes make far means likely.

    An error of .08 per study was enough for a posterior around -2.6 in place of .3.
    """
    mean, tau, *weights = parameters
    k = 40
    v = 2 / np.random.default_rng(1).integers(10, 80, k)
    frame = pd.DataFrame({"study": np.repeat([f"s{i:02d}" for i in range(k)], 2), "yi": 0.6})
    frame = frame.assign(vi=np.repeat(v, 2), effect=[f"e{i}" for i in range(2 * k)])
    frame["group"] = frame["effect"] if own_groups else frame["study"]
    levels, taus = (("study", "group"), [tau, 1e-3]) if own_groups else (("study",), [tau])
    spec = replace(SPEC, levels=levels)
    found = log_likelihood_by_study(build_design(frame, spec), spec, [mean], taus, weights)
    z = np.linspace(-9, 9, 2001)
    prior = stats.norm.pdf(z) * (z[1] - z[0])
    theta, se = mean + tau * z, np.sqrt(v)[:, None]
    significant, right = (stats.norm.sf(c - theta / se) for c in stats.norm.isf(CUTS))
    A = weights[1] + (1 - weights[0]) * significant + (weights[0] - weights[1]) * right
    step = np.where(0.6 / se[:, 0] > stats.norm.isf(CUTS[0]), 1.0, weights[0])
    results = (stats.norm.pdf(0.6, theta, se) ** 2 @ prior) * step**2
    expected = np.log(results) - np.log(A**2 @ prior)
    assert abs((found - expected).mean()) < 0.01


@pytest.mark.parametrize("taus", [(1.2, 0.5), (0.02, 1.0), (2.0, 0.01), (0.5, 0.5)])
def test_a_table_has_the_values_at_all_pairs(taus: tuple[float, float]) -> None:
    """Of the sum of log A of three effects, for a draw alone and for two draws."""
    z = (np.linspace(-4, 4, 21), np.linspace(-4, 4, 15))

    def log_A(x: np.ndarray) -> np.ndarray:
        return np.log(0.1 + 0.9 * stats.norm.cdf(x / 0.3)) + np.log(0.2 + stats.norm.cdf(x - 1))

    sums = taus[0] * z[0][:, None] + taus[1] * z[1]
    table = log_A(sum(taus) * tabulation.points(81))[None]
    found = tabulation.at_pairs(table, *taus, *z)
    np.testing.assert_allclose(found[0], log_A(sums), atol=0.03)
    inner = np.abs(sums) < 3 * np.hypot(*taus)
    assert np.abs((found[0] - log_A(sums))[inner]).mean() < 2e-3
    both = tabulation.at_pairs(
        np.stack([table, table], 1), *(np.array([tau, tau]) for tau in taus), *z
    )
    np.testing.assert_allclose(both, np.stack([found, found], 1), rtol=1e-12)


def test_a_mean_far_against_the_direction_is_not_likely(nested: pd.DataFrame) -> None:
    """The probability of publication has no digits there: it must not be taken as nearly zero."""
    spec = replace(SPEC, likelihood="t")
    frame = nested.assign(yi=4 + nested["yi"].abs())
    sizes = frame[["n1i", "n2i"]]
    frame["vi"] = (1 / sizes).sum(axis=1) + frame["yi"] ** 2 / (2 * sizes.sum(axis=1))
    design = build_design(frame, spec)
    weights = [1e-200, 1e-300]
    near = log_likelihood_by_study(design, spec, [4.5], [1.0, 0.4], weights).sum()
    less_far = ((-5.0, [1.0, 0.4]), (-5.0, [0.5, 1.0]))
    for mean, taus in ((-50.0, [1.0, 1e-3]), *less_far):
        far = log_likelihood_by_study(design, spec, [mean], taus, weights).sum()
        assert far < near - 100


def beta_omega(p: np.ndarray) -> np.ndarray:
    """Beta weights of p-values."""
    p = np.clip(p, 1e-5, 1 - 1e-5)
    return p ** (BETA[0] - 1) * (1 - p) ** (BETA[1] - 1)


@pytest.mark.parametrize("function", ["steps", "beta"])
@pytest.mark.parametrize("likelihood", ["normal", "t"])
def test_published_replicates_follow_the_density(likelihood: str, function: str) -> None:
    spec = replace(SPEC, likelihood=likelihood, levels=("study",), weight_function=function)
    weight_of = omega if function == "steps" else beta_omega
    planted = WEIGHTS[1:] if function == "steps" else BETA
    yi, vi = hedges(np.array([0.5, 0.1, 1.2]), 6.0, 6.0)
    design = build_design(alone(yi, vi=vi, n1i=6, n2i=6), spec)
    results, statistics = results_of(design, spec)
    size = (3, 40_000)
    weights = np.tile(planted[:, None], (3, 1, 1))
    variance = np.full((1, size[1]), 0.3**2)
    rng = np.random.default_rng(1)
    drawn = draw_published(rng, np.full(size, 0.2), variance, weights, results)
    proposed = (results.r[:, None] * rng.normal(0.2, 0.3, size)) + rng.standard_normal(size)
    df = results.df[:, None]
    p = stats.norm.sf(proposed)
    if likelihood == "t":
        proposed = proposed / np.sqrt(rng.chisquare(df, size) / df)
        p = stats.t.sf(proposed, df)
    for row in range(3):
        share = np.average(proposed[row] > statistics[row], weights=weight_of(p[row]))
        assert (drawn[row] > statistics[row]).mean() == pytest.approx(share, abs=0.015)
        mean = np.average(proposed[row], weights=weight_of(p[row]))
        assert drawn[row].mean() == pytest.approx(mean, abs=0.04)


def published(
    rng: np.random.Generator,
    studies: int,
    *,
    effects: int,
    tau: float,
    weights: tuple[float, float],
) -> pd.DataFrame:
    """Studies of true mean .3 whose results were published, all or none."""
    rows: list[pd.DataFrame] = []
    while len(rows) < studies:
        n = float(rng.integers(10, 80))
        theta = 0.3 + rng.normal(0, tau)
        y = rng.normal(theta, np.sqrt(2 / n), effects)
        p = stats.norm.sf(y / np.sqrt(2 / n))
        chance = np.prod(np.select([p < 0.025, p < 0.5], [1, weights[0]], weights[1]))
        if rng.random() < chance:
            name = f"s{len(rows)}"
            rows.append(pd.DataFrame({"study": name, "group": name, "yi": y, "vi": 2 / n}))
    table = pd.concat(rows, ignore_index=True)
    return table.assign(effect=[f"e{i}" for i in range(len(table))])


@pytest.mark.parametrize(("a", "b"), [(0.4, 1.5), (2.0, 3.0), (1.0, 1.0)])
@pytest.mark.parametrize(("mean", "spread"), [(-3.0, 1.0), (0.0, 1.3), (3.0, 2.0)])
def test_the_staircase_of_beta_weights_gives_the_integral(
    mean: float, spread: float, a: float, b: float
) -> None:
    def density(T: float) -> float:
        weight = np.exp(log_omega(stats.norm.sf(T), np.float64(a), np.float64(b)))
        return float(weight * stats.norm.pdf(T, mean, spread))

    end = stats.norm.isf(1e-5)
    pieces = pairwise((-30, -end, 0, end, 30))
    expected = sum(integrate.quad(density, *piece, epsabs=1e-10)[0] for piece in pieces)
    reached = stats.norm.sf((stats.norm.isf(nodes()[0]) - mean) / spread)
    steps = staircase(np.array([[a, b]]))[0]
    assert steps @ np.diff(np.r_[0, reached, 1]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weights", [(0.3, 0.1), (1.5, 0.5)])
def test_new_studies_are_those_that_are_published(weights: tuple[float, float]) -> None:
    """The mean of u is E u A(u) / E A(u) under the prior."""
    spec = replace(SPEC, levels=("study",))
    likelihood = likelihood_of(build_design(alone(np.full(40, 0.2), vi=0.1), spec), spec)
    draws = 2_000
    given = np.repeat(np.array(weights)[:, None], draws, 1)
    parameters = Parameters(np.zeros((1, draws)), np.ones((1, draws)), {"weights": given})
    u = likelihood.draw_new_effects(np.random.default_rng(1), parameters).u
    at = np.linspace(-8, 8, 4001)
    significant, right = stats.norm.sf([[1.96], [0]] - at / np.sqrt(0.1))
    A = significant + weights[0] * (right - significant) + weights[1] * (1 - right)
    density = A * stats.norm.pdf(at)
    assert u.mean() == pytest.approx((at * density).sum() / density.sum(), abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize("effects", [1, 2])
def test_the_mean_of_all_studies_is_recovered(effects: int) -> None:
    """With weights .3 and .1 the mean of what is published is far too high."""
    spec = replace(SPEC, levels=("study",))
    weights = (0.3, 0.1)
    frame = published(np.random.default_rng(3), 300, effects=effects, tau=0.7, weights=weights)
    design = build_design(frame, spec)
    tree = sample_posterior(design, spec, draws=500, tune=500, chains=2, seed=1)
    found = diagnose(tree)
    assert found["divergences"] == 0
    assert found["max_r_hat"] < 1.02
    posterior: xr.Dataset = tree["posterior"].to_dataset()
    interval = posterior["weights"].quantile([0.005, 0.995], ("chain", "draw"))
    assert (interval[0] < [0.3, 0.1]).all()
    assert (interval[1] > [0.3, 0.1]).all()
    plain: ModelSpec = replace(spec, bias="", directions={})
    plain = replace(plain, priors={key: SPEC.priors[key] for key in ("terms", "tau")})
    naive = terms_table(integrate_posterior(build_design(frame, plain), plain))["mean"].iloc[0]
    assert naive > 0.65
    beta = posterior["beta"]
    assert abs(float(beta.mean()) - 0.3) < 3 * float(beta.std()) < 0.6
    replicate = tree["posterior_predictive"]["obs"].values
    assert replicate.mean() == pytest.approx(frame["yi"].mean(), abs=0.06)  # of the published


@pytest.mark.slow
def test_directions_from_the_data_need_a_prior_that_leans_to_large_weights() -> None:
    """Of 20 studies with a mean near 0, in the direction that the data have.

    The weights are from Gamma(2, 2). As a prior it pulls means to zero, by .02 in 400 sets;
    Gamma(2, 1.5) does not.
    """
    spec = replace(SPEC, levels=("study",), directions={})
    entries = {"terms": "Normal(0, 0.3)", "tau": "HalfNormal(0.5)", "weights": "Gamma(2, 1.5)"}
    priors = {key: Prior.parse(key, entry) for key, entry in entries.items()}
    spec = replace(spec, priors=priors)
    away, covered = [], []
    for seed in range(150):
        rng = np.random.default_rng([1, seed])
        mean, tau = rng.normal(0, 0.3), abs(rng.normal(0, 0.5))
        weights = rng.gamma(2, 0.5, 2)
        scaled = np.array([1, *weights]) / max(1, *weights)
        v = 2 / rng.integers(10, 80, 4000)
        y = rng.normal(mean, np.sqrt(tau**2 + v))
        p = stats.norm.sf(y / np.sqrt(v))
        kept = rng.random(4000) < np.select([p < 0.025, p < 0.5], scaled[:2], scaled[2])
        y, v = y[kept][:20], v[kept][:20]
        design = build_design(alone(y, vi=v), spec)
        tree = laplace_posterior(design, spec, chains=1, seed=seed, parameters_only=True)
        beta = tree["posterior"]["beta"].values
        low, high = np.quantile(beta, [0.025, 0.975])
        covered.append(low < mean < high)
        away.append((beta.mean() - mean) * np.sign(y.mean()))
    assert abs(np.mean(away)) < 3 * np.std(away) / np.sqrt(len(away)) < 0.05
    assert np.mean(covered) > 0.9


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'bias = "selection"',
            'bias = "selektion"',
            "bias of model m is 'selektion'; it should be one of",
        ),
        ('[priors.weights]\nprior = "Gamma(2, 2)"', "", r"gives no prior for \['weights'\]"),
        ('bias = "selection"', 'bias = "selection"\nrho = 0.5', "independent within a group"),
        (
            'bias = "selection"',
            'bias = "selection"\ncutpoints = [0.5, 0.025]',
            "ascending p-values",
        ),
        (
            'directions = {intercept = "higher"}',
            'directions = {neutral = "down"}',
            "directions of model m are",
        ),
        ('bias = "selection"', "", r"unknown keys \['weights'\]"),
        (
            'bias = "selection"',
            'bias = "selection"\npublished_unit = "paper"',
            "published_unit of model m is 'paper'; it should be one of study, result",
        ),
        (
            'bias = "selection"',
            'bias = "selection"\nweight_function = "beta"\ncutpoints = [0.05]',
            "beta weights, whose cutpoints are fixed",
        ),
        (
            'bias = "selection"',
            'bias = "selection"\ntwo_sided = 2',
            "two_sided of model m are 2; they should be true or false",
        ),
    ],
)
def test_a_model_that_cannot_be_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_spec(TEXT.replace(old, new), "m")


def test_quadrature_says_that_it_does_not_select() -> None:
    with pytest.raises(BadInput, match="estimates weights, which quadrature cannot do"):
        integrate_posterior(build_design(few(), SPEC), SPEC)
