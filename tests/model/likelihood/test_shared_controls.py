"""Effects of one control covary.

Against covariances written out, metafor and numbers worked by hand.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.controls import code_controls
from bayesmeta.model.likelihood import Taus, likelihood_of, nesting_of
from bayesmeta.model.likelihood.buckets import Controls, error_buckets
from bayesmeta.model.likelihood.dense import dense_products
from bayesmeta.model.spec import ModelSpec, parse_spec, read_spec
from likelihoods import log_likelihood_by_study, parameters_of

TEXT = """
terms = "1"
levels = ["study", "group", "effect"]
shared_controls = true
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""
SPEC = parse_spec(TEXT, "shared")
TAUS = (0.7, 0.3, 0.2)


def random_table(seed: int, study_count: int = 8) -> pd.DataFrame:
    """Groups with one or two effects, controls with one or two measurements.

    Some sides turned, rows in no order.
    """
    rng, rows = np.random.default_rng(seed), []
    for study in range(study_count):
        for _ in range(rng.integers(1, 7)):
            group, control = rng.integers(0, 3), rng.integers(0, 2)
            label = {
                "study": f"s{study}",
                "group": f"s{study}g{group}",
                "control": f"s{study}c{control}",
            }
            rows.append(
                label
                | {
                    "m2i": float(rng.integers(1, 3)),
                    "sd2i": 1.0,
                    "n1i": 9 + group,
                    "n2i": 7 + control,
                }
            )
    table = pd.DataFrame(rows)
    table["sd2i"] = table["sd2i"].where(rng.random(len(table)) > 0.1, 0.0)
    table["direction"] = rng.choice([-1, 1], len(table))
    table["yi"] = rng.normal(0, 1, len(table))
    table["vi"] = (
        1 / table["n1i"] + 1 / table["n2i"] + table["yi"] ** 2 / (2 * (table["n1i"] + table["n2i"]))
    )
    table["effect"] = [f"e{i}" for i in range(len(table))]
    table["organism"] = np.where(table["study"].isin(["s0", "s1", "s2"]), "human", "animal")
    return table.sample(frac=1, random_state=seed).reset_index(drop=True)


def errors(table: pd.DataFrame, rho: float) -> np.ndarray:
    """Covariance of the sampling errors (k, k), effect by effect."""
    rows = table.to_dict("records")

    def key(a: dict[Any, Any]) -> tuple[Any, ...]:
        return (a["control"], a["m2i"], a["sd2i"]) if a["sd2i"] else (a["effect"],)

    def control(a: dict[Any, Any], b: dict[Any, Any]) -> float:
        sizes = {row["group"]: row["n1i"] for row in rows if key(row) == key(a)}
        total = a["n2i"] + sum(sizes.values())
        return a["direction"] * b["direction"] / a["n2i"] + a["yi"] * b["yi"] / (2 * total)

    def covariance(a: dict[Any, Any], b: dict[Any, Any]) -> float:
        together = rho * (a["group"] == b["group"])
        if a is b:
            return float(a["vi"])
        if key(a) == key(b):
            return control(a, b) + together * float(
                np.sqrt((a["vi"] - control(a, a)) * (b["vi"] - control(b, b)))
            )
        return together * float(np.sqrt(a["vi"] * b["vi"]))

    return np.array([[covariance(a, b) for b in rows] for a in rows])


def random_effects(table: pd.DataFrame, taus: Sequence[Any]) -> np.ndarray:
    study, group = (
        (table[name].to_numpy() == table[name].to_numpy()[:, None]) for name in ("study", "group")
    )
    return sum(
        np.asarray(tau) ** 2 * same
        for tau, same in zip(taus, (study, group, np.eye(len(table))), strict=True)
    )


