"""`bayesmeta fit` of directions.

Draws against importance sampling, tables against the draws, the folder.
"""

import json
import re
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit
from scipy.stats import beta, binom, gamma, halfnorm

from bayesmeta.cli import main
from bayesmeta.commands.console.estimates import direction_lines
from bayesmeta.data import datasets
from bayesmeta.inference import ordinal
from bayesmeta.model.spec import ModelSpec, read_spec
from bayesmeta.output.figures.directions import draw_directions
from bayesmeta.output.folders.ordinal import drawn_directions

pytestmark = pytest.mark.wide

ROUTES = ["intravenous", "intraperitoneal", "unstated"]


def run(*arguments: str) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return read_spec("ketamine-extinction")


@pytest.fixture(scope="module")
def design(spec: ModelSpec) -> xr.Dataset:
    return ordinal.build_directions(datasets.read("ketamine-extinction"), spec)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the one fit that is sampled here."""
    out = tmp_path_factory.mktemp("fit") / "out"
    quick = ["--draws", "700", "--tune", "500", "--out", str(out)]
    assert run("fit", "--dataset", "ketamine-extinction", *quick) in (0, 1)
    return out


@pytest.fixture(scope="module")
def tree(fitted: Path) -> xr.DataTree:
    return az.from_netcdf(fitted / "posterior.nc")


def importance_sample(design: xr.Dataset, draws: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draws of the prior as the model file states it, and their weights: no sampler, no PyMC."""
    rng, kept, weights = np.random.default_rng(5), [], []
    for _ in range(draws // 2_000):
        slopes = rng.normal(0, 1.5, (2_000, 5))
        gap = gamma.rvs(3, scale=1 / 4, size=2_000, random_state=rng)
        tau = halfnorm.rvs(scale=1, size=2_000, random_state=rng)
        weights.append(np.exp(ordinal.study_log_likelihood(design, slopes, gap, tau).sum(axis=1)))
        kept.append(np.column_stack([slopes, gap, tau]))
    together, weight = np.concatenate(kept), np.concatenate(weights)
    return {
        "beta": together[:, :5],
        "gap": together[:, 5],
        "tau_study": together[:, 6],
    }, weight / weight.sum()


def test_nuts_is_the_importance_sampler(tree: xr.DataTree, design: xr.Dataset) -> None:
    draws, weight = importance_sample(design, 40_000)
    assert 1 / (weight**2).sum() > 1_500  # effective draws
    posterior = tree["posterior"].to_dataset()
    for name in ("gap", "tau_study"):
        mean = weight @ draws[name]
        sd = np.sqrt(weight @ (draws[name] - mean) ** 2)
        assert abs(float(posterior[name].mean()) - mean) < 0.12 * sd, name
        assert float(posterior[name].std()) == pytest.approx(sd, rel=0.12)
    mean = weight @ draws["beta"]
    sd = np.sqrt(weight @ (draws["beta"] - mean) ** 2)
    assert (abs(posterior["beta"].mean(("chain", "draw")).values - mean) < 0.12 * sd).all()
    np.testing.assert_allclose(posterior["beta"].std(("chain", "draw")), sd, rtol=0.12)
    shares = ordinal.averaged_probabilities(
        draws["beta"][:, :3], draws["gap"][:, None], draws["tau_study"][:, None]
    )
    by_weight = np.einsum("s,srd->rd", weight, shares)
    np.testing.assert_allclose(
        ordinal.side_probabilities(tree).mean("sample"), by_weight, atol=0.02
    )


def test_writes_the_contract(fitted: Path, tree: xr.DataTree) -> None:
    columns = {
        path.stem: set(pd.read_csv(path).columns) for path in (fitted / "tables").glob("*.csv")
    }
    assert columns["terms"] >= {
        "term",
        "mean",
        "sd",
        "median",
        "ci_lb",
        "ci_ub",
        "p_positive",
        "r_hat",
    }
    assert columns["heterogeneity"] >= {
        "level",
        "tau_mean",
        "tau_ci_lb",
        "tau_ci_ub",
        "i2_mean",
        "i2_ci_lb",
        "i2_ci_ub",
    }
    assert columns["contrasts"] >= {
        "contrast",
        "mean",
        "sd",
        "ci_lb",
        "ci_ub",
        "p_positive",
        "p_rope",
    }
    assert columns["prediction"] >= {"term", "level", "direction", "p", "pi_lb", "pi_ub"}
    assert {"directions", "direction_differences", "aggregate", "parameters"} <= set(columns)
    assert {path.stem for path in (fitted / "figures").glob("*.png")} == {
        "directions",
        "taus",
        "chains",
    }
    found = json.loads((fitted / "diagnostics.json").read_text())
    assert found["passed"] == (not found["failures"])
    notes = " ".join(json.loads((fitted / "provenance.json").read_text())["notes"])
    assert "no effect sizes exist in the open record" in notes
    assert "none of the papers is confirmed" in notes
    groups = {
        "posterior",
        "prior",
        "posterior_predictive",
        "prior_predictive",
        "log_likelihood",
        "log_prior",
    }
    assert groups | {"sample_stats", "observed_data", "constant_data"} <= set(tree.children)
    assert az.loo(tree, var_name="obs_study").n_data_points == 9


def test_tables_hang_together(fitted: Path) -> None:
    tables = {path.stem: pd.read_csv(path) for path in (fitted / "tables").glob("*.csv")}
    said = tables["directions"].set_index(["route", "direction"])
    assert said["rows"].sum() == 11
    assert said.loc[("intravenous", "impaired"), ["rows", "of", "studies"]].tolist() == [2, 3, 3]
    assert said.loc[("unstated", "enhanced"), ["rows", "of", "studies"]].tolist() == [4, 7, 6]
    np.testing.assert_allclose(said.groupby("route")[["mean", "prior_mean"]].sum(), 1)
    np.testing.assert_allclose(said.xs("enhanced", level=1)["prior_mean"], 0.38, atol=0.02)
    assert (said["ci_ub"] - said["ci_lb"]).lt(said["prior_ci_ub"] - said["prior_ci_lb"]).sum() >= 7
    differences = tables["direction_differences"].set_index(["contrast", "direction"])
    both = (
        said.loc[("intravenous", "impaired"), "mean"] - said.loc[("unstated", "impaired"), "mean"]
    )
    assert differences.loc[("intravenous - unstated", "impaired"), "mean"] == pytest.approx(both)
    following = tables["prediction"].set_index(["term", "direction"])
    for key, row in said.iterrows():
        assert following.loc[key, "p"] == pytest.approx(row["mean"])
        assert (
            following.loc[key, "pi_ub"] - following.loc[key, "pi_lb"] > row["ci_ub"] - row["ci_lb"]
        )


def test_the_next_study_has_an_effect_of_its_own(fitted: Path, tree: xr.DataTree) -> None:
    rows = pd.read_csv(fitted / "tables" / "prediction.csv").set_index(["term", "direction"])
    draws = tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    own = draws["tau_study"].values * np.random.default_rng(1).normal(size=draws.sizes["sample"])
    at_own = draws["beta"].sel(term="unstated").values + own
    bounds = np.quantile(expit(at_own - draws["gap"].values), [0.025, 0.975])
    np.testing.assert_allclose(
        rows.loc[("unstated", "enhanced"), ["pi_lb", "pi_ub"]].astype(float), bounds, atol=0.03
    )
    assert rows.loc[("unstated", "enhanced"), "pi_ub"] > 0.85


def test_the_log_odds_and_i2_follow_from_the_draws(fitted: Path, tree: xr.DataTree) -> None:
    tau = tree["posterior"]["tau_study"].values
    rows = pd.read_csv(fitted / "tables" / "heterogeneity.csv").set_index("level")
    assert rows.loc["study", "i2_mean"] == pytest.approx(
        (100 * tau**2 / (tau**2 + 3.2898681)).mean()
    )
    contrasts = pd.read_csv(fitted / "tables" / "contrasts.csv").set_index("contrast")
    slopes = tree["posterior"]["beta"]
    difference = slopes.sel(term="intravenous") - slopes.sel(term="unstated")
    assert contrasts.loc["intravenous - unstated", "mean"] == pytest.approx(
        float(difference.mean())
    )


def test_the_aggregate_is_beta_binomial(fitted: Path) -> None:
    row = pd.read_csv(fitted / "tables" / "aggregate.csv").iloc[0]
    share = (np.arange(200_000) + 0.5) / 200_000
    weight = binom.pmf(10, 15, share)
    weight /= weight.sum()
    assert row["mean"] == pytest.approx(weight @ share, abs=1e-6)
    assert row["mean"] == pytest.approx(11 / 17)
    bounds = np.interp([0.025, 0.975], weight.cumsum(), share)
    np.testing.assert_allclose(row[["ci_lb", "ci_ub"]].astype(float), bounds, atol=1e-4)
    np.testing.assert_allclose(
        row[["prior_ci_lb", "prior_ci_ub"]].astype(float), beta(1, 1).ppf([0.025, 0.975])
    )


def test_replicates_follow_their_probabilities(tree: xr.DataTree, design: xr.Dataset) -> None:
    replicates, likelihood = (
        tree["posterior_predictive"]["obs"].values,
        tree["log_likelihood"]["obs"].values,
    )
    same = (replicates == design["direction"].values).mean(axis=(0, 1))
    np.testing.assert_allclose(same, np.exp(likelihood).mean(axis=(0, 1)), atol=0.05)


def test_what_is_told_and_drawn_has_the_prior_beside_the_posterior(fitted: Path) -> None:
    tables = {path.stem: pd.read_csv(path) for path in (fitted / "tables").glob("*.csv")}
    lines = direction_lines(tables)
    assert [re.match(r"P\(enhanced \| (\w+)\)", line)[1] for line in lines[:3]] == ROUTES  # type: ignore[index]
    assert all("prior 0.38 [" in line for line in lines[:3])
    assert lines[3].startswith("beside it, 10 of 15 reviewed studies: share 0.65 [0.41, 0.85]")
    drawn = drawn_directions(tables)
    assert drawn["counted"].tolist() == ["0 of 3", "1 of 1", "4 of 7", "10 of 15"]
    pd.testing.assert_frame_equal(pd.read_csv(fitted / "figures" / "directions.csv"), drawn)
    (ax,) = draw_directions(drawn, xlabel="P", title="t").axes
    assert [line.get_xdata().tolist() for line in ax.lines] == [
        drawn["mean"].tolist(),
        drawn["prior_mean"].tolist(),
    ]


def test_the_report_says_that_these_are_directions(fitted: Path) -> None:
    quick = ["--draws", "700", "--tune", "500", "--out", str(fitted)]
    drawn = (fitted / "posterior.nc").stat().st_mtime_ns
    assert run("report", "--dataset", "ketamine-extinction", *quick) in (0, 1)
    assert (fitted / "posterior.nc").stat().st_mtime_ns == drawn  # the fit that is there is kept
    page = (fitted / "index.html").read_text(encoding="utf-8")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))
    assert (
        "The data are directions that abstracts state, not effect sizes. 11 rows of 9 papers state"
        in words
    )
    for note in datasets.read("ketamine-extinction").attrs["notes"]:
        assert note in words
    tables = {
        name: pd.read_csv(fitted / "tables" / f"{name}.csv")
        for name in ("directions", "rows", "aggregate")
    }
    assert len(tables["rows"]) == 11
    numbers = re.findall(
        r'<data value="([^"]*)" data-cell="directions\|route=([^,]*),direction=([^|]*)\|(\w+)"',
        page,
    )
    assert len(numbers) == 11 * len(ROUTES)
    for value, route, direction, column in numbers:
        rows = tables["directions"].set_index(["route", "direction"])
        assert float(value) == rows.loc[(route, direction), column]
    assert (
        "counted 10 of 15 studies as enhanced: a share of 0.65 [0.41, 0.85] under the prior "
        "Beta(1, 1)" in words
    )
    for heading in ("The rows", "Probabilities", "Model and priors", "Diagnostics", "Provenance"):
        assert f">{heading}</h2>" in page
