"""Quadrature against brute force.

Dense covariance matrices, other rules, other coordinates, on small data.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import integrate, special, stats

from bayesmeta.inference import quadrature
from bayesmeta.inference.quadrature import grid
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.priors import log_density, term_prior
from bayesmeta.model.spec import ModelSpec, Prior, parse_spec

PRIORS = {
    "HalfNormal(0.7)": stats.halfnorm(scale=0.7),
    "HalfCauchy(0.5)": stats.halfcauchy(scale=0.5),
    "Exponential(0.6)": stats.expon(scale=0.6),
    "InvGamma(1.5, 0.15)": stats.invgamma(1.5, scale=0.15),
}


def spec_with(
    levels: list[str], tau: str = "HalfNormal(1)", terms: str = "0 + valence"
) -> ModelSpec:
    priors = f'[priors]\nterms = "Normal(0.2, 1.5)"\ntau = "{tau}"'
    return parse_spec(f'terms = "{terms}"\nlevels = {levels}\n{priors}', "small")


def frame_of(study: list[int], group: list[int], yi: np.ndarray, vi: np.ndarray) -> pd.DataFrame:
    labels = {"study": study, "group": group, "effect": range(len(yi))}
    frame = pd.DataFrame(
        {name: [f"{name}{i:05d}" for i in values] for name, values in labels.items()}
    )
    return frame.assign(
        yi=yi, vi=vi, valence=np.where(np.arange(len(yi)) % 3 == 0, "fear", "neutral")
    )


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    """5 studies, 8 groups, 14 effects."""
    rng = np.random.default_rng(5)
    group = [0, 0, 1, 1, 2, 2, 2, 3, 4, 4, 5, 6, 7, 7]
    study = [[0, 0, 1, 1, 2, 3, 3, 4][g] for g in group]
    u, w = rng.normal(0, 0.8, 5), rng.normal(0, 0.4, 8)
    vi = rng.uniform(0.05, 0.3, 14)
    return frame_of(study, group, u[study] + w[group] + rng.normal(0, np.sqrt(vi)), vi)


class Dense(NamedTuple):
    """One tau vector: log p(y | taus), beta's mean and covariance.

    By the multivariate normal of y itself.
    """

    log_likelihood: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


def dense(design: xr.Dataset, levels: tuple[str, ...], rho: float, taus: np.ndarray) -> Dense:
    x, y, v = (design[name].values for name in ("X", "yi", "vi"))
    group = design["effect_group"].values
    study = design["group_study"].values[group]
    same = {
        "study": np.equal.outer(study, study),
        "group": np.equal.outer(group, group),
        "effect": np.eye(len(y)),
    }
    errors = rho * np.sqrt(np.outer(v, v)) * same["group"] + (1 - rho) * np.diag(v)
    total = (
        errors
        + 1.5**2 * x @ x.T
        + sum(taus[:, i, None, None] ** 2 * same[level] for i, level in enumerate(levels))
    )
    residual = y - 0.2 * x.sum(1)
    solved = np.linalg.solve(
        total, np.broadcast_to(np.column_stack([residual, x]), (len(taus), len(y), x.shape[1] + 1))
    )
    log_likelihood = -0.5 * (
        len(y) * np.log(2 * np.pi) + np.linalg.slogdet(total)[1] + solved[..., 0] @ residual
    )
    covariance = 1.5**2 * np.eye(x.shape[1]) - 1.5**4 * x.T @ solved[..., 1:]
    return Dense(log_likelihood, 0.2 + 1.5**2 * solved[..., 0] @ x, covariance)


def brute_force(
    design: xr.Dataset,
    spec: ModelSpec,
    nodes: int,
    tau_prior: Callable[[np.ndarray], np.ndarray],
    split: float,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Log evidence, means and sds of (beta, taus), P(tau <= split) by level.

    Rules on tau itself, in three panels.
    """
    unit, weight = np.polynomial.legendre.leggauss(nodes)
    panels = [(0, split), (split, 1.7), (1.7, 5.0)]
    axis = np.concatenate([low + (high - low) * (unit + 1) / 2 for low, high in panels])
    axis_weight = np.concatenate([(high - low) / 2 * weight for low, high in panels])
    taus = np.array(list(itertools.product(axis, repeat=len(spec.levels))))
    weights = np.array(
        [np.prod(ws) for ws in itertools.product(axis_weight, repeat=len(spec.levels))]
    )
    parts = [
        dense(design, spec.levels, spec.rho, part)
        for part in np.array_split(taus, len(taus) // 2000 + 1)
    ]
    found = Dense(*(np.concatenate(each) for each in zip(*parts, strict=True)))
    log_density = found.log_likelihood + tau_prior(taus).sum(1)
    mass = weights * np.exp(log_density - log_density.max())
    evidence = log_density.max() + np.log(mass.sum())
    mass /= mass.sum()
    means = np.column_stack([found.mean, taus])
    variances = np.column_stack([np.diagonal(found.covariance, axis1=1, axis2=2), 0 * taus])
    mean = mass @ means
    return evidence, mean, np.sqrt(mass @ (variances + (means - mean) ** 2)), mass @ (taus <= split)


def check(
    posterior: quadrature.Posterior,
    want: tuple[float, np.ndarray, np.ndarray, np.ndarray],
    split: float,
    *,
    atol: float = 1e-6,
    atol_below: float = 1e-5,
) -> None:
    evidence, mean, sd, below = want
    terms, taus = quadrature.terms_table(posterior), quadrature.taus_table(posterior)
    assert posterior.converged
    assert posterior.log_marginal_likelihood == pytest.approx(evidence, abs=atol)
    np.testing.assert_allclose(np.concatenate([terms["mean"], taus["mean"]]), mean, atol=atol)
    np.testing.assert_allclose(np.concatenate([terms["sd"], taus["sd"]]), sd, atol=atol)
    np.testing.assert_allclose(
        [quadrature.tau_cdf(posterior, level, split) for level in posterior.levels],
        below,
        atol=atol_below,
    )


@pytest.mark.parametrize("prior", PRIORS)
def test_prior_densities_are_those_of_scipy(prior: str) -> None:
    tau = np.array([0.01, 0.3, 1.0, 4.0])
    np.testing.assert_allclose(
        log_density(Prior.parse("tau", prior), tau), PRIORS[prior].logpdf(tau), rtol=1e-12
    )


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("level", ["study", "group", "effect"])
def test_one_tau_against_adaptive_integration(small: pd.DataFrame, level: str, prior: str) -> None:
    spec = spec_with([level], prior)
    design = build_design(small, spec)

    def integral(
        of: Callable[[float, Dense], float], low: float = 0.0, high: float = np.inf
    ) -> float:
        def density(tau: float) -> float:
            given = dense(design, spec.levels, 0.0, np.array([[tau]]))
            return of(tau, given) * np.exp(given.log_likelihood[0] + 18 + PRIORS[prior].logpdf(tau))

        edges = [edge for edge in (low, 0.05, 0.3, 0.8, 2.0, 8.0, high) if low <= edge <= high]
        return sum(
            integrate.quad(density, *pair, epsrel=1e-10, epsabs=0)[0]
            for pair in itertools.pairwise(edges)
        )

    evidence = integral(lambda tau, given: 1.0)
    posterior = quadrature.integrate_posterior(design, spec)
    assert posterior.converged
    assert posterior.log_marginal_likelihood == pytest.approx(np.log(evidence) - 18, abs=1e-6)
    assert quadrature.tau_cdf(posterior, level, 0.6) == pytest.approx(
        integral(lambda tau, given: 1.0, high=0.6) / evidence, abs=1e-5
    )
    mean = [integral(lambda tau, given, i=i: given.mean[0, i]) / evidence for i in range(2)]
    np.testing.assert_allclose(quadrature.terms_table(posterior)["mean"], mean, atol=1e-6)


@pytest.mark.parametrize(
    ("levels", "rho"),
    [
        (["study", "group"], 0.0),
        (["study", "group"], 0.6),
        (["study", "effect"], 0.3),
        (["group", "effect"], 0.0),
    ],
)
def test_two_taus_against_brute_force(small: pd.DataFrame, levels: list[str], rho: float) -> None:
    spec = replace(spec_with(levels, "HalfNormal(0.7)"), rho=rho)
    design = build_design(small, spec)
    want = brute_force(design, spec, 24, PRIORS["HalfNormal(0.7)"].logpdf, 0.5)
    check(quadrature.integrate_posterior(design, spec), want, 0.5)


def test_three_taus_against_brute_force(small: pd.DataFrame) -> None:
    spec = replace(spec_with(["study", "group", "effect"], "HalfNormal(0.7)"), rho=0.3)
    design = build_design(small, spec)
    want = brute_force(design, spec, 12, PRIORS["HalfNormal(0.7)"].logpdf, 0.5)
    check(quadrature.integrate_posterior(design, spec), want, 0.5)


def averaged(
    each: list[tuple[float, np.ndarray, np.ndarray, np.ndarray]], prior: np.ndarray
) -> tuple[float, ...]:
    """Evidence, means, sds and P(tau <= split) of a mixture of posteriors.

    With these prior probabilities.
    """
    evidence = np.array([one[0] for one in each]) + np.log(prior)
    share = np.exp(evidence - np.logaddexp.reduce(evidence))
    mean, below = (sum(p * one[at] for p, one in zip(share, each, strict=True)) for at in (1, 3))
    second = sum(p * (one[2] ** 2 + one[1] ** 2) for p, one in zip(share, each, strict=True))
    return np.logaddexp.reduce(evidence), mean, np.sqrt(second - mean**2), below, share


def test_a_rho_with_a_prior_is_averaged_by_evidence(small: pd.DataFrame) -> None:
    """Against Gauss-Jacobi nodes of the Beta prior, which are no nodes of the quadrature."""
    fixed = spec_with(["study", "group"], "HalfNormal(0.7)")
    spec = replace(fixed, priors={**fixed.priors, "rho": Prior.parse("rho", "Beta(2, 3)")})
    design = build_design(small, spec)
    rhos, weight = special.roots_sh_jacobi(9, 4, 2)
    each = [
        brute_force(design, replace(fixed, rho=rho), 16, PRIORS["HalfNormal(0.7)"].logpdf, 0.5)
        for rho in rhos
    ]
    *want, share = averaged(each, weight / weight.sum())
    posterior = quadrature.integrate_posterior(design, spec)
    assert isinstance(posterior, quadrature.Posterior)
    check(posterior, tuple(want), 0.5, atol=1e-3, atol_below=1e-3)
    assert posterior.weight @ posterior.outer["rho"] == pytest.approx(share @ rhos, abs=1e-3)
    drawn = quadrature.quadrature_posterior(design, spec, draws=1000, seed=3)["posterior"][
        "rho"
    ].values
    sd = np.sqrt(share @ rhos**2 - (share @ rhos) ** 2)
    assert drawn.mean() == pytest.approx(share @ rhos, abs=4 * sd / np.sqrt(4000))
    assert drawn.std() == pytest.approx(sd, rel=0.06)
    assert len(np.unique(drawn)) > 3500


@pytest.mark.slow
def test_two_pooling_sds_are_averaged_by_evidence(small: pd.DataFrame) -> None:
    """Against a rule over both and the tau, with the covariance of y written out at every node."""
    frame = small.assign(dose=np.where(np.arange(len(small)) % 3 == 0, "low", "high"))
    text = (
        'terms = "0 + valence:dose"\nlevels = ["study"]\n[priors.tau]\nprior = "HalfNormal(0.7)"\n'
    )
    for part in ("valence", "dose"):
        text += (
            f'[priors.{part}]\nprior = "Normal(0, pooling_sd)"\npooling_sd = "HalfNormal(0.5)"\n'
        )
    text += '[priors."valence:dose"]\nprior = "Normal(0, 0.3)"\n'
    spec = parse_spec(text, "pooled")
    design = build_design(frame, spec)
    prior = term_prior(design, spec)
    x, y, v = design["X"].values, design["yi"].values, design["vi"].values
    study = design["group_study"].values[design["effect_group"].values]
    nodes, weight = np.polynomial.legendre.leggauss(16)
    values, log_weight = 1.5 * (nodes + 1), np.log(1.5 * weight)
    log_mass, means = [], []
    for at in itertools.product(range(16), repeat=3):
        one, other, tau = values[list(at)]
        covariance = prior.covariance({"valence": one, "dose": other})
        of_y = x @ covariance @ x.T + np.diag(v) + tau**2 * np.equal.outer(study, study)
        solved = np.linalg.solve(of_y, y)
        log_density = -0.5 * (np.linalg.slogdet(of_y)[1] + y @ solved + len(y) * np.log(2 * np.pi))
        log_density += stats.halfnorm(scale=0.5).logpdf([one, other]).sum() + stats.halfnorm(
            scale=0.7
        ).logpdf(tau)
        log_mass.append(log_density + log_weight[list(at)].sum())
        means.append(covariance @ x.T @ solved)
    share = np.exp(np.array(log_mass) - np.logaddexp.reduce(log_mass))
    posterior = quadrature.integrate_posterior(design, spec)
    np.testing.assert_allclose(
        quadrature.terms_table(posterior)["mean"], share @ np.array(means), atol=1e-3
    )
    assert posterior.log_marginal_likelihood == pytest.approx(
        np.logaddexp.reduce(log_mass), abs=1e-3
    )


@pytest.mark.parametrize(
    "levels",
    [["study", "group"], pytest.param(["study", "group", "effect"], marks=pytest.mark.slow)],
)
def test_shared_controls_against_brute_force(levels: list[str]) -> None:
    """The covariance of the errors by the rule of Gleser and Olkin for one control per study."""
    rng = np.random.default_rng(3)
    study = np.repeat(np.arange(5), [3, 2, 1, 3, 2])
    frame = pd.DataFrame({"study": [f"s{i}" for i in study], "control": [f"c{i}" for i in study]})
    frame["group"] = frame["effect"] = [f"e{i}" for i in range(len(frame))]
    frame = frame.assign(n1i=8.0, n2i=9.0, yi=rng.normal(0.3, 0.6, len(frame)))
    frame["vi"] = 1 / 8 + 1 / 9 + frame["yi"] ** 2 / 34
    spec = replace(spec_with(levels, "HalfNormal(0.7)", terms="1"), shared_controls=True)
    design = build_design(frame, spec)
    y, size = frame["yi"].to_numpy(), np.bincount(study)[study]
    together = np.equal.outer(study, study)
    errors = together * (1 / 9 + np.multiply.outer(y, y) / (2 * (9 + 8 * size)))
    np.fill_diagonal(errors, frame["vi"])
    nodes, weight = np.polynomial.legendre.leggauss(20)
    halfnormal = stats.halfnorm(scale=0.7)
    axes = [(nodes + 1) * 2.0] * len(levels)
    log_mass, means = [], []
    for taus in itertools.product(*axes):
        by_level = dict(zip(levels, taus, strict=True))
        of_y = (
            errors
            + by_level["study"] ** 2 * together
            + by_level["group"] ** 2 * np.eye(len(y))
            + 1.5**2
        )
        of_y += by_level.get("effect", 0.0) ** 2 * np.eye(len(y))
        solved = np.linalg.solve(of_y, y - 0.2)
        log_density = -0.5 * (
            np.linalg.slogdet(of_y)[1] + (y - 0.2) @ solved + len(y) * np.log(2 * np.pi)
        )
        log_mass.append(log_density + halfnormal.logpdf(taus).sum())
        means.append(0.2 + 1.5**2 * solved.sum())
    log_mass += np.log([np.prod(ws) for ws in itertools.product(2.0 * weight, repeat=len(levels))])
    posterior = quadrature.integrate_posterior(design, spec)
    assert posterior.log_marginal_likelihood == pytest.approx(
        np.logaddexp.reduce(log_mass), abs=1e-4
    )
    share = np.exp(log_mass - np.logaddexp.reduce(log_mass))
    assert quadrature.terms_table(posterior)["mean"][0] == pytest.approx(
        share @ np.array(means), abs=1e-4
    )
    left_out = quadrature.leave_one_study_out(design, spec)
    alone = quadrature.integrate_posterior(design, spec, without=["s3"])
    found = left_out.sel(study="s3")
    assert float(found["elpd"]) == pytest.approx(
        posterior.log_marginal_likelihood - alone.log_marginal_likelihood, abs=1e-5
    )
    np.testing.assert_allclose(found["mean"], quadrature.terms_table(alone)["mean"], atol=1e-5)


def test_levels_that_the_data_cannot_tell_apart() -> None:
    """One group per study: only the total t matters.

    Two HalfNormal(1) taus are t Rayleigh and a free angle.
    """
    rng = np.random.default_rng(2)
    y = rng.normal(0.3, np.sqrt(0.5 + 0.1), 1500)
    spec = spec_with(["study", "group"], terms="1")
    design = build_design(
        frame_of(list(range(1500)), list(range(1500)), y, np.full(1500, 0.1)), spec
    )
    t = np.linspace(0.5, 0.95, 4001)
    total = t**2 + 0.1
    between = 1.5**2 + total / 1500
    log_density = -0.5 * (1500 * np.log(2 * np.pi) + 1499 * np.log(total) + np.log(1500 * between))
    log_density -= 0.5 * (((y - y.mean()) ** 2).sum() / total + (y.mean() - 0.2) ** 2 / between)
    log_density += np.log(t) - t**2 / 2
    mass = np.exp(log_density - log_density.max())
    posterior = quadrature.integrate_posterior(design, spec)
    taus = quadrature.taus_table(posterior).set_index("level")
    want = log_density.max() + np.log(integrate.simpson(mass, x=t))
    assert posterior.converged
    assert posterior.log_marginal_likelihood == pytest.approx(want, abs=1e-6)
    mean = integrate.simpson(mass * t, x=t) / integrate.simpson(mass, x=t) * 2 / np.pi
    np.testing.assert_allclose(taus["mean"], mean, atol=1e-6)
    np.testing.assert_allclose(taus.loc["study"], taus.loc["group"], atol=1e-6)


def test_much_data_gives_the_closed_form() -> None:
    """One variance, errors of none.

    With a flat prior on tau, tau^-2 is chi-squared about the sum of squares.
    """
    n = 20_000
    y = stats.norm(1, 0.5).ppf((np.arange(n) + 0.5) / n)
    spec = spec_with(["effect"], "HalfNormal(10000)", terms="1")
    two = [0, 1] * (n // 2)
    posterior = quadrature.integrate_posterior(
        build_design(frame_of(two, two, y, np.full(n, 1e-12)), spec), spec
    )
    taus, terms = (
        quadrature.taus_table(posterior).iloc[0],
        quadrature.terms_table(posterior).iloc[0],
    )
    mean = np.sqrt(n * y.var() / 2) * np.exp(
        special.gammaln((n - 3) / 2) - special.gammaln((n - 2) / 2)
    )
    assert taus["mean"] == pytest.approx(mean, rel=1e-7)
    assert taus["sd"] == pytest.approx(np.sqrt(n * y.var() / (n - 4) - mean**2), rel=1e-5)
    assert taus["ci_ub"] == pytest.approx(
        np.sqrt(n * y.var() / stats.chi2(n - 2).ppf(0.025)), rel=1e-7
    )
    assert terms["mean"] == pytest.approx(1, abs=1e-5)
    assert terms["sd"] == pytest.approx(y.std() / np.sqrt(n - 4), rel=1e-5)


def test_a_level_held_at_zero_is_no_level(small: pd.DataFrame) -> None:
    two, one = (
        spec_with(["study", "group"], "HalfNormal(0.7)"),
        spec_with(["study"], "HalfNormal(0.7)"),
    )
    design = build_design(small, two)
    separate = frame_of(
        list(range(14)), list(range(14)), small["yi"].to_numpy(), small["vi"].to_numpy()
    )
    same = [
        quadrature.integrate_posterior(build_design(separate, spec), spec)
        for spec in (one, replace(one, levels=("group",)))
    ]
    assert same[0].log_marginal_likelihood == pytest.approx(
        same[1].log_marginal_likelihood, abs=1e-9
    )
    tight = replace(two, priors=two.priors | {"tau": Prior.parse("tau", "HalfNormal(0.00001)")})
    fixed = quadrature.integrate_posterior(design, tight)
    want = dense(design, ("study",), 0.0, np.zeros((1, 1)))
    assert fixed.log_marginal_likelihood == pytest.approx(want.log_likelihood[0], abs=1e-6)


def test_the_error_is_honest_and_the_limit_is_admitted(
    small: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_with(["study", "group"], "InvGamma(1, 0.15)")
    design = build_design(small, spec)
    fine = quadrature.integrate_posterior(design, spec, tolerance=1e-10)
    coarse = quadrature.integrate_posterior(design, spec, tolerance=1e-3)
    shift = np.abs(
        quadrature.terms_table(coarse)["mean"] - quadrature.terms_table(fine)["mean"]
    ).max()
    assert shift < coarse.error <= 1e-3
    assert abs(coarse.log_marginal_likelihood - fine.log_marginal_likelihood) < coarse.error
    monkeypatch.setattr(grid, "NODE_LIMIT", 24**2)
    limited = quadrature.integrate_posterior(design, spec, tolerance=1e-12)
    assert not limited.converged
    assert limited.error > 1e-12


def test_unknown_study_is_refused(small: pd.DataFrame) -> None:
    spec = spec_with(["study"])
    with pytest.raises(
        BadInput, match=r"cannot leave out the studies \['nobody'\]; the studies are: study00000"
    ):
        quadrature.integrate_posterior(build_design(small, spec), spec, without=["nobody"])


def test_a_posterior_without_an_integral_is_refused() -> None:
    """Two studies, flat priors: the density does not fall off as a tau grows."""
    frame, spec = (
        frame_of([0, 1], [0, 1], np.array([0.0, 0.9]), np.full(2, 0.05)),
        spec_with(["study"], terms="1"),
    )
    design = build_design(frame, spec)
    assert np.isfinite(quadrature.integrate_taus(design, spec).log_marginal_likelihood)
    with pytest.raises(BadInput, match="do not bound the taus"):
        quadrature.integrate_taus(design, spec.with_flat_priors())