def by_study(table: pd.DataFrame, covariance: np.ndarray, mean: float) -> np.ndarray:
    """Log density of each study's effects, studies in order of their labels."""
    parts = [np.flatnonzero(table["study"] == study) for study in sorted(table["study"].unique())]
    y = table["yi"].to_numpy() - mean
    return np.array(
        [
            multivariate_normal(np.zeros(len(i)), covariance[np.ix_(i, i)]).logpdf(y[i])
            for i in parts
        ]
    )


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("rho", [0.0, 0.1])
@pytest.mark.parametrize("estimated", [False, True])
def test_the_likelihood_is_the_dense_normal(seed: int, rho: float, *, estimated: bool) -> None:
    table = random_table(seed)
    spec = replace(SPEC, rho=rho)
    # rho as an argument, or a number known in advance
    got = with_rho(table, rho) if estimated else likelihood(table, spec, 0.3, TAUS)
    want = by_study(table, errors(table, rho) + random_effects(table, TAUS), 0.3)
    np.testing.assert_allclose(got, want, rtol=1e-10)
    apart = by_study(table, np.diag(table["vi"]) + random_effects(table, TAUS), 0.3)
    assert np.abs(np.asarray(got) - apart).max() > 0.01


def likelihood(
    table: pd.DataFrame, spec: ModelSpec, mean: float, taus: Sequence[float]
) -> np.ndarray:
    """By JAX, as NUTS takes it, and by NumPy, as quadrature does."""
    design = build_design(table, spec)
    by_jax = jax.jit(likelihood_of(design, spec).log_density)(jnp.array([mean]), jnp.array(taus))
    got = log_likelihood_by_study(design, spec, [mean], taus)
    np.testing.assert_allclose(by_jax, got, rtol=1e-10)
    return got


def with_rho(table: pd.DataFrame, rho: float) -> np.ndarray:
    design = build_design(table, SPEC)
    nesting, taus = nesting_of(design), Taus(**dict(zip(SPEC.levels, TAUS, strict=True)))
    names = ("control_cluster", "control_side", "control_variance", "control_subjects")
    controls, everyone = (
        Controls(*(design[name].values for name in names)),
        np.ones(nesting.studies, bool),
    )
    buckets = error_buckets(design["yi"].values, design["vi"].values, nesting, controls, everyone)
    size = np.bincount(nesting.study_of_effect)

    def of_studies(r: jax.Array, rho: jax.Array) -> jax.Array:
        log_det, products = dense_products(r[:, None], buckets, taus, rho, nesting)
        return -0.5 * (size * np.log(2 * np.pi) + log_det + products[:, 0, 0])

    return np.asarray(jax.jit(of_studies)(design["yi"].values - 0.3, rho))


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_without_a_shared_control_it_is_the_usual_likelihood(rho: float) -> None:
    table = random_table(3).assign(control=lambda table: table["effect"])
    usual = replace(SPEC, rho=rho, shared_controls=False)
    want = likelihood(table, usual, 0.3, TAUS)
    np.testing.assert_allclose(with_rho(table, rho), want, rtol=1e-10)
    np.testing.assert_allclose(
        likelihood(table, replace(SPEC, rho=rho), 0.3, TAUS), want, rtol=1e-12
    )


def test_row_sums_are_those_of_the_dense_inverse() -> None:
    table = random_table(3)
    design = build_design(table, SPEC)
    covariance = errors(table, 0.1) + random_effects(table, TAUS)
    sums = likelihood_of(design, SPEC).row_sums(np.array(TAUS), 0.1)
    np.testing.assert_allclose(sums, np.linalg.inv(covariance).sum(1), rtol=1e-9)


def test_taus_may_differ_by_stratum() -> None:
    table, spec = random_table(4), replace(SPEC, tau_by="organism")
    taus = {"animal": (0.9, 0.4, 0.2), "human": (0.3, 0.5, 0.6)}
    got = likelihood(table, spec, 0.0, [*taus["animal"], *taus["human"]])
    of_row = table["organism"].map(taus).tolist()
    want = by_study(table, errors(table, 0.0) + random_effects(table, np.array(of_row).T), 0.0)
    np.testing.assert_allclose(got, want, rtol=1e-10)


