"""The joint model of two kinds of studies.

Taus by stratum, priors in parts, pooled and not, against brute force.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import halfnorm, multivariate_normal, norm

from bayesmeta.inference import quadrature
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.reml import fit_reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design, of_stratum
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.likelihood import tau_labels
from bayesmeta.model.priors import log_density, term_prior
from bayesmeta.model.spec import ModelSpec, Prior, parse_spec
from likelihoods import log_likelihood_by_study

APART = '[priors]\nterms = "Normal(0, 1.5)"\ntau = "HalfNormal(1)"'
POOLED = """
[priors."valence:phase"]
prior = "Normal(0.2, 1.5)"
[priors."organism:valence:phase"]
prior = "Normal(0, pooling_sd)"
pooling_sd = "HalfNormal(0.8)"
[priors]
tau = "HalfNormal(1)"
""".replace('[priors]\ntau = "HalfNormal(1)"\n', '[priors.tau]\nprior = "HalfNormal(1)"\n')


def spec_of(priors: str, *, levels: str = '["study"]', by: str = "organism") -> ModelSpec:
    terms = 'terms = "0 + organism:valence:phase"\nsides = "organism"'
    text = f'{terms}\nlevels = {levels}\ntau_by = "{by}"\n{priors}'
    return parse_spec(text, "joint")


@pytest.fixture(scope="module")
def both() -> pd.DataFrame:
    """12 studies of two kinds, 2 x 2 cells, of which persons lack one.

    Taus .3 in persons, .9 in animals.
    """
    rng = np.random.default_rng(11)
    study = np.repeat(np.arange(12), 3)
    organism = np.where(study < 6, "human", "animal")
    valence = rng.choice(["neutral", "fear"], 36)
    phase = np.where(
        (organism == "human") & (valence == "fear"),
        "learning",
        rng.choice(["learning", "memory"], 36),
    )
    u, vi = rng.normal(0, np.where(np.arange(12) < 6, 0.3, 0.9)), rng.uniform(0.05, 0.3, 36)
    labels = {
        name: [f"{name[0]}{i:02d}" for i in of]
        for name, of in (("study", study), ("effect", range(36)))
    }
    frame = pd.DataFrame(
        {
            **labels,
            "group": labels["effect"],
            "organism": organism,
            "valence": valence,
            "phase": phase,
        }
    )
    yi = np.where(valence == "fear", 0.8, -0.4) + u[study] + rng.normal(0, np.sqrt(vi))
    return frame.assign(yi=yi, vi=vi)


def dense_likelihood(
    design: xr.Dataset, tau: dict[str, float], covariance: np.ndarray, mean: np.ndarray
) -> float:
    """Log p(y) with beta and the study effects integrated out: the covariance of y in full."""
    study = design["group_study"].values[design["effect_group"].values]
    own = np.array([tau[name] for name in design["stratum"].values])[
        design["study_stratum"].values[study]
    ]
    x = design["X"].values
    of_y = (
        np.diag(design["vi"].values)
        + own[:, None] * own * np.equal.outer(study, study)
        + x @ covariance @ x.T
    )
    return float(multivariate_normal.logpdf(design["yi"].values, x @ mean, of_y))


def test_each_stratum_has_its_own_tau(both: pd.DataFrame) -> None:
    spec = spec_of(APART, levels='["study", "group", "effect"]')
    design = build_design(both, spec)
    assert tau_labels(design, spec) == [
        f"{o}:{n}" for o in ("animal", "human") for n in ("study", "group", "effect")
    ]
    beta, tau = np.linspace(-1, 1, design.sizes["term"]), np.array([0.9, 0.4, 0.2, 0.3, 0.1, 0.5])
    together = log_likelihood_by_study(design, spec, beta, tau)
    for at, name in enumerate(("animal", "human")):
        part = of_stratum(design, name)
        chosen = beta[np.isin(design["term"].values, part["term"].values)]
        alone = log_likelihood_by_study(
            part, replace(spec, tau_by=""), chosen, tau[3 * at : 3 * at + 3]
        )
        np.testing.assert_allclose(
            together[np.isin(design["study"], part["study"])], alone, rtol=1e-12
        )


def test_a_study_in_two_strata_is_refused(both: pd.DataFrame) -> None:
    frame = both.assign(organism=np.where(both["effect"] == "e00", "animal", both["organism"]))
    with pytest.raises(BadInput, match="the studies s00 have several of its values"):
        build_design(frame, spec_of(APART))


def test_parts_of_the_prior_add_up(both: pd.DataFrame) -> None:
    design = build_design(both, spec_of(POOLED))
    prior = term_prior(design, spec_of(POOLED))
    terms = list(design["term"].values)
    assert len(terms) == 8  # the cell that persons lack has a term, for animals have it
    covariance = prior.covariance({"organism:valence:phase": 0.5})
    one, other = terms.index("human:fear:memory"), terms.index("animal:fear:memory")
    assert covariance[one, one] == pytest.approx(1.5**2 + 0.5**2)
    assert covariance[one, other] == pytest.approx(1.5**2)
    assert covariance[one, terms.index("human:neutral:memory")] == 0
    np.testing.assert_allclose(prior.mean, 0.2)
    assert "human:fear:memory" not in build_design(both, spec_of(APART))["term"].values


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"organism:valence:phase"',
            '"organism:valance"',
            r"names \['valance'\], but the terms are coded by: organism",
        ),
        ("Normal(0, pooling_sd)", "Normal(0, poling_sd)", "it should be one of Normal"),
        ("HalfNormal(0.8)", "Normal(0, 1)", "prior of tau is"),
    ],
)
def test_mistakes_in_the_parts_are_named(
    both: pd.DataFrame, old: str, new: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        term_prior(build_design(both, spec := spec_of(POOLED.replace(old, new))), spec)


@pytest.mark.parametrize(
    "family", ["HalfNormal(0.7)", "HalfCauchy(0.5)", "Exponential(2)", "InvGamma(1.5, 0.15)"]
)
def test_quantiles_and_densities_of_a_prior_are_of_one_distribution(family: str) -> None:
    prior = Prior.parse("tau", family)
    low, high = prior.distribution.ppf([0.3, 0.6])
    grid = np.linspace(low, high, 2001)
    assert np.trapezoid(np.exp(log_density(prior, grid)), grid) == pytest.approx(0.3, abs=1e-6)


@pytest.mark.slow
def test_independent_strata_are_integrated_exactly(both: pd.DataFrame) -> None:
    spec = spec_of(APART)
    design = build_design(both, spec)
    posterior = quadrature.integrate_posterior(design, spec)
    grid = np.linspace(1e-6, 6, 160)
    covariance = 1.5**2 * np.eye(design.sizes["term"])
    nothing = np.zeros(design.sizes["term"])
    log_joint = np.array(
        [
            [
                dense_likelihood(design, {"animal": a, "human": h}, covariance, nothing)
                for h in grid[:80]
            ]
            for a in grid
        ]
    )
    density = np.exp(log_joint - log_joint.max()) * np.outer(
        halfnorm.pdf(grid), halfnorm.pdf(grid[:80])
    )
    brute = np.log(np.trapezoid(np.trapezoid(density, grid[:80], axis=1), grid)) + log_joint.max()
    assert posterior.log_marginal_likelihood == pytest.approx(brute, abs=1e-3)


def test_a_contrast_of_strata_is_the_sum_of_independent_mixtures(both: pd.DataFrame) -> None:
    spec = spec_of(APART)
    design = build_design(both, spec)
    posterior = quadrature.integrate_posterior(design, spec)
    weights = contrast_weights(
        {"d": "human:neutral:memory - animal:neutral:memory"}, list(design["term"].values)
    )
    row = quadrature.contrasts_table(posterior, weights).iloc[0]
    rng = np.random.default_rng(1)
    sides = []
    for name, part in posterior.parts.items():
        mixture = quadrature.combination(
            part, np.isin(part.terms, f"{name}:neutral:memory").astype(float)
        )
        node = rng.choice(len(mixture.weight), 400_000, p=mixture.weight)
        sides.append(rng.normal(mixture.centre[node], mixture.within[node]))
    draws = sides[1] - sides[0]
    assert row["mean"] == pytest.approx(draws.mean(), abs=5 * draws.std() / np.sqrt(len(draws)))
    assert row["sd"] == pytest.approx(draws.std(), rel=0.01)
    assert row["p_positive"] == pytest.approx(np.mean(draws > 0), abs=0.004)
    np.testing.assert_allclose(
        row[["ci_lb", "ci_ub"]].astype(float), np.quantile(draws, [0.025, 0.975]), atol=0.02
    )


def test_swapping_the_labels_flips_the_sign(both: pd.DataFrame) -> None:
    spec = spec_of(APART)
    swapped = both.assign(organism=both["organism"].map({"human": "animal", "animal": "human"}))
    text = {"d": "human:neutral:{phase} - animal:neutral:{phase}"}
    tables = []
    for frame in (both, swapped):
        design = build_design(frame, spec)
        weights = contrast_weights(text, list(design["term"].values))
        tables.append(
            quadrature.contrasts_table(quadrature.integrate_posterior(design, spec), weights)
        )
    np.testing.assert_allclose(tables[0]["mean"], -tables[1]["mean"], rtol=1e-9)
    np.testing.assert_allclose(tables[0]["p_positive"], 1 - tables[1]["p_positive"], atol=1e-9)


def test_leaving_a_study_out_is_the_refit_without_it(both: pd.DataFrame) -> None:
    spec = spec_of(APART)
    design = build_design(both, spec)
    named = {
        "d": "human:neutral:memory - animal:neutral:memory",
        "one side": "human:neutral:memory",
    }
    weights = contrast_weights(named, list(design["term"].values))
    left_out = quadrature.leave_one_study_out(design, spec, weights=weights)
    assert list(left_out["study"].values) == list(design["study"].values)
    whole = quadrature.integrate_posterior(design, spec)
    for study in ("s02", "s09"):
        refit = quadrature.integrate_posterior(design, spec, without=[study])
        one, terms = left_out.sel(study=study), quadrature.terms_table(refit).set_index("term")
        assert one["elpd"] == pytest.approx(
            whole.log_marginal_likelihood - refit.log_marginal_likelihood, abs=1e-5
        )
        np.testing.assert_allclose(
            one["mean"], terms["mean"].loc[list(left_out["term"].values)], atol=1e-5
        )
        taus = quadrature.taus_table(refit).set_index("level")["mean"]
        np.testing.assert_allclose(
            one["tau_mean"], taus.loc[list(left_out["level"].values)], atol=1e-5
        )
        rows = quadrature.contrasts_table(refit, weights)
        np.testing.assert_allclose(one["contrast_mean"], rows["mean"], atol=1e-5)
        np.testing.assert_allclose(one["contrast_sd"], rows["sd"], atol=1e-5)


def test_quadrature_draws_of_strata_are_in_their_places(both: pd.DataFrame) -> None:
    spec = spec_of(APART)
    design = build_design(both, spec)
    tree = quadrature.quadrature_posterior(design, spec, draws=1000, chains=2)
    posterior = quadrature.integrate_posterior(design, spec)
    terms, taus = (
        quadrature.terms_table(posterior),
        quadrature.taus_table(posterior).set_index("level"),
    )
    beta = tree["posterior"]["beta"]
    assert list(beta["term"].values) == list(terms["term"])
    error = terms["sd"] / np.sqrt(2000)
    assert (abs(beta.mean(("chain", "draw")).values - terms["mean"]) < 4.5 * error).all()
    for name in ("animal", "human"):
        drawn = tree["posterior"]["tau_study"].sel(stratum=name)
        assert float(drawn.mean()) == pytest.approx(taus.loc[f"{name}:study", "mean"], rel=0.1)


def test_what_cannot_be_integrated_stratum_by_stratum_says_so(both: pd.DataFrame) -> None:
    pooled = spec_of(POOLED)
    with pytest.raises(
        BadInput, match=r"share the pooling sd of .* sample the model with --sampler numpyro"
    ):
        quadrature.integrate_posterior(build_design(both, pooled), pooled)
    shared = replace(spec_of(APART), terms="0 + valence:phase")
    with pytest.raises(BadInput, match="are shared by strata of 'organism'"):
        quadrature.integrate_posterior(build_design(both, shared), shared)
    with pytest.raises(BadInput, match="one per stratum of 'organism'"):
        fit_reml(build_design(both, spec_of(APART)), spec_of(APART))
    with pytest.raises(BadInput, match=r"the terms \['human:fear:memory'\] have no effects"):
        fit_reml(build_design(both, replace(pooled, tau_by="")), replace(pooled, tau_by=""))


@pytest.mark.slow
def test_nuts_on_the_pooled_model_agrees_with_brute_force(both: pd.DataFrame) -> None:
    """Grid over both taus and the spread, beta given these from the joint normal of (beta, y)."""
    spec = spec_of(POOLED)
    design = build_design(both, spec)
    prior = term_prior(design, spec)
    tau, spread = (np.linspace(0, 2.6, 27) + 0.05 for _ in range(2))
    x, y, mean = design["X"].values, design["yi"].values, prior.mean
    study = design["group_study"].values[design["effect_group"].values]
    stratum = design["study_stratum"].values[study]
    same, weights, means, variances, spreads = np.equal.outer(study, study), [], [], [], []
    for s in spread:
        k = prior.covariance({"organism:valence:phase": s})
        for a in tau:
            for h in tau:
                own = np.array([a, h])[stratum]
                of_y = np.diag(design["vi"].values) + own[:, None] * own * same + x @ k @ x.T
                factor = np.linalg.cholesky(of_y)
                half, residual = (
                    np.linalg.solve(factor, x @ k),
                    np.linalg.solve(factor, y - x @ mean),
                )
                weights.append(
                    -(residual @ residual) / 2
                    - np.log(np.diag(factor)).sum()
                    + norm.logpdf([a, h]).sum()
                    + norm.logpdf(s, 0, 0.8)
                )
                means.append(mean + half.T @ residual)
                variances.append(np.diag(k) - (half**2).sum(0))
                spreads.append(s)
    share = np.exp(np.array(weights) - logsumexp(weights))
    want = share @ np.array(means)
    sd = np.sqrt(share @ (np.array(variances) + (np.array(means) - want) ** 2))
    tree = sample_posterior(design, spec, seed=3)
    draws = tree["posterior"].dataset
    assert (
        int(tree["sample_stats"]["diverging"].sum()) < 10
    )  # so few data that every tau and the spread reach zero
    np.testing.assert_allclose(
        draws["beta"].mean(("chain", "draw")), want, atol=4.5 * sd.max() / np.sqrt(3000)
    )
    np.testing.assert_allclose(draws["beta"].std(("chain", "draw")), sd, rtol=0.1)
    assert float(draws["sd_organism_valence_phase"].mean()) == pytest.approx(
        share @ np.array(spreads), rel=0.08
    )
    assert sd[list(design["term"].values).index("human:fear:memory")] > 2 * np.median(sd)


@pytest.mark.slow
def test_quadrature_over_a_spread_agrees_with_nuts(both: pd.DataFrame) -> None:
    spec = replace(spec_of(POOLED), tau_by="")
    design = build_design(both, spec)
    posterior = quadrature.integrate_posterior(design, spec)
    draws = sample_posterior(design, spec, seed=4)["posterior"].dataset["beta"]
    terms = quadrature.terms_table(posterior)
    np.testing.assert_allclose(
        draws.mean(("chain", "draw")), terms["mean"], atol=4.5 * terms["sd"].max() / np.sqrt(3000)
    )
    np.testing.assert_allclose(draws.std(("chain", "draw")), terms["sd"], rtol=0.1)
