"""Posteriors after future studies, against plain refits, closed forms and exact mixtures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.stats import nct, norm

from bayesmeta import planning
from bayesmeta.data.effect_sizes import correction
from bayesmeta.inference import quadrature
from bayesmeta.inference.quadrature import Mixture, Posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.spec import ModelSpec, read_spec

SIZES = (0, 1, 3)
JOINT = {"terms": "0 + organism:valence", "tau_by": "organism", "sides": "organism"}


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return replace(read_spec("three-level"), terms="0 + valence", contrasts={})


def two_organisms(frame: pd.DataFrame) -> pd.DataFrame:
    """The first 40 studies are of persons."""
    human = frame["study"].str[1:].astype(int) < 40
    return frame.assign(
        organism=pd.Categorical(np.where(human, "human", "animal"), ["human", "animal"])
    )


def with_new(
    frame: pd.DataFrame, cells: list[dict[str, str]], y: np.ndarray, v: np.ndarray
) -> pd.DataFrame:
    """The table with new studies y, v (studies, q), a group each, that measure the cells."""
    rows = [
        {
            "study": f"new{s}",
            "group": f"new{s}",
            "effect": f"new{s}:{at}",
            "yi": y[s, at],
            "vi": v[s, at],
            **cell,
        }
        for s in range(len(y))
        for at, cell in enumerate(cells)
    ]
    both = pd.concat([frame, pd.DataFrame(rows, columns=[*frame.columns])], ignore_index=True)
    for name in ("valence", "organism"):
        if name in frame:
            both[name] = pd.Categorical(both[name], frame[name].cat.categories)
    both.attrs = frame.attrs
    return both


def summaries(mixture: Mixture) -> tuple[float, float]:
    return mixture.quantile(0.975) - mixture.quantile(0.025), 1 - mixture.cdf(0.0)


@pytest.mark.parametrize(
    ("changes", "contrast", "tolerance"),
    [
        ({}, "fear - neutral", 1e-6),
        ({}, "fear", 1e-6),
        ({"rho": 0.5}, "fear - 0.5 * neutral", 1e-6),
        ({"levels": ("study", "group", "effect")}, "fear - neutral", 1e-4),
        (JOINT, "human:fear - human:neutral", 1e-6),
        (JOINT | {"tau_by": ""}, "human:fear - animal:fear", 1e-6),
    ],
)
def test_equals_a_plain_refit_with_the_new_studies(
    simulated: pd.DataFrame,
    spec: ModelSpec,
    changes: dict[str, object],
    contrast: str,
    tolerance: float,
) -> None:
    spec, frame = replace(spec, **changes), two_organisms(simulated)  # type: ignore[arg-type]
    fine = 1e-6 if len(spec.levels) == 2 else 1e-2
    design = build_design(frame, spec)
    row = planning.chosen_contrasts(design, spec, [contrast])[0]
    stratum = planning.choose_stratum(design, spec, None)
    measured = planning.measured_terms(design, spec, row, stratum)
    today = planning.today_of(
        quadrature.integrate_posterior(design, spec, tolerance=fine),
        row,
        measured,
        rho=spec.rho,
        replicates=2,
    )
    y, v = planning.simulate_studies(today.tau, today.beta, max(SIZES), 30, rho=spec.rho)
    found = planning.refit_each(today.start, y, v, SIZES).set_index(["replicate", "studies"])
    names = ("organism", "valence")[-len(measured[0].split(":")) :]
    cells = [
        {"organism": "human"} | dict(zip(names, term.split(":"), strict=True)) for term in measured
    ]
    for replicate in range(2):
        both = build_design(with_new(frame, cells, y[replicate], v[replicate]), spec)
        posterior = quadrature.integrate_posterior(both, spec, tolerance=fine)
        weights = row.reindex(term=list(posterior.terms), fill_value=0.0).values
        want = summaries(quadrature.combination(posterior, weights))
        np.testing.assert_allclose(
            found.loc[replicate, SIZES[-1]], want, rtol=tolerance, atol=tolerance
        )


def test_the_other_side_stays_as_it_is(simulated: pd.DataFrame, spec: ModelSpec) -> None:
    spec, frame = replace(spec, **JOINT), two_organisms(simulated)  # type: ignore[arg-type]
    design = build_design(frame, spec)
    row = planning.chosen_contrasts(design, spec, ["human:fear - 2 * animal:fear"])[0]
    posterior = quadrature.integrate_posterior(design, spec)
    assert isinstance(posterior, quadrature.Joint)
    today = planning.today_of(posterior, row, ["human:fear"], replicates=3000)
    whole = quadrature.combination(posterior, row.sel(term=list(posterior.terms)).values)
    assert today.truth.mean() == pytest.approx(whole.mean, abs=4 * whole.sd / np.sqrt(3000))
    assert today.truth.std() == pytest.approx(whole.sd, rel=0.05)
    y, v = planning.simulate_studies(today.tau[:1], today.beta[:1], 3, 30)
    found = planning.refit_each(today.start, y, v, SIZES)
    assert found.loc[0, ["width", "p_positive"]].tolist() == pytest.approx(
        [today.width, today.p_positive], abs=1e-7
    )
    human, animal = (posterior.parts[name] for name in ("human", "animal"))
    cells = [{"organism": "human", "valence": "fear"}]
    both = quadrature.integrate_posterior(
        build_design(with_new(frame, cells, y[0], v[0]), spec), spec
    )
    assert isinstance(both, quadrature.Joint)
    human = both.parts["human"]
    one = quadrature.combination(
        human, np.array([float(term == "human:fear") for term in human.terms])
    )
    other = quadrature.combination(
        animal, np.array([-2.0 * (term == "animal:fear") for term in animal.terms])
    )
    assert found.loc[2, ["width", "p_positive"]].tolist() == pytest.approx(
        summaries(pairwise(one, other)), abs=1e-6
    )
    assert today.floor == pytest.approx(summaries(other)[0], abs=1e-6)


def pairwise(one: Mixture, other: Mixture) -> Mixture:
    """Every likely component with every other."""
    one, other = (Mixture(*(part[m.weight > 1e-10] for part in m[:3])) for m in (one, other))
    return Mixture(
        np.outer(one.weight, other.weight).ravel(),
        np.add.outer(one.centre, other.centre).ravel(),
        np.sqrt(np.add.outer(one.within**2, other.within**2)).ravel(),
    )


@pytest.mark.parametrize(("spread", "shift"), [(0.05, 0.1), (0.4, -0.3), (1.0, 0.0), (0.05, 8.0)])
def test_sums_of_mixtures(spread: float, shift: float) -> None:
    rng = np.random.default_rng(2)
    one, other = (
        Mixture(
            rng.dirichlet(np.full(40, 0.3)),
            shift + spread * rng.normal(size=40),
            0.2 * np.exp(spread * rng.random(40)),
        )
        for _ in range(2)
    )
    for parts, exact in (([one], one), ([one, other], pairwise(one, other))):
        width, p_positive = planning.width_and_probability(parts)
        assert (float(width), float(p_positive)) == pytest.approx(summaries(exact), abs=1e-7)


def normal_posterior(mean: float, sd: float) -> Posterior:
    """A posterior without heterogeneity: one node, all taus zero, beta ~ N(mean, sd^2)."""
    one = np.ones(1)
    levels = ("study", "group")
    return Posterior(
        ("fear",),
        levels,
        np.zeros((1, 2)),
        one,
        one[:, None] * mean,
        sd**2 * one[:, None, None],
        {},
        0.0,
        0.0,
        True,
    )


def test_normal_theory() -> None:
    mean, sd, n, sizes, count = 0.02, 0.03, 4000, (1, 4, 16), 1500
    row = xr.DataArray([1.0], {"term": ["fear"]}, "term")
    today = planning.today_of(normal_posterior(mean, sd), row, ["fear"], replicates=count)
    y, v = planning.simulate_studies(today.tau, today.beta, max(sizes), n)
    refits = planning.refit_each(today.start, y, v, sizes).assign(contrast="c", per_arm=n)
    table = planning.plan_table(refits, {"c": today}).set_index("studies")
    for size, row_found in table.iterrows():
        after = 1 / np.sqrt(1 / sd**2 + size * n / 2)  # v is 2 / n where the effects are small
        moves = np.sqrt(sd**2 - after**2)
        settled = norm.sf(1.96 * after, mean, moves) + norm.cdf(-1.96 * after, mean, moves)

        def rightly(m: float, after: float = after, moves: float = moves) -> float:
            return float(norm.pdf(m, mean, moves) * norm.cdf(abs(m) / after))

        right = sum(
            quad(rightly, *ends)[0] for ends in ((-np.inf, -1.96 * after), (1.96 * after, np.inf))
        )
        assert row_found["width"] == pytest.approx(2 * 1.96 * after, rel=1e-3)
        assert row_found["p_settled"] == pytest.approx(settled, abs=4 * row_found["p_settled_se"])
        assert row_found["p_right"] == pytest.approx(right, abs=4 * row_found["p_settled_se"])
        assert row_found["p_settled_se"] == pytest.approx(
            np.sqrt(settled * (1 - settled) / count), rel=0.1
        )
    assert table["current_p"].iloc[0] == pytest.approx(norm.cdf(mean / sd))
    assert (table["floor_width"] == 0).all()


def test_what_new_studies_find() -> None:
    tau, beta, n = np.tile([0.5, 0.3, 0.2], (4000, 1)), np.tile([1.0, -0.5], (4000, 1)), 12
    y, v = planning.simulate_studies(0 * tau, beta, 3, n)
    for at, theta in enumerate(beta[0]):
        exact = nct(2 * n - 2, theta * np.sqrt(n / 2))
        scale = correction(2 * n - 2) * np.sqrt(2 / n)
        assert exact.mean() * scale == pytest.approx(theta)  # Hedges' g has no bias
        for p in (0.05, 0.5, 0.95):
            share = (y[..., at] < scale * exact.ppf(p)).mean()
            assert share == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / y[..., at].size))
    np.testing.assert_allclose(v, 2 / n + y**2 / (4 * n))
    assert abs(np.corrcoef(y[:, 0].T)[0, 1]) < 0.06
    large, _ = planning.simulate_studies(tau, beta, 2, 100_000)
    covariance = np.cov(np.column_stack([large[:, 0], large[:, 1]]).T)
    want = np.kron(np.eye(2), np.full((2, 2), 0.34)) + 0.04 * np.eye(4)
    np.testing.assert_allclose(covariance, want, atol=0.04)
    tied, _ = planning.simulate_studies(0 * tau, 0 * beta, 1, 1000, rho=0.6)
    assert np.corrcoef(tied[:, 0].T)[0, 1] == pytest.approx(0.6, abs=0.05)


def test_fewer_studies_are_the_first_of_more() -> None:
    tau, beta = np.full((5, 3), 0.3), np.zeros((5, 2))
    many, few = (planning.simulate_studies(tau, beta, size, 20, seed=4).y for size in (7, 3))
    np.testing.assert_array_equal(many[:, :3], few)
    assert not np.array_equal(few, planning.simulate_studies(tau, beta, 3, 20, seed=5).y)
    larger = planning.simulate_studies(tau, beta, 3, 40, seed=4).y
    assert np.corrcoef(larger.ravel(), few.ravel())[0, 1] > 0.9


@pytest.mark.slow
def test_more_studies_and_persons_narrow_and_nothing_is_learnt_on_average(
    simulated: pd.DataFrame, spec: ModelSpec
) -> None:
    design = build_design(simulated, spec)
    row = contrast_weights({"c": "0.3 * fear + neutral"}, ["neutral", "fear"])[0]
    posterior = quadrature.integrate_posterior(design, spec)
    today = planning.today_of(posterior, row, ["neutral", "fear"], replicates=300, seed=2)
    assert today.truth.mean() == pytest.approx(
        quadrature.combination(posterior, row.values).mean, abs=0.03
    )
    widths = []
    for n in (20, 80):
        new = planning.simulate_studies(today.tau, today.beta, 12, n)
        refits = planning.refit_each(today.start, *new, (0, 1, 4, 12))
        at_none = refits[refits["studies"] == 0]
        want = summaries(quadrature.combination(posterior, row.values))
        np.testing.assert_allclose(
            at_none[["width", "p_positive"]], np.tile(want, (300, 1)), atol=1e-6
        )
        average = refits.groupby("studies")[["width", "p_positive"]].mean()
        assert (np.diff(average["width"]) < 0).all()
        # today's probability is the average of tomorrow's
        spread = refits[refits["studies"] == 12]["p_positive"].std() / np.sqrt(300)
        assert average.loc[12, "p_positive"] == pytest.approx(today.p_positive, abs=4 * spread)
        widths.append(average.loc[12, "width"])
    assert widths[1] < widths[0]


def test_draws_are_from_the_posterior(simulated: pd.DataFrame, spec: ModelSpec) -> None:
    design = build_design(simulated, spec)
    posterior = quadrature.integrate_posterior(design, spec)
    row = contrast_weights({"c": "fear - neutral"}, posterior.terms)[0]
    today = planning.today_of(posterior, row, ["neutral", "fear"], replicates=4000)
    terms, taus = (
        table.set_index(key)
        for table, key in (
            (quadrature.terms_table(posterior), "term"),
            (quadrature.taus_table(posterior), "level"),
        )
    )
    np.testing.assert_allclose(
        today.beta.mean(0), terms.loc[["neutral", "fear"], "mean"], atol=0.01
    )
    np.testing.assert_allclose(today.beta.std(0), terms.loc[["neutral", "fear"], "sd"], rtol=0.05)
    np.testing.assert_allclose(
        today.tau.mean(0)[:2], taus.loc[["study", "group"], "mean"], atol=0.01
    )
    np.testing.assert_allclose(today.tau.std(0)[:2], taus.loc[["study", "group"], "sd"], rtol=0.05)
    assert (today.tau[:, 2] == 0).all()
    np.testing.assert_allclose(today.truth, today.beta @ [-1, 1])
    assert np.corrcoef(today.beta.T)[0, 1] == pytest.approx(correlation(posterior), abs=0.05)
    again = planning.today_of(posterior, row, ["neutral", "fear"], replicates=4000)
    np.testing.assert_array_equal(again.beta, today.beta)


def correlation(posterior: Posterior) -> float:
    sums, differences = (
        quadrature.combination(posterior, np.array([1.0, sign])).sd ** 2 for sign in (1, -1)
    )
    own = [quadrature.combination(posterior, np.eye(2)[at]).sd for at in range(2)]
    return float((sums - differences) / 4 / np.prod(own))
