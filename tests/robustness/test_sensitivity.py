"""Power-scaling equals exact posteriors of scaled densities; refits are those of their priors."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from bayesmeta.data import datasets
from bayesmeta.estimates.contrasts import contrasts_of
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import (
    Mixture,
    combination,
    integrate_posterior,
    quadrature_posterior,
)
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import with_model
from bayesmeta.model.spec import ModelSpec, Prior, parse_spec, read_spec
from bayesmeta.model.spec.other_priors import OTHER_PRIORS
from bayesmeta.robustness.sensitivity import BASE, psense_table, refit_priors

MODEL = """
terms = "0 + valence"
levels = ["study", "group"]
priors.terms = "Normal(0, 1.5)"
priors.tau = "HalfNormal(1)"
contrasts."fear - neutral" = "fear - neutral"
"""
SPEC = parse_spec(MODEL, "small")


@pytest.fixture(scope="module")
def small(simulated: pd.DataFrame) -> xr.Dataset:
    """Ten studies, so that the priors are felt."""
    return build_design(simulated.iloc[:40], SPEC)


def drawn(design: xr.Dataset, spec: ModelSpec = SPEC) -> xr.DataTree:
    return quadrature_posterior(design, spec, draws=2000)


@pytest.fixture(scope="module")
def tree(small: xr.Dataset) -> xr.DataTree:
    return drawn(small)


def cdf_distance(p: np.ndarray, q: np.ndarray, x: np.ndarray) -> float:
    """Cumulative Jensen-Shannon distance of two distributions on a grid, the worse of x and -x."""

    def one(p: np.ndarray, q: np.ndarray) -> float:
        middle = (p + q) / 2
        half = p * np.log2(p / middle) + q * np.log2(q / middle)
        return float(np.sqrt(np.trapezoid(half, x) / np.trapezoid(p + q, x)))

    return max(one(p, q), one(1 - p, 1 - q))


def slope(lower: np.ndarray, base: np.ndarray, upper: np.ndarray, x: np.ndarray) -> float:
    """D of powers .99 and 1.01 from the distribution functions."""
    return (
        cdf_distance(lower, base, x) / -np.log2(0.99) + cdf_distance(upper, base, x) / np.log2(1.01)
    ) / 2


def conjugate(
    prior: tuple[float, float], data: tuple[float, float], draws: int = 4000
) -> tuple[xr.DataTree, float]:
    """A mean with a normal posterior, as quantiles; the prior's sensitivity in closed form."""

    def posterior(power: float) -> tuple[float, float]:
        precisions = power / prior[1] ** 2, 1 / data[1] ** 2
        total = sum(precisions)
        return (precisions[0] * prior[0] + precisions[1] * data[0]) / total, total**-0.5

    unit = (np.arange(draws) + 0.5) / draws
    values = np.random.default_rng(1).permutation(norm.ppf(unit, *posterior(1))).reshape(4, -1)
    tau = abs(np.random.default_rng(2).normal(size=values.shape))
    labels = {"chain": range(4), "draw": range(values.shape[1])}
    dims = ("chain", "draw")
    text = MODEL.replace("0 + valence", "1").split("contrasts")[0]
    log_prior = {"beta": (dims, norm.logpdf(values, *prior)), "tau_study": (dims, norm.logpdf(tau))}
    log_likelihood = {
        "obs_study": ((*dims, "study"), norm.logpdf(data[0], values, data[1])[..., None])
    }
    draws_of = {"beta": ((*dims, "term"), values[..., None]), "tau_study": (dims, tau)}
    design = xr.Dataset(coords={"term": ["intercept"]}, attrs={"dataset": "conjugate"})
    groups = {
        "posterior": xr.Dataset(draws_of, {**labels, "term": ["intercept"]}),
        "log_prior": xr.Dataset(log_prior, labels),
        "log_likelihood": xr.Dataset(log_likelihood, labels),
        "constant_data": with_model(design, parse_spec(text, "conjugate")),
    }
    x = np.linspace(values.min(), values.max(), 20001)
    return xr.DataTree.from_dict(groups), slope(
        *(norm.cdf(x, *posterior(power)) for power in (0.99, 1.0, 1.01)), x
    )


@pytest.mark.parametrize(
    ("prior", "data", "diagnosis"),
    [
        ((0.0, 100.0), (0.5, 0.2), "neither"),
        ((0.0, 1.5), (0.5, 0.2), "neither"),
        ((3.0, 0.3), (0.5, 0.2), "prior-data conflict"),
        ((0.0, 0.1), (0.5, 1.0), "prior dominates"),
    ],
)
def test_sensitivity_of_a_conjugate_mean(
    prior: tuple[float, float], data: tuple[float, float], diagnosis: str
) -> None:
    found, exact = conjugate(prior, data)
    row = psense_table(found).set_index("contrast").loc["intercept"]
    assert row["prior_terms"] == pytest.approx(exact, rel=0.05, abs=1e-4)
    assert row["diagnosis"] == diagnosis
    assert row["whose"] == ("" if diagnosis == "neither" else "terms")
    # the data's power is felt as the prior's would be with both changed about
    swapped, other = conjugate(data, prior)
    assert row["likelihood"] == pytest.approx(other, rel=0.05, abs=1e-4)
    assert psense_table(swapped).set_index("contrast").loc[
        "intercept", "prior_terms"
    ] == pytest.approx(other, rel=0.05)


