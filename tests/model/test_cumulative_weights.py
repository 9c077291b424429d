"""A cumulative Dirichlet prior of weights: its distribution, its coordinates, its posterior."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from scipy.stats import beta, dirichlet, kstest, norm

from bayesmeta.inference.laplace import laplace_posterior
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.build import build_model
from bayesmeta.model.coordinates import Falling
from bayesmeta.model.design import build_design
from bayesmeta.model.design.small_study import double_use
from bayesmeta.model.flat_coordinates import FlatCoordinates
from bayesmeta.model.priors import draw_prior, log_prior
from bayesmeta.model.spec import ModelSpec, Prior, parse_spec
from bayesmeta.model.spec.cumulative import CumulativeDirichlet
from bayesmeta.model.start import guess_start, initial_values
from bayesmeta.robustness.bias.refits import prior_sd
from bayesmeta.robustness.calibration import calibration_table, refit_sets

TEXT = """
terms = "1"
levels = ["study"]
bias = "selection"
directions = {intercept = "higher"}
cutpoints = CUTS
[priors]
terms = "Normal(0, 1)"
tau = "HalfNormal(0.5)"
weights = "WEIGHTS"
"""
ONE_CUT, TWO_CUTS = "[0.05]", "[0.025, 0.5]"
ALPHA = (1.5, 0.8, 2.0)


def model(cuts: str, weights: str) -> ModelSpec:
    return parse_spec(TEXT.replace("CUTS", cuts).replace("WEIGHTS", weights), "falling")


SPEC = model(TWO_CUTS, "CumulativeDirichlet(1.5, 0.8, 2)")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Fifteen studies of two sexes, of one result."""
    rng = np.random.default_rng(5)
    vi = rng.uniform(0.02, 0.15, 15)
    names = [f"s{n:02d}" for n in range(15)]
    sexes = np.where(np.arange(15) < 8, "female", "male")
    frame = pd.DataFrame({"study": names, "group": names, "effect": names, "vi": vi, "sex": sexes})
    return frame.assign(yi=0.3 + rng.normal(0, np.sqrt(vi + 0.04)))


def by_sex(spec: ModelSpec) -> ModelSpec:
    return replace(spec, tau_by="sex")


def test_weights_are_sums_of_shares() -> None:
    """Its draws are distributed as sums of Dirichlet shares, its marginals are Beta."""
    drawn = CumulativeDirichlet(*ALPHA).rvs((40_000, 4), np.random.default_rng(1))
    assert (np.diff(drawn.reshape(-1, 2)) < 0).all()
    shares = np.random.default_rng(2).dirichlet(ALPHA, 40_000)
    sums = np.cumsum(shares[:, ::-1], 1)[:, ::-1][:, 1:]
    for at, (a, b) in enumerate([(2.8, 1.5), (2.0, 2.3)]):
        for values in (drawn[:, at], drawn[:, 2 + at], sums[:, at]):
            assert kstest(values, beta(a, b).cdf).pvalue > 0.01
    assert np.corrcoef(drawn[:, 0], drawn[:, 2])[0, 1] == pytest.approx(0, abs=0.02)
    assert np.corrcoef(drawn[:, :2].T)[0, 1] == pytest.approx(np.corrcoef(sums.T)[0, 1], abs=0.02)


def test_the_density_is_that_of_the_shares() -> None:
    shares = np.random.default_rng(3).dirichlet((2, 2, 2, 2), 30)
    alpha = (0.7, 1.0, 2.5, 1.2)
    weights = np.cumsum(shares[:, ::-1], 1)[:, ::-1][:, 1:]
    parts = CumulativeDirichlet(*alpha).logpdf(weights)
    assert parts.shape == weights.shape
    np.testing.assert_allclose(parts.sum(1), dirichlet(alpha).logpdf(shares.T), rtol=1e-9)
    assert parts[:, :1] == pytest.approx(beta(4.7, 0.7).logpdf(weights[:, :1]))


@pytest.mark.parametrize(("cuts", "steps"), [(ONE_CUT, 2), (TWO_CUTS, 3)])
def test_prior_draws_have_the_marginals_of_robma(
    frame: pd.DataFrame, cuts: str, steps: int
) -> None:
    """Of one cut uniform; of two Beta(2, 1) and Beta(1, 2)."""
    spec = model(cuts, f"CumulativeDirichlet({', '.join(['1'] * steps)})")
    drawn = draw_prior(build_design(frame, spec), spec, 20_000, np.random.default_rng(1))
    for at in range(1, steps):
        marginal = beta(steps - at, at)
        assert kstest(drawn["weights"][:, at - 1], marginal.cdf).pvalue > 0.01
    wanted = [beta(steps - at, at).std() for at in range(1, steps)]
    np.testing.assert_allclose(prior_sd(spec), wanted)