def test_it_is_metafors() -> None:
    """Metafor 3.8-1: V as in its example of Gleser & Olkin 2009.

    rma.mv(yi, V, method = "ML") with sigma2 fixed.
    """
    table = pd.DataFrame(
        {
            "study": list("111122333"),
            "group": ["1a", "1b", "1b", "1c", "2a", "2b", "3a", "3a", "3b"],
            "control": ["1x", "1x", "1y", "1y", "2x", "2x", "3x", "3x", "3y"],
            "yi": [-0.80, -0.45, -1.10, -0.20, 0.60, 1.15, 0.30, -0.15, 0.90],
            "n1i": [12, 10, 10, 14, 16, 9, 11, 11, 13],
            "n2i": [11, 11, 11, 11, 15, 15, 8, 8, 10],
            "effect": list("abcdefghi"),
        }
    )
    table["vi"] = (
        1 / table["n1i"] + 1 / table["n2i"] + table["yi"] ** 2 / (2 * (table["n1i"] + table["n2i"]))
    )
    cases = {("study", "group", "effect"): -8.342953775699, ("study", "group"): -8.352547510075}
    means = {3: 0.206553096169, 2: 0.214285568665}
    for levels, log_lik in cases.items():
        spec = replace(SPEC, levels=levels)
        got = likelihood(table, spec, means[len(levels)], TAUS[: len(levels)]).sum()
        assert got == pytest.approx(log_lik, abs=1e-10)


@pytest.mark.parametrize("rho", [0.0, 0.1])
def test_draws_have_the_dense_mean_and_covariance(rho: float) -> None:
    table = random_table(5, 4)
    spec = replace(SPEC, rho=rho)
    design = build_design(table, spec)
    shared, nesting, r = likelihood_of(design, spec), nesting_of(design), design["yi"].values
    count = 40_000
    parameters = parameters_of(spec, [0.0], TAUS, draws=count)
    draws = np.concatenate(shared.draw_random_effects(np.random.default_rng(1), parameters)).T
    k, groups = len(r), len(nesting.study_of_group)
    loading = np.hstack(
        [np.eye(4)[nesting.study_of_effect], np.eye(groups)[nesting.group_of_effect], np.eye(k)]
    )
    prior = np.diag(np.repeat(np.square(TAUS), [4, groups, k]))
    e = errors(table, rho)
    gain = np.linalg.solve(e + random_effects(table, TAUS), loading @ prior).T
    mean, covariance = gain @ r, prior - gain @ loading @ prior
    sd = np.sqrt(np.diag(covariance))
    assert np.abs((draws.mean(0) - mean) / (sd / np.sqrt(count))).max() < 4.5
    assert np.abs(np.cov(draws.T) - covariance).max() < 6 * sd.max() ** 2 / np.sqrt(count)
    drawn = shared.draw_errors(np.random.default_rng(2), parameters).T
    assert np.abs(np.cov(drawn.T) - e).max() < 6 * e.max() / np.sqrt(count)


def test_a_spec_says_true_or_false() -> None:
    assert SPEC.shared_controls
    assert not read_spec("three-level").shared_controls
    with pytest.raises(
        BadInput, match="shared_controls of model m are 'yes'; they should be true or false"
    ):
        parse_spec(TEXT.replace("= true", '= "yes"'), "m")
    with pytest.raises(BadInput, match="need normal study effects and no selection model"):
        parse_spec(
            TEXT.replace(
                "[priors.terms]",
                'likelihood = "student"\n[priors.nu]\nprior = "Gamma(2, 0.1)"\n[priors.terms]',
                1,
            ),
            "m",
        )
    with pytest.raises(BadInput, match="need normal study effects and no selection model"):
        parse_spec(
            TEXT.replace(
                "[priors.terms]",
                'bias = "selection"\n[priors.weights]\nprior = "Gamma(2, 2)"\n[priors.terms]',
                1,
            ),
            "m",
        )


def test_what_cannot_be_done_is_said() -> None:
    table = random_table(0)
    with pytest.raises(BadInput, match=re.escape("the table has no column ['control']")):
        build_design(table.drop(columns="control"), SPEC)
    with pytest.raises(BadInput, match="both group sizes"):
        build_design(table.assign(n2i=0), SPEC)
    with pytest.raises(BadInput, match="1 effects have an n2i that is split"):
        build_design(
            table.assign(n2i_reported=table["n2i"] + (table.index == 3), control_used=2), SPEC
        )
    with pytest.raises(BadInput, match="names that the results need"):
        build_design(table.assign(control_cluster=0), SPEC)