def test_sensitivity_is_that_of_exact_refits(small: xr.Dataset, tree: xr.DataTree) -> None:
    """N(0, s) to the power a is N(0, s / sqrt a), HalfNormal likewise: models, integrated."""
    table, weights = psense_table(tree).set_index("contrast"), contrasts_of(tree)
    for column, keys in {
        "prior": ("terms", "tau"),
        "prior_terms": ("terms",),
        "prior_taus": ("tau",),
    }.items():
        mixtures = [powered(small, weights, keys, power) for power in (0.99, 1.0, 1.01)]
        for name, *three in zip(weights["contrast"].values, *mixtures, strict=True):
            x = np.linspace(*(three[1].quantile(p) for p in (1e-4, 1 - 1e-4)), 1001)
            exact = slope(*(np.array([one.cdf(value) for value in x]) for one in three), x)
            assert table.loc[name, column] == pytest.approx(exact, rel=0.15, abs=0.002), (
                name,
                column,
            )


def powered(
    design: xr.Dataset, weights: xr.DataArray, keys: tuple[str, ...], power: float
) -> list[Mixture]:
    scaled = {
        "terms": Prior("Normal", (0.0, 1.5 / power**0.5)),
        "tau": Prior("HalfNormal", (1 / power**0.5,)),
    }
    posterior = integrate_posterior(
        design, replace(SPEC, priors={**SPEC.priors, **{key: scaled[key] for key in keys}})
    )
    return [combination(posterior, row) for row in weights.values]


def test_rows_are_terms_contrasts_and_taus(tree: xr.DataTree) -> None:
    table = psense_table(tree)
    assert table["contrast"].tolist() == [
        "neutral",
        "fear",
        "fear - neutral",
        "tau_study",
        "tau_group",
    ]
    assert table.columns[-3:].tolist() == ["prior_terms", "prior_taus", "whose"]
    own, other = table.loc[3, ["prior_taus", "prior_terms"]]
    assert own > 5 * other


@pytest.mark.parametrize(("prior", "whose"), [("terms", "terms"), ("tau", "taus")])
def test_a_strong_wrong_prior_is_a_conflict(small: xr.Dataset, prior: str, whose: str) -> None:
    wrong = {"terms": Prior("Normal", (4.0, 0.5)), "tau": Prior("HalfNormal", (0.05,))}[prior]
    row = "fear" if prior == "terms" else "tau_study"
    table = psense_table(
        drawn(small, replace(SPEC, priors={**SPEC.priors, prior: wrong}))
    ).set_index("contrast")
    assert table.loc[row, "diagnosis"] in ("prior-data conflict", "prior dominates")
    assert whose in table.loc[row, "whose"]
    vague = {"terms": Prior("Normal", (0.0, 50.0)), "tau": Prior("HalfNormal", (20.0,))}
    table = psense_table(drawn(small, replace(SPEC, priors=vague))).set_index("contrast")
    assert (table["diagnosis"] == "neither").all()


@pytest.mark.slow
def test_nuts_says_the_same(small: xr.Dataset, tree: xr.DataTree) -> None:
    sampled = psense_table(sample_posterior(small, SPEC, draws=1000, tune=500))
    exact = psense_table(tree)
    assert sampled["contrast"].tolist() == exact["contrast"].tolist()
    np.testing.assert_allclose(sampled["prior"], exact["prior"], rtol=0.3, atol=0.006)


def test_strata_and_other_parameters_have_rows_and_columns_of_their_own(tree: xr.DataTree) -> None:
    """The human taus are the tree's; those of rats have another order and no density."""
    split, strata = tree.copy(), xr.Variable("stratum", ["human", "rat"])
    posterior, log_prior = (split[name].to_dataset() for name in ("posterior", "log_prior"))
    for level in ("tau_study", "tau_group"):
        other = posterior[level].copy(data=posterior[level].values[:, ::-1])
        posterior[level] = xr.concat([posterior[level], other], strata)
        log_prior[level] = xr.concat([log_prior[level] / 2] * 2, strata)
    split["posterior"] = xr.DataTree(posterior)
    split["log_prior"] = xr.DataTree(log_prior.assign(nu=posterior["beta"][..., 0]))
    table, before = psense_table(split), psense_table(tree)
    names = [
        f"tau_{stratum}:{level}" for stratum in ("human", "rat") for level in ("study", "group")
    ]
    assert table["contrast"][3:].tolist() == names
    np.testing.assert_allclose(table["prior_taus"][3:5], before["prior_taus"][3:], rtol=1e-6)
    assert (table["prior_taus"][5:].to_numpy() < before["prior_taus"][3:].to_numpy() / 2).all()
    assert table.columns[-4:].tolist() == ["prior_terms", "prior_taus", "prior_nu", "whose"]
    felt, idle = table["prior_nu"][[0, 5]]  # it leans on the first term
    assert felt > 4 * idle


