"""Unknown moderators: the posterior equals one in which they are integrated out by formula.

The draws of the complete rows, exact by quadrature, are weighted by the density of the other
results, in which a normal moderator is integrated out, or a category summed out.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import multivariate_normal, norm

from bayesmeta.inference.augmented import augmented_posterior
from bayesmeta.inference.quadrature import quadrature_posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.priors import term_prior
from bayesmeta.model.spec import ModelSpec, read_spec

STUDIES = 24
DRAWS = 10_000


def spec_of(terms: str) -> ModelSpec:
    spec = replace(read_spec("three-level"), terms=terms, contrasts={}, concordance={})
    return spec.with_levels(("study",))


def effects(rng: np.random.Generator, mean: np.ndarray) -> pd.DataFrame:
    labels = [f"s{at:02d}" for at in range(len(mean))]
    v = rng.uniform(0.02, 0.1, len(mean))
    y = mean + 0.3 * rng.standard_normal(len(mean)) + np.sqrt(v) * rng.standard_normal(len(mean))
    return pd.DataFrame({"study": labels, "group": labels, "effect": labels, "yi": y, "vi": v})


def complete_draws(frame: pd.DataFrame, spec: ModelSpec) -> tuple[xr.Dataset, np.ndarray]:
    """Draws of the complete rows, and log weights for the prior of all rows."""
    complete = build_design(frame, replace(spec, missing="complete"))
    tree = quadrature_posterior(complete, spec, draws=DRAWS, chains=1, parameters_only=True)
    priors = [term_prior(design, spec) for design in (build_design(frame, spec), complete)]
    beta = tree["posterior"]["beta"].values[0]
    logs = [multivariate_normal(prior.mean, prior.fixed).logpdf(beta) for prior in priors]
    return tree["posterior"].to_dataset(), logs[0] - logs[1]


def weighted(draws: np.ndarray, log_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    assert 1 / (weight**2).sum() > 1000
    mean = weight @ draws
    return mean, np.sqrt(weight @ (draws - mean) ** 2)


def test_a_normal_moderator_is_integrated_out() -> None:
    rng = np.random.default_rng(4)
    x = 3 + 2 * rng.standard_normal(STUDIES)
    frame = effects(rng, 0.2 + 0.4 * x).assign(x=x)
    lost = np.array([0, 5, 11, 17, 20])
    frame.loc[lost, "x"] = np.nan
    spec = spec_of("~ x")
    tree = augmented_posterior(build_design(frame, spec), spec, draws=1000)
    posterior = tree["posterior"].to_dataset()
    assert posterior.attrs["start_correlation"] < 0.1

    exact, log_weight = complete_draws(frame, spec)
    known = frame["x"].dropna().to_numpy()
    centre, unit = known.mean(), known.std()
    w = (known - centre) / unit
    n = len(w)
    left = (w**2).sum() - w.sum() ** 2 / (n + 1)
    s2 = (1 + left) / 2 / rng.gamma((1 + n) / 2, size=DRAWS)
    gamma = w.sum() / (n + 1) + np.sqrt(s2 / (n + 1)) * rng.standard_normal(DRAWS)
    beta = exact["beta"].values[0]
    tau = exact["tau_study"].values[0]
    mean = beta[:, 0] + beta[:, 1] * (centre + unit * gamma)
    of_x = (beta[:, 1] * unit) ** 2 * s2
    y, v = (frame.loc[lost, name].to_numpy() for name in ("yi", "vi"))
    sd = np.sqrt(v + (tau**2 + of_x)[:, None])
    log_weight = log_weight + norm(mean[:, None], sd).logpdf(y).sum(1)

    draws = np.column_stack([beta, tau])
    mean, sd = weighted(draws, log_weight)
    flat = posterior["beta"].values.reshape(-1, 2)
    ours = np.column_stack([flat, posterior["tau_study"].values.ravel()])
    np.testing.assert_array_less(np.abs(ours.mean(0) - mean) / sd, 0.06)
    np.testing.assert_allclose(ours.std(0), sd, rtol=0.05)

    # the first unknown value, given the parameters: the mean of a product of two normals
    precision = 1 / (unit**2 * s2) + beta[:, 1] ** 2 / (v[0] + tau**2)
    pull = (centre + unit * gamma) / (unit**2 * s2)
    pull = pull + beta[:, 1] * (y[0] - beta[:, 0]) / (v[0] + tau**2)
    expected, _ = weighted((pull / precision)[:, None], log_weight)
    imputed = posterior["imputed_x"].sel(imputed_x_unit="s00").values.ravel()
    assert abs(imputed.mean() - expected[0]) < 0.06 * imputed.std()


def test_a_category_is_summed_out() -> None:
    rng = np.random.default_rng(5)
    codes = np.tile([0, 1, 2], STUDIES // 3)
    frame = effects(rng, np.array([0.0, 0.6, 1.0])[codes])
    frame["kind"] = np.array(["a", "b", "c"])[codes]
    lost = np.array([1, 6, 9, 16, 23])
    frame.loc[lost, "kind"] = None
    spec = spec_of("0 + kind")
    tree = augmented_posterior(build_design(frame, spec), spec, draws=1000)
    posterior = tree["posterior"].to_dataset()

    exact, log_weight = complete_draws(frame, spec)
    counts = frame["kind"].value_counts().reindex(["a", "b", "c"]).to_numpy()
    pi = rng.dirichlet(counts + 1 / 3, DRAWS)
    beta = exact["beta"].values[0]
    tau = exact["tau_study"].values[0]
    y, v = (frame.loc[lost, name].to_numpy()[:, None] for name in ("yi", "vi"))
    sd = np.sqrt(v + tau[:, None, None] ** 2)
    density = pi[:, None] * norm(beta[:, None], sd).pdf(y)
    log_weight = log_weight + np.log(density.sum(-1)).sum(1)

    mean, sd = weighted(np.column_stack([beta, tau]), log_weight)
    flat = posterior["beta"].values.reshape(-1, 3)
    ours = np.column_stack([flat, posterior["tau_study"].values.ravel()])
    np.testing.assert_array_less(np.abs(ours.mean(0) - mean) / sd, 0.06)
    np.testing.assert_allclose(ours.std(0), sd, rtol=0.05)
    share = density / density.sum(-1, keepdims=True)
    for at, study in enumerate(lost):
        p, _ = weighted(share[:, at], log_weight)
        drawn = posterior["imputed_kind"].sel(imputed_kind_unit=f"s{study:02d}").values
        np.testing.assert_allclose([(drawn == code).mean() for code in range(3)], p, atol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("levels", [("study", "effect"), ("study", "group", "effect")])
def test_unknown_values_of_rows_and_studies_together(levels: tuple[str, ...]) -> None:
    """Of a large table the truth: slopes, a category of studies, a number of rows within them."""
    rng = np.random.default_rng(6)
    n = 60
    study = np.repeat(np.arange(n), 4)
    kind = rng.integers(0, 2, n)
    dose = 0.8 * kind[study] + rng.standard_normal(4 * n)
    mean = 0.3 + 0.5 * dose - 0.8 * kind[study]
    v = np.full(4 * n, 0.02)
    group = [f"s{s:02d}/{at // 2 % 2}" for at, s in enumerate(study)]
    y = mean + 0.2 * rng.standard_normal(n)[study] + np.sqrt(v) * rng.standard_normal(4 * n)
    frame = pd.DataFrame({"study": [f"s{s:02d}" for s in study], "group": group, "yi": y, "vi": v})
    frame["effect"] = [f"e{at:03d}" for at in range(4 * n)]
    frame["dose"] = np.where(rng.random(4 * n) < 0.3, np.nan, dose)
    frame["kind"] = np.where(rng.random(n) < 0.3, "", np.array(["p", "q"])[kind])[study]
    frame["kind"] = frame["kind"].replace("", None)
    spec = spec_of("~ dose + kind").with_levels(levels)
    design = build_design(frame, spec)
    assert design["is_blank"].sum("effect").to_series().min() > 40
    tree = augmented_posterior(design, spec, draws=250)
    posterior = tree["posterior"].to_dataset()
    beta = posterior["beta"]
    z = (beta.mean(("chain", "draw")) - [0.3, 0.5, -0.8]) / beta.std(("chain", "draw"))
    assert np.abs(z).max() < 3
    truth = dict(zip(frame["study"], np.array(["p", "q"])[kind][study], strict=True))
    drawn = posterior["imputed_kind"]
    p_true = [
        float((drawn.sel(imputed_kind_unit=unit) == ["p", "q"].index(truth[unit])).mean())
        for unit in drawn["imputed_kind_unit"].values
    ]
    assert np.mean(p_true) > 0.9  # four results tell the kinds apart
    # theta of rows with unknown moderators is about their drawn mean, and data near their results
    assert np.corrcoef(posterior["theta"].mean(("chain", "draw")), frame["yi"])[0, 1] > 0.95
    assert set(posterior["imputed_dose"].dims) == {"chain", "draw", "imputed_dose_unit"}
