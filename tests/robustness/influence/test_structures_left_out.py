"""Studies left out of dependence structures: dense algebra, quadrature, and refits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import multivariate_normal

from bayesmeta.inference.quadrature import leave_one_study_out
from bayesmeta.inference.structured import structured_posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec
from bayesmeta.model.structure import Structured
from bayesmeta.model.structure.deletion import delete_each
from bayesmeta.model.structure.parameters import values_at
from bayesmeta.robustness import influence
from bayesmeta.robustness.influence.structures import refit_without


def model(*levels: str, **others: object) -> ModelSpec:
    spec = replace(read_spec("three-level"), terms="~ x", contrasts={}, concordance={})
    return replace(spec, levels=levels, **others)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    k = 36
    study = np.arange(k) // 3
    x = rng.standard_normal(k)
    y = 0.5 * x + 0.5 * rng.standard_normal(12)[study] + 0.3 * rng.standard_normal(k)
    frame = pd.DataFrame({"study": [f"s{at:02d}" for at in study], "yi": y, "vi": 0.05, "x": x})
    frame["species"] = rng.choice(list("abcde"), k)
    frame["lab"] = [f"l{at // 4}" for at in study]
    frame["site"] = frame["study"]
    frame["outcome"] = np.array(["p", "q", "p"])[np.arange(k) % 3]
    return frame.assign(group=frame["study"], effect=[f"e{at:02d}" for at in range(k)])


SPECS = {
    "crossed": model("study", "effect", crossed=("species",)),
    "levels above": model("lab", "study"),
    "no nested level": model(crossed=("species",)),
    "outcomes": model(inner={"study": {"factor": "outcome", "struct": "UN"}}),
}


def each_term(design: xr.Dataset) -> xr.DataArray:
    terms = design["term"].values
    return xr.DataArray(np.eye(len(terms)), {"contrast": terms, "term": terms})


@pytest.mark.parametrize("name", SPECS)
def test_a_study_given_the_others_is_that_of_a_dense_normal(name: str, frame: pd.DataFrame) -> None:
    spec = SPECS[name]
    likelihood = Structured(build_design(frame, spec), spec)
    z = np.random.default_rng(2).standard_normal((3, len(likelihood.parameters)))
    values = values_at(likelihood.parameters, z)
    found = delete_each(likelihood, values, np.eye(2))
    X, y = likelihood.columns[:, :-1], likelihood.columns[:, -1]
    prior = likelihood.prior
    rows = np.arange(len(y))[None]
    for draw in range(len(z)):
        V = np.diag(frame["vi"].to_numpy())
        for part in likelihood.components:
            one = {key: value[draw : draw + 1] for key, value in values.items()}
            V = V + part.covariance(part.matrix.covariance(one), one, rows)[0, 0]
        full = V + X @ prior.fixed @ X.T
        for at, study in enumerate(np.unique(frame["study"])):
            inside = (frame["study"] == study).to_numpy()
            out = ~inside
            gain = full[np.ix_(inside, out)] @ np.linalg.inv(full[np.ix_(out, out)])
            mean = X[inside] @ prior.mean + gain @ (y - X @ prior.mean)[out]
            covariance = full[np.ix_(inside, inside)] - gain @ full[np.ix_(out, inside)]
            expected = multivariate_normal(mean, covariance).logpdf(y[inside])
            np.testing.assert_allclose(found.log_density[draw, at], expected, rtol=1e-8)
            W = np.linalg.inv(V[np.ix_(out, out)])
            A = X[out].T @ W @ X[out] + np.linalg.inv(prior.fixed)
            h = X[out].T @ W @ y[out] + np.linalg.solve(prior.fixed, prior.mean)
            np.testing.assert_allclose(found.mean[draw, at], np.linalg.solve(A, h), rtol=1e-7)
            np.testing.assert_allclose(found.variance[draw, at], np.diag(np.linalg.inv(A)))


def test_a_structure_that_is_a_level_agrees_with_quadrature(frame: pd.DataFrame) -> None:
    usual = model("study")
    design = build_design(frame, usual)
    weights = each_term(design)
    exact = leave_one_study_out(design, usual, weights=weights)
    site = model("site")
    tree = structured_posterior(design, site, parameters_only=True)
    found = influence.leave_out(tree, design, site, weights)
    np.testing.assert_allclose(found.studies["elpd"], exact["elpd"], atol=0.03)
    assert (found.studies["how"] == "PSIS").all()
    changes = found.changes.set_index(["contrast", "study"])
    sd = exact["contrast_sd"].to_series()
    for name, column in (("contrast_mean", "mean_without"),):
        by_study = exact[name].to_series().reorder_levels(["contrast", "study"])
        difference = changes.loc[by_study.index, column] - by_study
        assert (difference.abs() / sd.reorder_levels(["contrast", "study"])).max() < 0.03


def test_weighted_draws_agree_with_a_refit_and_a_strange_study_is_refitted(
    frame: pd.DataFrame,
) -> None:
    spec = SPECS["crossed"]
    strange = frame.assign(yi=frame["yi"].where(frame["study"] != "s03", frame["yi"] + 6))
    design = build_design(strange, spec)
    weights = each_term(design)
    tree = structured_posterior(design, spec, parameters_only=True)
    found = influence.leave_out(tree, design, spec, weights, workers=1)
    studies = found.studies.set_index("study")
    assert studies.loc["s03", "how"] == "refitted"
    assert studies.loc["s03", "k_hat"] > 0.7
    changes = found.changes.set_index(["study", "contrast"])
    for study in ("s05", "s10"):
        assert studies.loc[study, "how"] == "PSIS"
        refit = refit_without(study, design, spec, weights, 1).set_index("contrast")
        assert abs(refit["elpd"].iloc[0] - studies.loc[study, "elpd"]) < 0.05
        without = changes.loc[study, "mean_without"]
        assert (abs(without - refit["mean"]) / refit["sd"]).max() < 0.1
    others = studies.drop(index="s03")["elpd"]
    assert studies.loc["s03", "elpd"] < others.min() - 5
    assert changes.loc[("s03", "intercept"), "mean_without"] < 0.3
