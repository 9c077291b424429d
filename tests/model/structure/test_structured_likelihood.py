"""The likelihood and the conditional draws of dependence structures, against dense matrices."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, Prior
from bayesmeta.model.structure import Structured
from bayesmeta.model.structure.draws import draw_effects
from bayesmeta.model.structure.matrices import Matrix
from bayesmeta.model.structure.parameters import Parameter

PRIORS = {"terms": Prior("Normal", (0.2, 1.5)), "tau": Prior("HalfNormal", (1.0,))}
NAMES = ["A", "B", "C", "D"]
R = np.array([[1, 0.5, 0.1, 0], [0.5, 1, 0.2, 0], [0.1, 0.2, 1, 0.6], [0, 0, 0.6, 1]])


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Thirty effects in twelve studies of four laboratories, of species, outcomes and times."""
    rng = np.random.default_rng(4)
    study = np.sort(np.concatenate([np.arange(12), rng.integers(0, 12, 18)]))
    k = len(study)
    return pd.DataFrame(
        {
            "study": [f"s{code:02d}" for code in study],
            "lab": [f"l{code % 4}" for code in study],
            "species": rng.choice(NAMES, k),
            "outcome": rng.choice(["x", "y", "z"], k),
            "week": np.arange(k) % 7,
            "dose": rng.normal(2, 1, k).round(2),
            "effect": [f"e{row}" for row in range(k)],
            "group": [f"e{row}" for row in range(k)],
            "yi": rng.normal(0.3, 0.8, k),
            "vi": rng.uniform(0.05, 0.3, k),
        }
    )


def design_of(
    frame: pd.DataFrame, folder: Path, **choices: Any
) -> tuple[xr.Dataset, ModelSpec, Structured]:
    """A design and model, with the known correlation of species in a file."""
    pd.DataFrame(R, NAMES, NAMES).to_csv(folder / "R.csv")
    if "correlation" in choices:
        choices["correlation"] = {"species": {"file": str(folder / "R.csv")}}
    of_model = {"terms": "1 + dose", "levels": ()} | choices
    spec = ModelSpec(name="m", title="m", priors=PRIORS, **of_model)
    design = build_design(frame, spec)
    return design, spec, Structured(design, spec)


def same(column: pd.Series) -> np.ndarray:
    """Whether two rows agree."""
    return np.equal.outer(column.to_numpy(), column.to_numpy()).astype(float)


def log_density(frame: pd.DataFrame, design: xr.Dataset, V: np.ndarray, prior: Any) -> float:
    """The log density of the results by one dense normal, beta integrated out."""
    x = design["X"].values
    covariance = V + x @ prior.fixed @ x.T
    return float(stats.multivariate_normal(x @ prior.mean, covariance).logpdf(frame["yi"]))


def test_the_likelihood_is_that_of_a_dense_normal(table: pd.DataFrame, tmp_path: Path) -> None:
    design, _, likelihood = design_of(
        table,
        tmp_path,
        levels=("lab", "study", "effect"),
        crossed=("species", "week"),
        correlation={"species": {}},
        inner={"study": {"factor": "outcome", "struct": "UN"}},
        scale={"study": "~ dose"},
        errors={"cluster": "study", "type": "outcome", "time": "week", "rho": 0.4, "phi": 0.8},
    )
    rng = np.random.default_rng(1)
    values = {item.name: item.value(rng.normal(0, 0.7, 3)) for item in likelihood.parameters}
    found = likelihood.log_likelihood(values)
    nested = same(table["study"])
    far = np.abs(np.subtract.outer(table["week"].to_numpy(), table["week"].to_numpy()))
    r = np.where(same(table["outcome"]) > 0, 1.0, 0.4) * 0.8**far * nested
    np.fill_diagonal(r, 1.0)
    E = r * np.sqrt(np.outer(table["vi"], table["vi"]))
    species = table["species"].map(NAMES.index).to_numpy()
    outcome = table["outcome"].map(list("xyz").index).to_numpy()
    for draw in range(3):
        at = {name: float(value[draw]) for name, value in values.items()}
        dose = table["dose"] - table["dose"].mean()
        sd = at["tau_study"] * np.exp(at["slope_study[dose]"] * dose.to_numpy())
        inner = next(part for part in likelihood.components if part.name == "outcome in study")
        one = {name: np.array([value]) for name, value in at.items()}
        G = inner.matrix.covariance(one)[0]
        V = (
            E
            + at["tau_lab"] ** 2 * same(table["lab"])
            + np.outer(sd, sd) * nested
            + at["tau_effect"] ** 2 * np.eye(len(table))
            + at["tau_species"] ** 2 * same(table["species"])
            + at["tau_species (correlated)"] ** 2 * R[species][:, species]
            + at["tau_week"] ** 2 * same(table["week"])
            + G[outcome][:, outcome] * nested
        )
        assert found[draw] == pytest.approx(
            log_density(table, design, V, likelihood.prior), abs=1e-8
        )
        only = {name: value[draw : draw + 1] for name, value in values.items()}
        row_sums = likelihood.row_sums(only)
        np.testing.assert_allclose(row_sums, np.linalg.solve(V, np.ones(len(V))), rtol=1e-7)


