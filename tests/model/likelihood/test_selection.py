"""Selection at publication: the density against brute force, planted weights recovered.

Bad models are refused.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from bayesmeta.data.effect_sizes import correction
from bayesmeta.estimates.convergence import diagnose
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import integrate_posterior, terms_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.likelihood import likelihood_of
from bayesmeta.model.likelihood.steps import (
    draw_published,
    log_selection,
    selection_from,
    selection_of,
    smd_curvature,
    step_probabilities,
)
from bayesmeta.model.spec import ModelSpec, parse_spec
from likelihoods import log_likelihood_by_study

TEXT = """
terms = "1"
levels = ["study", "group"]
bias = "selection"
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[priors.weights]
prior = "Gamma(2, 2)"
"""
CUTS, WEIGHTS = stats.norm.isf([0.025, 0.5]), np.array([1.0, 0.4, 0.2])


def spec_of(*levels: str) -> ModelSpec:
    return parse_spec(
        TEXT.replace('["study", "group"]', str(list(levels)).replace("'", '"')), "selection"
    )


def few(seed: int = 1) -> pd.DataFrame:
    """Two studies: one of two groups with 2 and 3 effects, one of a single effect."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"study": ["a"] * 5 + ["b"], "group": ["a1"] * 2 + ["a2"] * 3 + ["b1"]})
    return frame.assign(
        effect=[f"e{i}" for i in range(6)], yi=rng.normal(0.4, 0.5, 6), vi=rng.uniform(0.05, 0.2, 6)
    )


def weight_of(y: np.ndarray, v: np.ndarray, sign: float) -> np.ndarray:
    """The step function, from the p-values themselves."""
    p = stats.norm.sf(sign * y / np.sqrt(v))
    return np.where(p < 0.025, WEIGHTS[0], np.where(p < 0.5, WEIGHTS[1], WEIGHTS[2]))


def published_density(
    y: float, theta: np.ndarray, v: float, tau_effect: float, sign: float
) -> np.ndarray:
    """p(y | theta, published) with the normalising constant by numerical integration over y.

    theta : (n,).
    """
    at, spread = (
        np.linspace(theta.min() - 0.1, theta.max() + 0.1, 300),
        np.hypot(np.sqrt(v), tau_effect),
    )
    edges = sign * np.array(
        [-12, 0, CUTS[0] * np.sqrt(v), 12]
    )  # trapezoids that do not step over a cutpoint
    pieces = [
        np.linspace(low + sign * 1e-9, high - sign * 1e-9, 2001) for low, high in pairwise(edges)
    ]
    each = [
        integrate.trapezoid(
            stats.norm.pdf(y, at[:, None], spread) * weight_of(y, v, sign), y, axis=1
        )
        * sign
        for y in pieces
    ]
    total = np.interp(theta, at, np.sum(each, axis=0))
    return stats.norm.pdf(y, theta, spread) * weight_of(np.array(y), v, sign) / total


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("theta", [-3.0, -0.5, 0.0, 0.4, 4.0])
def test_the_density_of_what_is_published_integrates_to_one(sign: float, theta: float) -> None:
    """For any true effect, in each direction, and with another spread than the p-values' error."""
    grid = np.linspace(-12, 12, 24_000)  # without 0, where p = .5
    ones = np.ones(len(grid))
    every = selection_of(grid, 0.1 * ones, sign * ones, (0.025, 0.5), np.zeros(len(grid), int))
    tilt, spread = (
        np.exp(log_selection(theta * ones, 0.4, WEIGHTS[1:], every)),
        np.sqrt(0.1 + 0.4**2),
    )
    assert integrate.trapezoid(tilt * stats.norm.pdf(grid, theta, spread), grid) == pytest.approx(
        1, abs=1e-3
    )
    np.testing.assert_allclose(
        tilt / tilt.max(), weight_of(grid, 0.1, sign) / np.max(weight_of(grid, 0.1, sign))
    )