def test_a_tree_without_densities_is_refused(handmade: xr.DataTree) -> None:
    with pytest.raises(BadInput, match="log_prior"):
        psense_table(handmade)


def test_refits_are_what_their_priors_make_of_the_draws(
    small: xr.Dataset, tree: xr.DataTree, tmp_path: Path
) -> None:
    """Against the base's own draws reweighted by the ratio of the priors."""
    table, refused = refit_priors(small, SPEC, contrasts_of(tree), workers=1, cache=tmp_path)
    assert not refused
    assert table["prior"].unique().tolist() == [BASE, *(other.name for other in OTHER_PRIORS)]
    base = table[table["prior"] == BASE]
    assert (base["shift"] == 0).all()
    beta = tree["posterior"].dataset["beta"]
    draws = xr.dot(contrasts_of(tree), beta, dim="term")
    for name, sd in (("terms sd .71", 0.71), ("terms sd 3", 3.0)):
        ratio = (norm.logpdf(beta, 0, sd) - norm.logpdf(beta, 0, 1.5)).sum(-1)
        weight = xr.DataArray(np.exp(ratio), dims=("chain", "draw"))
        rows = table[table["prior"] == name].set_index("contrast")
        for contrast in draws["contrast"].values:
            mine = draws.sel(contrast=contrast).weighted(weight)
            row, own = rows.loc[contrast], base.set_index("contrast").loc[contrast]
            assert row["mean"] == pytest.approx(float(mine.mean()), abs=0.06 * own["sd"])
            assert row["sd"] == pytest.approx(float(mine.std()), rel=0.06)
            assert row["shift"] == pytest.approx((row["mean"] - own["mean"]) / own["sd"], rel=1e-9)
    # a prior of smaller taus makes them smaller
    taus = table.set_index(["prior", "contrast"])["mean"]
    assert taus["tau half-normal .5", "tau_study"] < taus[BASE, "tau_study"]


def test_a_prior_that_the_model_has_already_is_no_refit(
    small: xr.Dataset, tree: xr.DataTree, tmp_path: Path
) -> None:
    own = replace(
        SPEC, priors={"terms": Prior("Normal", (0.0, 3.0)), "tau": Prior("HalfNormal", (0.5,))}
    )
    table, _ = refit_priors(small, own, contrasts_of(tree), workers=1, cache=tmp_path)
    assert {BASE, "terms sd .71"} <= set(table["prior"])
    assert not {"terms sd 3", "tau half-normal .5"} & set(table["prior"])


def test_models_that_quadrature_refuses_have_no_refits(
    small: xr.Dataset, tree: xr.DataTree, tmp_path: Path
) -> None:
    heavy = replace(
        SPEC, likelihood="student", priors={**SPEC.priors, "nu": Prior.parse("nu", "Gamma(2, 0.1)")}
    )
    table, refused = refit_priors(small, heavy, contrasts_of(tree), workers=1, cache=tmp_path)
    assert not len(table)
    assert "quadrature cannot" in refused[BASE]


def test_of_a_prior_in_parts_only_the_taus_are_changed() -> None:
    parts = parse_spec(MODEL.replace("priors.terms", "priors.valence"), "parts")
    spread = Prior("Normal", (0.0, 1.0), pooling_sd=Prior("HalfNormal", (1.0,)))
    for spec in (parts, replace(SPEC, priors={**SPEC.priors, "terms": spread})):
        changed = [other for other in OTHER_PRIORS if other.replaced_in(spec) is not None]
        assert {other.key for other in changed} == {"tau"}
    for other in OTHER_PRIORS:
        changed_spec = other.replaced_in(SPEC)
        assert changed_spec is not None
        assert {key for key in SPEC.priors if changed_spec.priors[key] != SPEC.priors[key]} == {
            other.key
        }


@pytest.mark.usefixtures("trace_data")
def test_the_clinical_priors_are_not_felt() -> None:
    spec = read_spec("three-level")
    table = psense_table(drawn(build_design(datasets.read("clinical"), spec), spec))
    assert (table["diagnosis"] == "neither").all()
    assert (table["likelihood"] > 0.05).all()