def test_draws_of_effects_have_their_conditional_means(table: pd.DataFrame, tmp_path: Path) -> None:
    design, _, likelihood = design_of(
        table,
        tmp_path,
        terms="1",
        levels=("lab", "study"),
        crossed=("species",),
        correlation={"species": {}},
        inner={"study": {"factor": "outcome", "struct": "HCS"}},
    )
    count = 20_000
    rng = np.random.default_rng(2)
    values = {
        item.name: np.full(count, 0.4 if item.name.startswith("tau") else 0.3)
        for item in likelihood.parameters
    }
    given = likelihood.condition({name: value[:1] for name, value in values.items()})
    coefficients = np.concatenate(
        [given.coefficients(rng.standard_normal(given.half.shape)) for _ in range(count)]
    )
    effects = draw_effects(likelihood, rng, values, coefficients)
    species = table["species"].map(NAMES.index).to_numpy()
    outcome = table["outcome"].map(list("xyz").index).to_numpy()
    G = 0.16 * (0.3 + 0.7 * np.eye(3))[outcome][:, outcome]
    parts = {
        "lab": 0.16 * same(table["lab"]),
        "study": 0.16 * same(table["study"]),
        "species": 0.16 * same(table["species"]),
        "species (correlated)": 0.16 * R[species][:, species],
        "outcome in study": G * same(table["study"]),
    }
    x = design["X"].values
    prior = likelihood.prior
    V = sum(parts.values()) + np.diag(table["vi"]) + x @ prior.fixed @ x.T
    residual = np.linalg.solve(V, table["yi"] - x @ prior.mean)
    for component in likelihood.components:
        drawn = effects.of_units[component.name]
        c = len(component.matrix.categories)
        at = component.unit * c + (component.category if c > 1 else 0)
        expected = parts[component.name] @ residual
        covariance = parts[component.name]
        sd = np.sqrt(np.diag(covariance - covariance @ np.linalg.solve(V, covariance)))
        np.testing.assert_allclose(drawn.mean(0)[at], expected, atol=0.03 * sd.max())
        np.testing.assert_allclose(drawn.std(0)[at], sd, rtol=0.04)


def test_rows_in_turn_have_the_density_of_their_study(table: pd.DataFrame, tmp_path: Path) -> None:
    design, _, likelihood = design_of(table, tmp_path, levels=("study", "effect"), crossed=("lab",))
    values = {item.name: np.array([0.5]) for item in likelihood.parameters}
    coefficients = np.array([[0.1, 0.2, -0.3, 0.4, 0.3, 0.1]])  # of four laboratories, two terms
    effects = draw_effects(likelihood, np.random.default_rng(1), values, coefficients)
    x = design["X"].values
    V = 0.25 * same(table["study"]) + 0.25 * np.eye(len(x)) + np.diag(table["vi"])
    mean = x @ coefficients[0, -2:] + coefficients[0, :4][likelihood.crossed.groups[0].unit]
    expected = stats.multivariate_normal(mean, V).logpdf(table["yi"])
    assert effects.log_density.sum() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("kind", ["CS", "HCS", "UN", "AR", "HAR", "CAR", "DIAG", "ID"])
def test_matrices_are_positive_definite_all_over_their_prior(kind: str) -> None:
    matrix = Matrix(kind, "time", ("1", "2", "4"), np.array([1.0, 2.0, 4.0]))
    parameters = matrix.parameters(stats.halfnorm(), 1.0)
    rng = np.random.default_rng(3)
    values = {item.name: item.value(rng.standard_normal(500)) for item in parameters}
    G = matrix.covariance(values)
    scale = 1 / np.sqrt(np.diagonal(G, axis1=1, axis2=2))
    correlation = G * scale[:, :, None] * scale[:, None]
    assert (np.linalg.eigvalsh(correlation) > -1e-12).all()
    np.testing.assert_allclose(np.diagonal(correlation, axis1=1, axis2=2), 1.0)
    if kind == "UN":  # LKJ(1) of three: every correlation is Beta(1.5, 1.5) on (-1, 1)
        for i, j in ((0, 1), (0, 2), (1, 2)):
            ranks = stats.beta(1.5, 1.5, -1, 2).cdf(correlation[:, i, j])
            assert stats.kstest(ranks, "uniform").pvalue > 0.001


def test_coordinates_are_normal_under_the_prior() -> None:
    item = Parameter("tau", stats.halfnorm(scale=2), (0, np.inf), 0.3)
    z = np.array([-7.0, -1.0, 0.0, 2.0, 7.0])
    np.testing.assert_allclose([item.coordinate(x) for x in item.value(z)], z, atol=1e-5)
    np.testing.assert_allclose(item.bounded(np.array([item.unbounded(0.7)])), 0.7)


def test_random_slopes_are_an_intercept_and_a_slope_of_every_study(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    inner = {"study": {"slopes": ["dose"], "struct": "UN"}}
    design, _, likelihood = design_of(table, tmp_path, inner=inner)
    values = {item.name: np.array([0.4]) for item in likelihood.parameters}
    assert list(values) == [
        "tau_slopes in study[intercept]",
        "tau_slopes in study[dose]",
        "rho_slopes in study[intercept, dose]",
    ]
    z = np.column_stack([np.ones(len(table)), table["dose"]])
    G = 0.16 * np.array([[1, 0.4], [0.4, 1]])
    V = (z @ G @ z.T) * same(table["study"]) + np.diag(table["vi"])
    expected = log_density(table, design, V, likelihood.prior)
    assert likelihood.log_likelihood(values)[0] == pytest.approx(expected, abs=1e-9)