@pytest.mark.parametrize(
    "levels", [("study", "group"), ("study", "group", "effect"), ("study",), ("effect",)]
)
def test_marginal_likelihood_equals_brute_force(levels: tuple[str, ...]) -> None:
    """Both random effects integrated on a fine grid, the normalising constants numerically."""
    frame, spec = few(), spec_of(*levels)
    design, mu = build_design(frame, spec), 0.3
    taus = {
        level: tau
        for level, tau in (("study", 0.5), ("group", 0.3), ("effect", 0.2))
        if level in levels
    }
    got = log_likelihood_by_study(design, spec, [mu], list(taus.values()), WEIGHTS[1:])
    sign = float(np.sign(frame["yi"].mean()))
    z = np.linspace(-6, 6, 121)
    density = stats.norm.pdf(z) * (z[1] - z[0])
    u, w = z * taus.get("study", 0), z * taus.get("group", 0)
    for at, (_, study) in enumerate(frame.groupby("study")):
        given_u = np.ones(len(u))
        for _, group in study.groupby("group"):
            theta = (mu + u[:, None] + w[None]).ravel()
            each = [
                published_density(y, theta, v, taus.get("effect", 0), sign)
                for y, v in group[["yi", "vi"]].to_numpy()
            ]
            given_u *= np.prod(each, axis=0).reshape(len(u), -1) @ density
        assert float(got[at]) == pytest.approx(np.log(given_u @ density), abs=2e-3)


def test_given_z_it_integrates_to_the_marginal_likelihood() -> None:
    """z are standard normal a priori.

    The mean of the density over them is the marginal likelihood.
    """
    spec = spec_of("study", "group")
    design = build_design(few(), spec)
    parameters = jnp.array([0.3]), jnp.array([0.5, 0.3]), jnp.array(WEIGHTS[1:])
    given = likelihood_of(design, spec).log_density
    nodes, weight = np.polynomial.hermite_e.hermegauss(13)
    weight = weight / weight.sum()
    at = np.array(np.meshgrid(*[range(13)] * 3, indexing="ij")).reshape(
        3, -1
    )  # u, and w of each of the first study's
    z_study = np.column_stack([nodes[at[0]], nodes[at[0]]])
    z_group = np.column_stack([nodes[at[1]], nodes[at[2]], nodes[at[1]]])
    log_density = jax.vmap(lambda u, w: given(*parameters, u, w))(
        jnp.asarray(z_study), jnp.asarray(z_group)
    )
    mean = np.log(np.exp(np.asarray(log_density)).T @ weight[at].prod(0))
    np.testing.assert_allclose(mean, log_likelihood_by_study(design, spec, *parameters), atol=1e-3)


def test_published_replicates_follow_the_density() -> None:
    spec = spec_of("study")
    selection, theta = selection_from(build_design(few(), spec), spec), np.full((6, 40_000), 0.2)
    weights = np.repeat(WEIGHTS[1:, None], 40_000, axis=1)
    drawn = draw_published(np.random.default_rng(1), theta, 0.3, weights, selection).T
    grid = np.linspace(-3, 4, 20_001)
    for at, v in enumerate(few()["vi"]):
        density = stats.norm.pdf(grid, 0.2, np.sqrt(v + 0.3**2)) * weight_of(grid, v, 1.0)
        density /= integrate.trapezoid(density, grid)
        mean = integrate.trapezoid(grid * density, grid)
        sd = np.sqrt(integrate.trapezoid((grid - mean) ** 2 * density, grid))
        assert float(drawn[:, at].mean()) == pytest.approx(mean, abs=4 * sd / 200)
        assert float(drawn[:, at].std()) == pytest.approx(sd, rel=0.03)
        significant = grid > CUTS[0] * np.sqrt(v)
        share = integrate.trapezoid(density * significant, grid)
        assert float((drawn[:, at] > CUTS[0] * np.sqrt(v)).mean()) == pytest.approx(share, abs=0.01)