@pytest.mark.wide
@pytest.mark.parametrize("spec", [SPEC, by_sex(SPEC)], ids=["together", "by sex"])
def test_coordinates_and_density_are_those_of_nuts(spec: ModelSpec, frame: pd.DataFrame) -> None:
    design = build_design(frame, spec)
    start = guess_start(design, spec)
    flat = FlatCoordinates(design, spec, start)
    rng = np.random.default_rng(2)
    z = flat.start + rng.normal(0, 0.7, flat.size)
    weights = flat.place(z[None]).draws["weights"][0]
    chosen = z[flat.taus : flat.taus + len(weights)]
    falling = Falling(2)
    backward = falling.backward(pt.as_tensor(chosen)).eval()
    np.testing.assert_allclose(weights, backward, rtol=1e-12)
    np.testing.assert_allclose(falling.forward(pt.as_tensor(weights)).eval(), chosen, rtol=1e-9)
    initial = initial_values(start, design, spec)["weights"]
    at_start = flat.place(flat.start[None]).draws["weights"][0]
    np.testing.assert_allclose(at_start, initial)
    nuts = build_model(design, spec, start)
    names = [variable.name for variable in nuts.value_vars]
    at = {name: np.zeros_like(value) for name, value in nuts.initial_point().items()}
    (name,) = [name for name in names if name.startswith("weights")]
    of_prior = nuts.compile_logp(vars=[nuts["weights"], *nuts.potentials], sum=True)
    moved, still = ({**at, name: value} for value in (chosen, 0 * chosen))
    found = of_prior(moved) - of_prior(still)

    def wanted(of_weights: np.ndarray) -> float:
        draws = flat.place(np.r_[z[: flat.taus], of_weights, z[flat.taus + len(weights) :]][None])
        of_prior = log_prior(design, spec, draws.draws)["weights"].sum()
        return float(of_prior + draws.log_det[0])

    assert found == pytest.approx(wanted(chosen) - wanted(0 * chosen), abs=1e-9)