def test_errors_without_a_covariance_are_refused_by_study() -> None:
    """Two groups with two outcomes each.

    Within a group errors correlate fully, between groups through the control.
    """
    label = {
        "study": "both",
        "control": "c",
        "sd2i": 1.0,
        "n1i": 40,
        "n2i": 4,
        "yi": 0.1,
        "vi": 0.275,
    }
    rows = [label | {"group": group, "m2i": outcome} for group in "ab" for outcome in (1.0, 2.0)]
    rows += [label | {"study": "other", "group": "d", "control": "x", "m2i": 1.0}]
    table = pd.DataFrame(rows).assign(effect=list("pqrst"))
    for spec in (
        replace(SPEC, rho=0.5),
        parse_spec(TEXT + '[priors.rho]\nprior = "Beta(2, 2)"\n', "estimated"),
    ):
        design = build_design(table, spec)
        with pytest.raises(BadInput, match=r"1 studies \(both\) cannot covary"):
            likelihood_of(design, spec)
    likelihood_of(build_design(table, SPEC), SPEC)
    odd = table.assign(vi=0.1)  # less than the control's part, 1 / 4
    with pytest.raises(
        BadInput, match=r"\(both\) cannot covary over shared controls with rho = 0:"
    ):
        likelihood_of(build_design(odd, SPEC), SPEC)


def test_the_covariance_of_another_measure_is_refused_by_name() -> None:
    table = random_table(1)
    table.attrs["measure"] = "OR"
    with pytest.raises(BadInput, match="shared controls of OR need the columns control, ai"):
        build_design(table, SPEC)
    of_unknown_measure = random_table(1).assign(vi=25.0)
    with pytest.raises(BadInput, match=r"the vi of these effects differ \d+.\d-fold"):
        build_design(of_unknown_measure, SPEC)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "MD", "ROM"])
def test_the_covariance_is_that_of_simulated_comparisons(measure: str) -> None:
    """Of two arms with one control, over many samples of all three."""
    rng = np.random.default_rng(7)
    count, n = 100_000, 120
    if measure in ("OR", "RR", "RD"):
        c = rng.binomial(n, 0.3, count)
        arms = [{"ai": rng.binomial(n, p, count), "n1i": n, "ci": c, "n2i": n} for p in (0.4, 0.5)]
    else:
        samples = rng.normal(0, 1, (count, 3)) / np.sqrt(n)
        sds = np.sqrt(rng.chisquare(n - 1, (count, 3)) / (n - 1))
        control = {"m2i": 3 + samples[:, 0], "sd2i": sds[:, 0], "n2i": n}
        arms = [
            {"m1i": 4 + samples[:, at], "sd1i": sds[:, at], "n1i": n, **control} for at in (1, 2)
        ]
    yi = [MEASURES[measure](**arm)[0] for arm in arms]
    expected = np.cov(*yi)[0, 1]
    first = {name: np.atleast_1d(value)[:50] for name, value in arms[0].items()}
    frame = pd.DataFrame({name: np.resize(value, 50) for name, value in first.items()})
    frame = frame.assign(study="s", control="c", group=[f"g{row}" for row in range(50)])
    frame.attrs["measure"] = measure
    found = code_controls(frame.assign(yi=yi[0][:50], vi=1.0))["control_variance"][1]
    assert found.mean() == pytest.approx(expected, rel=0.06)


def test_an_empty_cell_counts_as_in_the_effect() -> None:
    """0 of 8 with 1/2 added: 1 / .5 + 1 / 8.5 = 2.118."""
    frame = pd.DataFrame({"study": ["Ton"] * 2, "control": "P", "group": ["A", "B"], "yi": 1.0})
    frame = frame.assign(vi=3.0, ai=[3, 5], n1i=[9, 11], ci=0, n2i=8)
    frame.attrs["measure"] = "OR"
    coded = code_controls(frame)
    np.testing.assert_allclose(coded["control_variance"][1], 2.1176, atol=1e-4)
    assert np.isinf(coded["control_subjects"][1]).all()


def test_a_measure_without_a_formula_is_refused() -> None:
    frame = pd.DataFrame({"study": ["a"] * 2, "control": "P", "group": ["A", "B"], "yi": 1.0})
    frame = frame.assign(vi=0.1, n1i=9, n2i=8)
    frame.attrs["measure"] = "ZCOR"
    with pytest.raises(BadInput, match="covariance of SMD, MD, ROM, OR, RR, RD, and the effects"):
        code_controls(frame)