def test_the_steps_of_hedges_g_are_those_of_its_own_variance() -> None:
    """Shares of significant results of simulated groups of 10.

    With the variance held at that of a large result not.
    """
    rng, n, k = np.random.default_rng(2), 10.0, 200_000
    size = np.full(k, n)
    for theta in (0.0, 0.5, 1.2):
        ratio = stats.nct.rvs(
            2 * n - 2, theta / np.sqrt(2 / n), size=k, random_state=rng
        ) * np.sqrt(2 / n)
        y = correction(np.array(2 * n - 2)) * ratio
        v = 2 / n + y**2 / (4 * n)
        curvature = smd_curvature(y, v, size, size)
        np.testing.assert_allclose(curvature, 1 / (4 * n))
        found = selection_of(y, v, np.ones(k), (0.025, 0.5), np.zeros(k, int), curvature)
        shares = np.bincount(found.step, minlength=3) / k
        np.testing.assert_allclose(
            step_probabilities(np.full(k, theta), 0.0, found)[0], shares, atol=0.02
        )
    fixed = selection_of(y, v, np.ones(k), (0.025, 0.5), np.zeros(k, int))
    assert (
        np.asarray(step_probabilities(np.full(k, 1.2), 0.0, fixed))[y > 1.8, 0] < shares[0] - 0.05
    ).all()


def test_a_variance_that_is_not_that_of_hedges_g_does_not_bend() -> None:
    y, v, n = np.array([0.5, -1.0]), np.array([0.1, 0.3]), np.array([8.0, np.nan])
    np.testing.assert_array_equal(smd_curvature(y, v, n, n), 0.0)


def selected(seed: int, studies: int, kept: tuple[float, float]) -> pd.DataFrame:
    """Effects of mean .3 in groups in studies.

    Of those that are not significant a share is published.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for study in range(studies):
        u = rng.normal(0, 0.4)
        for group in range(2):
            w = rng.normal(0, 0.2)
            for _ in range(3):
                v = rng.uniform(0.05, 0.25)
                y = 0.3 + u + w + rng.normal(0, np.sqrt(v))
                p = stats.norm.sf(y / np.sqrt(v))
                if rng.random() < (1 if p < 0.025 else kept[0] if p < 0.5 else kept[1]):
                    rows.append(
                        {"study": f"s{study}", "group": f"s{study}.{group}", "yi": y, "vi": v}
                    )
    return pd.DataFrame(rows).assign(effect=lambda table: [f"e{i}" for i in range(len(table))])


@pytest.mark.slow
def test_planted_weights_are_found_again() -> None:
    """With weights .3 and .1 the mean without a bias model is far too high.

    With it, the mean is near the truth.
    """
    frame, spec = selected(3, 300, (0.3, 0.1)), spec_of("study", "group")
    design = build_design(frame, spec)
    tree = sample_posterior(design, spec, draws=500, tune=500, chains=2, seed=1)
    found = diagnose(tree)
    assert found["divergences"] == 0
    assert found["max_r_hat"] < 1.02
    posterior = tree["posterior"]
    weights = posterior["weights"].quantile([0.005, 0.995], ("chain", "draw"))
    assert (weights[0] < [0.3, 0.1]).all()
    assert (weights[1] > [0.3, 0.1]).all()
    assert float(posterior["weights"].mean()) < 0.4
    normal = parse_spec(
        TEXT.split("[priors.weights]")[0].replace('bias = "selection"', ""), "normal"
    )
    naive = float(
        terms_table(integrate_posterior(build_design(frame, normal), normal))["mean"].iloc[0]
    )
    assert naive > 0.55
    assert abs(float(posterior["beta"].mean()) - 0.3) < 0.15
    assert float(posterior["tau_study"].mean()) == pytest.approx(0.4, abs=0.12)
    replicate = tree["posterior_predictive"]["obs"].values
    assert replicate.mean() == pytest.approx(
        frame["yi"].mean(), abs=0.05
    )  # of the published, not of all


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
            'bias = "selection"',
            'bias = "selection"\ndirections = {neutral = "down"}',
            "directions of model m are",
        ),
        ('bias = "selection"', "", r"unknown keys \['weights'\]"),
    ],
)
def test_a_model_that_cannot_be_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_spec(TEXT.replace(old, new), "m")


def test_quadrature_says_that_it_does_not_select() -> None:
    spec = spec_of("study", "group")
    with pytest.raises(BadInput, match="estimates weights, which quadrature cannot do"):
        integrate_posterior(build_design(few(), spec), spec)
