"""The models of an average, their weights, and what is averaged."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from averaging_tables import spec_of, table_of

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.robustness import averaging

SETS = 100
STUDIES = 8


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    vi = rng.uniform(0.03, 0.1, 12)
    species = pd.Categorical(np.tile(["mouse", "rat"], 6), ["mouse", "rat"])
    yi = 0.3 + rng.normal(0, np.sqrt(vi + 0.05))
    return table_of(yi, vi, dose=rng.uniform(1, 5, 12), age=rng.uniform(1, 9, 12), species=species)


def members(frame: pd.DataFrame, terms: str, over: str) -> list[averaging.Member]:
    return averaging.members_of(frame, spec_of(terms), over.split(","))


@pytest.mark.parametrize(
    ("terms", "over", "count"),
    [
        ("1", "effect", 2),
        ("1", "effect,heterogeneity", 4),
        ("1", "effect,heterogeneity,bias", 36),
        ("0 + species", "effect,moderators", 3),
        ("0 + species", "effect,heterogeneity,moderators", 6),
        ("1 + dose + age", "moderators", 4),
        ("1 + dose * age", "moderators", 5),
        ("1 + dose + species", "effect,moderators", 8),
    ],
)
def test_the_models_are_all_combinations(
    frame: pd.DataFrame, terms: str, over: str, count: int
) -> None:
    found = members(frame, terms, over)
    assert len(found) == len({member.name for member in found}) == count
    assert sum(member.prior for member in found) == pytest.approx(1)


def test_half_of_the_probability_is_on_either_side_of_a_part(frame: pd.DataFrame) -> None:
    found = members(frame, "1", "effect,heterogeneity,bias")
    for part in ("effect", "heterogeneity", "bias"):
        assert sum(m.prior for m in found if m.present[part]) == pytest.approx(0.5)
    of_slopes = sum(m.prior for m in found if m.bias in ("PET", "PEESE"))
    assert of_slopes == pytest.approx(0.25)


def test_weights_fall_by_default_and_have_the_prior_of_the_model_file_if_asked(
    frame: pd.DataFrame,
) -> None:
    """The six functions of Bartoš et al. 2023 with an alpha of 1 for every step."""
    selected = [m for m in members(frame, "1", "bias") if "p ." in m.bias]
    sizes = [len(m.spec.priors["weights"].parameters) for m in selected]
    assert sizes == [len(m.spec.cutpoints) + 1 for m in selected] == [2, 3, 2, 3, 3, 4]
    assert {m.spec.priors["weights"].family for m in selected} == {"CumulativeDirichlet"}
    asked = averaging.members_of(frame, spec_of(), ["bias"], "independent")
    priors = {str(m.spec.priors["weights"]) for m in asked if "p ." in m.bias}
    assert priors == {"Gamma(2, 1.5)"}
    evaluated = averaging.exact(members(frame, "1", "effect")[0])
    table = averaging.models_table([(m, evaluated) for m in members(frame, "1", "bias")])
    stated = table.set_index("model")["weights_prior"]
    assert stated["bias: one-sided p .05, .5"] == "CumulativeDirichlet(1, 1, 1)"
    assert stated["no bias"] == stated["bias: PET"] == ""


def test_the_prior_of_moderators_corrects_for_their_number(frame: pd.DataFrame) -> None:
    """Every number of moderators is as probable, and every set of that number."""
    found = members(frame, "1 + dose + age + species", "moderators")
    by_size = pd.Series({m.name: sum(m.present.values()) for m in found})
    prior = pd.Series({m.name: m.prior for m in found})
    np.testing.assert_allclose(prior.groupby(by_size).sum(), 0.25)
    np.testing.assert_allclose(prior[by_size == 1], 0.25 / 3)


def test_an_average_is_the_mixture_of_its_models(frame: pd.DataFrame) -> None:
    found = members(frame, "0 + species", "effect,heterogeneity,moderators")
    pairs = [(member, averaging.exact(member)) for member in found]
    log_mass = np.array([np.log(m.prior) + e.log_evidence for m, e in pairs])
    weight = np.exp(log_mass) / np.exp(log_mass).sum()
    np.testing.assert_allclose(averaging.probabilities(pairs), weight)
    difference = np.array([-1.0, 1.0])
    combinations = {"mouse": np.array([1.0, 0.0]), "rat - mouse": difference}
    table = averaging.averaged_table(pairs, combinations, {"mouse"}).set_index("name")
    means = np.array([e.weight @ e.beta @ e.spread.T for _, e in pairs])
    equal = np.array([not m.present["differences of cells"] for m, _ in pairs])
    absent = np.array([not m.present["effect"] for m, _ in pairs])
    mouse, rat_minus_mouse = table.loc["mouse"], table.loc["rat - mouse"]
    assert mouse["mean"] == pytest.approx(weight @ means[:, 0], abs=1e-6)
    assert mouse["p_zero"] == pytest.approx(weight[absent].sum())
    assert rat_minus_mouse["p_zero"] == pytest.approx(weight[equal].sum())
    assert rat_minus_mouse["mean"] == pytest.approx(weight @ (means @ difference), abs=1e-6)
    shares = mouse[["p_positive", "p_negative", "p_zero"]].sum()
    assert shares == pytest.approx(1)
    assert mouse["conditional_mean"] == pytest.approx(
        (weight * ~absent) @ means[:, 0] / weight[~absent].sum(), abs=1e-6
    )
    assert mouse["pi_lb"] < mouse["ci_lb"]
    assert np.isnan(rat_minus_mouse["pi_lb"])


@pytest.mark.slow
def test_models_are_true_as_often_as_their_posterior_probability() -> None:
    """Models and parameters from their priors: probabilities of models are calibrated."""
    rng = np.random.default_rng(11)
    dose = np.linspace(-1.5, 1.5, STUDIES)
    spec = spec_of("1 + dose")
    hits, stated = [], []
    for _ in range(SETS):
        vi = rng.uniform(0.02, 0.1, STUDIES)
        has_effect, has_tau, has_slope = rng.random(3) < 0.5
        z = (dose - dose.mean()) / dose.std(ddof=1)
        mean = has_effect * rng.normal() + has_slope * rng.normal() * z
        tau = has_tau * abs(rng.normal(0, 0.5))
        frame = table_of(rng.normal(mean, np.sqrt(vi + tau**2)), vi, dose=dose)
        found = averaging.members_of(frame, spec, ["effect", "heterogeneity", "moderators"])
        pairs = [(member, averaging.exact(member)) for member in found]
        truth = {"effect": has_effect, "heterogeneity": has_tau, "dose": has_slope}
        hits += [dict(member.present) == truth for member in found]
        stated += list(averaging.probabilities(pairs))
    probability, true = np.array(stated), np.array(hits, float)
    for low, high in ((0, 0.05), (0.05, 0.3), (0.3, 0.7), (0.7, 1.0)):
        inside = (probability >= low) & (probability < high)
        error = np.sqrt((probability * (1 - probability))[inside].sum()) / inside.sum()
        assert inside.sum() > 20
        assert abs(true[inside].mean() - probability[inside].mean()) < 3.3 * error, (low, high)


def test_a_wider_prior_favours_no_effect(frame: pd.DataFrame) -> None:
    weak = frame.assign(yi=frame["yi"] - frame["yi"].mean())
    found = members(weak, "1", "effect")
    table = averaging.sensitivity_table([(m, averaging.exact(m)) for m in found])
    assert list(table["scale"]) == sorted(table["scale"])
    factors = table["log_bayes_factor"].to_numpy()
    assert (np.diff(factors) < 0).all()
    at_one = table.loc[table["scale"] == 1.0, "log_bayes_factor"].item()
    pairs = [(m, averaging.exact(m)) for m in found]
    inclusion = averaging.inclusion_table(pairs)
    assert at_one == pytest.approx(inclusion.loc[0, "log_bayes_factor"])


@pytest.mark.parametrize(
    ("terms", "over", "message"),
    [
        ("1", "effects", "the parts are: effect, heterogeneity, bias, moderators"),
        ("1", "", "nothing to average over|cannot average over"),
        ("0 + species + dose", "effect", "an intercept"),
    ],
)
def test_what_cannot_be_averaged_is_refused(
    frame: pd.DataFrame, terms: str, over: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        members(frame, terms, over)


@pytest.mark.filterwarnings("error")
def test_a_bayes_factor_beyond_all_numbers_is_infinite(frame: pd.DataFrame) -> None:
    found = members(frame, "1", "effect")
    evidence = {True: 0.0, False: -2000.0}
    pairs = [
        (m, replace(averaging.exact(m), log_evidence=evidence[m.present["effect"]])) for m in found
    ]
    row = averaging.inclusion_table(pairs).iloc[0]
    assert row["log_bayes_factor"] == pytest.approx(2000)
    assert np.isinf(row["bayes_factor"])
    assert row["posterior"] == 1