def test_the_log_determinant_is_that_of_the_numerical_jacobian(frame: pd.DataFrame) -> None:
    spec = by_sex(SPEC)
    design = build_design(frame, spec)
    flat = FlatCoordinates(design, spec, guess_start(design, spec))
    z = flat.start + np.random.default_rng(4).normal(0, 0.5, flat.size)
    step = 1e-6 * np.eye(flat.size)

    def parameters(points: np.ndarray) -> np.ndarray:
        draws = flat.place(points).draws.values()
        return np.concatenate([values.reshape(len(points), -1) for values in draws], axis=1)

    jacobian = (parameters(z + step) - parameters(z - step)) / 2e-6
    assert flat.place(z[None]).log_det[0] == pytest.approx(np.linalg.slogdet(jacobian)[1], abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_far_candidates_have_finite_weights(frame: pd.DataFrame) -> None:
    design = build_design(frame, SPEC)
    flat = FlatCoordinates(design, SPEC, guess_start(design, SPEC))
    z = np.repeat(flat.start[None], 4, 0)
    z[:, flat.taus : flat.taus + 2] = [[-900, -900], [-900, 900], [900, -900], [900, 900]]
    placed = flat.place(z)
    assert ((placed.draws["weights"] >= 0) & (placed.draws["weights"] <= 1)).all()
    assert not np.isnan(log_prior(design, SPEC, placed.draws)["weights"]).any()


@pytest.mark.slow
def test_nuts_and_importance_agree(frame: pd.DataFrame) -> None:
    design = build_design(frame, SPEC)
    sampled = sample_posterior(design, SPEC, draws=1500, tune=1000, chains=2, seed=1)
    independent = laplace_posterior(design, SPEC, draws=3000, chains=1, parameters_only=True)
    assert independent["posterior"].attrs["k_hat"] < 0.7
    for name in ("beta", "weights"):
        one, other = (tree["posterior"][name] for tree in (independent, sampled))
        dims = ("chain", "draw")
        np.testing.assert_allclose(one.mean(dims), other.mean(dims), atol=0.1 * other.std().item())
        np.testing.assert_allclose(one.std(dims), other.std(dims), rtol=0.12)


def test_the_posterior_of_one_weight_is_a_sum_over_a_grid() -> None:
    """Eight results in the direction, weights 1 (p < .05) and w ~ Uniform(0, 1), tau near 0."""
    y = np.array([0.62, 0.15, 0.81, 0.48, 0.05, 0.7, 0.52, 0.3])
    v = np.array([0.05, 0.08, 0.1, 0.04, 0.06, 0.09, 0.05, 0.03])
    names = list("abcdefgh")
    frame = pd.DataFrame({"study": names, "group": names, "effect": names, "yi": y, "vi": v})
    spec = model(ONE_CUT, "CumulativeDirichlet(1, 1)")
    spec = replace(spec, priors={**spec.priors, "tau": Prior("HalfNormal", (1e-4,))})
    design = build_design(frame, spec)
    tree = laplace_posterior(design, spec, draws=4000, chains=1, parameters_only=True)
    mu, w = np.linspace(-4, 4, 801)[:, None], ((np.arange(400) + 0.5) / 400)[None]
    log_density = norm.logpdf(mu) + np.zeros_like(w)
    for yi, vi in zip(y, v, strict=True):
        limit = norm.isf(0.05)
        above = norm.sf(limit, mu / np.sqrt(vi))
        log_density = (
            log_density + norm.logpdf(yi, mu, np.sqrt(vi)) - np.log(above + w * (1 - above))
        )
        log_density = log_density + (0.0 if yi / np.sqrt(vi) > limit else np.log(w))
    density = np.exp(log_density)
    evidence = np.log(density.sum() * (8 / 800) / 400)
    posterior = tree["posterior"]
    assert posterior.attrs["log_marginal_likelihood"] == pytest.approx(evidence, abs=0.01)
    of_w = density.sum(0) / density.sum()
    assert float(posterior["weights"].mean()) == pytest.approx((of_w * w).sum(), abs=0.005)
    assert float(posterior["beta"].mean()) == pytest.approx(
        (density * mu).sum() / density.sum(), abs=0.01
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cuts", "weights"),
    [(ONE_CUT, "CumulativeDirichlet(1, 1)"), (TWO_CUTS, "CumulativeDirichlet(1, 1, 1)")],
)
def test_ranks_of_simulated_truths_are_uniform(
    cuts: str, weights: str, frame: pd.DataFrame
) -> None:
    spec = model(cuts, weights)
    sets = refit_sets(build_design(frame, spec), spec, "", 1, 0, 200, 99)
    table = calibration_table(sets).set_index("parameter")
    assert len(table) == 2 + cuts.count(",") + 1
    assert table["uniform"].all()
    assert table["coverage"].between(0.90, 0.99).all()
    assert (table["bias"].abs() < 4 * table["bias_se"]).all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(1, 1, 1)", "(1, 1)", r"the cutpoints 0.025, 0.5 make 3 steps: CumulativeDirichlet\(1"),
        ("(1, 1, 1)", "(1, 0, 1)", r"prior of weights is 'Cumul.*; it should be one of Gamma"),
        ("(1, 1, 1)", "(3)", r"CumulativeDirichlet\(alpha, alpha, ...\)"),
        ('bias = "selection"\n', 'bias = "selection"\nweight_function = "beta"\n', "alone; use"),
    ],
)
def test_refuses_what_is_no_prior_of_the_steps(old: str, new: str, message: str) -> None:
    text = TEXT.replace("CUTS", TWO_CUTS).replace("WEIGHTS", "CumulativeDirichlet(1, 1, 1)")
    with pytest.raises(BadInput, match=message):
        parse_spec(text.replace(old, new, 1), "m")


def test_it_is_a_prior_of_weights_alone() -> None:
    with pytest.raises(BadInput, match="prior of tau is 'CumulativeDirichlet"):
        Prior.parse("tau", "CumulativeDirichlet(1, 1)")


def test_directions_from_the_data_are_named(frame: pd.DataFrame) -> None:
    """All weights are below 1: with such directions the prior pulls means to zero."""
    design = build_design(frame, replace(SPEC, directions={}))
    assert "P(weight < 1) = 1.00" in double_use(design, SPEC)
