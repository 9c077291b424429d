"""Targets are the posterior's; folds, weights and tuning; a proxy of the study gains nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.ensemble import RandomForestRegressor

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.screening import convergence, examination, forest, moderators, targets, tuning
from bayesmeta.screening.folds import folds_of, held_out
from bayesmeta.screening.forest import Training, Tuning
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.running import JobOptions

SMALL = Tuning(max_features=2, min_samples_leaf=2, weights="uniform", trees=60)


def nested(rng: np.random.Generator, studies: int = 6) -> pd.DataFrame:
    """A small table with two groups of two effects per study."""
    study, group = np.repeat(np.arange(studies), 4), np.repeat(np.arange(2 * studies), 2)
    k = len(study)
    return pd.DataFrame(
        {
            "study": [f"s{i}" for i in study],
            "group": [f"g{i}" for i in group],
            "effect": [f"e{i}" for i in range(k)],
            "yi": rng.normal(0.5, 1, studies)[study] + rng.normal(0, 0.7, k),
            "vi": rng.uniform(0.05, 0.5, k),
        }
    )


def dense_means(frame: pd.DataFrame, points: int) -> np.ndarray:
    """E(theta | y) by brute force: dense normals on a plain grid over the taus, mu and effects."""
    same = [
        (frame[name].to_numpy()[:, None] == frame[name].to_numpy()).astype(float)
        for name in ("study", "group")
    ]
    k, y, ones = len(frame), frame["yi"].to_numpy(), np.ones((len(frame), len(frame)))
    nodes, weights = np.polynomial.legendre.leggauss(points)
    tau, share = 2.25 * (nodes + 1), weights * norm.pdf(2.25 * (nodes + 1))
    square = np.stack([each.ravel() for each in np.meshgrid(tau, tau, tau)]) ** 2
    prior = 1.5**2 * ones + np.tensordot(square.T, np.stack([*same, np.eye(k)]), 1)
    covariance = prior + np.diag(frame["vi"])
    solved = np.linalg.solve(covariance, np.broadcast_to(y[:, None], (len(prior), k, 1)))
    log_density = -(np.linalg.slogdet(covariance)[1] + y @ solved[:, :, 0].T) / 2
    mass = np.einsum("i,j,k->ijk", share, share, share).ravel() * np.exp(
        log_density - log_density.max()
    )
    return mass @ (prior @ solved)[:, :, 0] / mass.sum()


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    return nested(np.random.default_rng(4))


def test_means_are_those_of_brute_force(small: pd.DataFrame) -> None:
    found = targets.target_of(small, "means")
    assert found.values.shape == (1, len(small))
    np.testing.assert_allclose(found.values[0], dense_means(small, 24), atol=2e-5)
    assert np.ptp(found.values[0][:2]) > 0.05  # of one group: the effect level keeps them apart


def test_draws_scatter_about_the_means(small: pd.DataFrame) -> None:
    means, drawn = (
        targets.target_of(small).values[0],
        targets.target_of(small, "draws", draws=1000, seed=3),
    )
    assert drawn.values.shape == (1000, len(small))
    error = drawn.values.std(0) / np.sqrt(1000)
    assert (np.abs(drawn.values.mean(0) - means) < 4.5 * error).all()
    assert np.corrcoef(drawn.values[:, :2].T)[0, 1] > 0.05  # they share their study
    assert not np.array_equal(
        drawn.values[0], targets.target_of(small, "draws", draws=2, seed=4).values[0]
    )


def test_targets_by_name(small: pd.DataFrame) -> None:
    np.testing.assert_array_equal(targets.target_of(small, "raw").values, [small["yi"]])
    with pytest.raises(BadInput, match="means, draws, raw"):
        targets.target_of(small, "mean")
    with pytest.raises(BadInput, match="1 or more"):
        targets.target_of(small, "draws", draws=0)


def test_total_tau2_solves_reml(small: pd.DataFrame) -> None:
    tau2, vi = targets.total_tau2(small), small["vi"].to_numpy()
    weight = 1 / (vi + tau2)
    r = small["yi"] - (weight @ small["yi"]) / weight.sum()
    score = weight**2 @ r**2 - weight.sum() + (weight**2).sum() / weight.sum()
    assert score == pytest.approx(0, abs=1e-4)
    weights = forest.case_weights(small, tau2)
    assert {name: each.mean() for name, each in weights.items()} == pytest.approx(
        dict.fromkeys(forest.WEIGHTS, 1)
    )
    assert np.ptp(weights["random"] * (vi + tau2)) < 1e-9
    assert np.ptp(weights["fixed"] * vi) < 1e-9


def test_folds_keep_clusters_whole_and_even() -> None:
    labels = np.repeat([f"s{i}" for i in range(23)], np.arange(1, 24))
    folds = folds_of(labels, count=5, seed=2)
    whole = pd.Series(folds).groupby(labels).unique()
    assert whole.map(len).eq(1).all()
    assert np.bincount(whole.map(lambda own: own[0])).tolist() in ([5, 5, 5, 4, 4],)
    assert not np.array_equal(folds, folds_of(labels, count=5, seed=3))
    train, test = next(held_out(folds))
    assert not set(labels[train]) & set(labels[test])
    assert len(train) + len(test) == len(labels)
    with pytest.raises(BadInput, match="from 2 to 23"):
        folds_of(labels, count=24)


def test_agreement_is_by_its_formulas() -> None:
    found = forest.agreement(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 4.0]), 2.0)
    assert found["r2"] == pytest.approx(np.corrcoef([1, 2, 4], [1, 3, 4])[0, 1] ** 2)
    assert found["r2_sse"] == pytest.approx(1 - 1 / 5)
    assert found["rmse"] == pytest.approx(np.sqrt(1 / 3))
    assert found["mae"] == pytest.approx(1 / 3)
    assert forest.agreement(np.array([1.0, 2.0, 4.0]), np.ones(3), 2.0)["r2"] == 0


def planted(rng: np.random.Generator, studies: int = 60) -> tuple[pd.DataFrame, Coded, np.ndarray]:
    """An effect of phase, an effect that valence turns, three noise moderators; true effects."""
    study = np.repeat(np.arange(studies), 5)
    k = len(study)
    table = pd.DataFrame(
        {
            "phase": rng.choice(["learning", "memory", "extinction"], k),
            "valence": rng.choice(["fear", "neutral"], k),
            "cue": rng.choice(["cue", "context"], k),
            "noise": rng.choice(list("abcd"), k),
            "sham": rng.choice(list("xy"), studies)[study],
            "time": rng.exponential(10, k),
        }
    )
    sign = np.where(table["valence"] == "fear", 1.0, -1.0) * np.where(
        table["cue"] == "cue", 1.0, -1.0
    )
    y = (
        1.5 * (table["phase"] == "extinction")
        + 0.8 * sign
        + rng.normal(0, 0.7, studies)[study]
        + rng.normal(0, 0.4, k)
    )
    frame = pd.DataFrame({"study": [f"s{i:02d}" for i in study]})
    return frame, moderators.code(table), y.to_numpy()


def test_trees_are_those_of_scikit_learn() -> None:
    """Weights are probabilities of the bootstrap, and rows may be repeated."""
    _, coded, y = planted(np.random.default_rng(1), studies=20)
    rng = np.random.default_rng(2)
    weight = rng.uniform(0.2, 3, len(y))
    rows = rng.integers(0, len(y), len(y))
    grown = forest.grow(Training(coded, y, weight, SMALL), rows, seed=7)
    chosen = {"max_features": 5, "min_samples_leaf": 2, "random_state": 7}
    other = RandomForestRegressor(SMALL.trees, **chosen)
    other.fit(coded.matrix[rows], y[rows], sample_weight=weight[rows])
    np.testing.assert_array_equal(grown.drawn, other.estimators_samples_)
    np.testing.assert_allclose(grown.predict(coded.matrix), other.predict(coded.matrix))
    each = [tree.predict(coded.matrix) for tree in other.estimators_]
    np.testing.assert_allclose(grown.predict_by_tree(coded.matrix), each)


def test_tuning_runs_a_job_per_point_and_the_lowest_rmse_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, coded, y = planted(np.random.default_rng(1), studies=20)
    weights = dict.fromkeys(forest.WEIGHTS, np.ones(len(y)))
    sizes = (60, 2, 90)
    grid = [replace(SMALL, trees=20, min_samples_leaf=size) for size in sizes]
    folds = folds_of(frame["study"], count=4)
    monkeypatch.setattr(tuning, "ROUNDS", (tuning.Round(20, 4, 1),))
    options = JobOptions(workers=1, cache=tmp_path)
    tuned = tuning.tune(coded, y, weights, folds, grid=grid, options=options)
    assert len(list(tmp_path.glob("*.parquet"))) == 3
    assert tuned.kept == [grid[1]]
    assert tuned.table.groupby("min_samples_leaf")["k"].sum().to_dict() == {60: 100, 90: 100}
    table = tuning.r2cv_table(tuned.table)
    assert tuning.best_of(table) == grid[0]
    assert table["rmse"].is_monotonic_increasing
    of_best = tuned.table[tuned.table["min_samples_leaf"] == 60]
    assert table.loc[0, "r2"] == pytest.approx(of_best["r2"].mean())
    assert table.loc[0, "r2_sd"] == pytest.approx(of_best["r2"].std())
    alone = tuning.cross_validate(Training(coded, y, np.ones(len(y)), grid[0]), folds, 1)
    np.testing.assert_allclose(of_best["rmse"], alone["rmse"])


def test_tuning_in_rounds_picks_the_best_point_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, coded, y = planted(np.random.default_rng(1), studies=20)
    weights = dict.fromkeys(forest.WEIGHTS, np.ones(len(y)))
    sizes = (2, 20, 40, 60)
    grid = [replace(SMALL, trees=60, min_samples_leaf=size) for size in sizes]
    folds = folds_of(frame["study"], count=4)
    monkeypatch.setattr(tuning, "ROUNDS", (tuning.Round(5, 2, 3), tuning.Round(20, 3, 2)))
    options = JobOptions(workers=1, cache=tmp_path)
    tuned = tuning.tune(coded, y, weights, folds, grid=grid, options=options)
    points = [Training(coded, y, np.ones(len(y)), point) for point in tuned.kept]
    examined = examination.examine_folds(points, {"study": folds}, options=options)
    measured = examination.measures_of(examined, tuned.kept)
    table = tuning.r2cv_table(pd.concat([tuned.table, measured]))
    assert sorted(table["trees"]) == [5, 20, 60, 60]
    assert table["trees"].is_monotonic_decreasing
    everywhere = {
        point: tuning.cross_validate(Training(coded, y, np.ones(len(y)), point), folds, 1)["rmse"]
        for point in grid
    }
    best = min(grid, key=lambda point: everywhere[point].mean())
    assert tuning.best_of(table) == best
    np.testing.assert_allclose(table.loc[0, "rmse"], everywhere[best].mean())


def test_a_single_point_needs_no_tuning() -> None:
    _, coded, y = planted(np.random.default_rng(1), studies=8)
    tuned = tuning.tune(coded, y, {"uniform": np.ones(len(y))}, np.zeros(len(y)), grid=[SMALL])
    assert tuned.kept == [SMALL]
    assert tuned.table.empty


def test_points_that_grow_the_same_forests_are_tuned_once() -> None:
    few = moderators.code(pd.DataFrame({"a": ["x", "y", "x"], "b": [1.0, 2.0, 3.0]}))
    points = tuning.distinct(tuning.GRID, few)
    assert len(points) == 9  # of two moderators, 2, 4 and 6 are all
    _, many, _ = planted(np.random.default_rng(1), studies=20)
    assert tuning.distinct(tuning.GRID, many) == list(tuning.GRID)


def test_the_published_grid() -> None:
    assert len(set(tuning.GRID)) == 27
    assert {each.trees for each in tuning.GRID} == {500}


def test_a_forest_tries_the_same_share_of_columns_as_of_moderators() -> None:
    _, coded, _ = planted(np.random.default_rng(1), studies=8)
    assert coded.matrix.shape[1] == 14
    assert forest.columns_tried(coded, SMALL) == 5  # 2 of 6 moderators, 14 columns


def test_weights_decide_what_is_learned() -> None:
    rng = np.random.default_rng(2)
    coded, half = (
        moderators.code(pd.DataFrame({"x": rng.choice(["a", "b"], 200)})),
        np.arange(200) < 100,
    )
    y = np.where(half, 1.0, 5.0)
    weight = np.where(half, 1.9, 0.1)
    found = (
        forest.grow(Training(coded, y, weight, SMALL), np.arange(200), seed=1)
        .predict(coded.matrix)
        .mean()
    )
    assert found == pytest.approx(0.95 * 1 + 0.05 * 5, abs=0.1)


@pytest.mark.slow
def test_a_proxy_of_the_study_helps_with_folds_of_effects_only() -> None:
    """A proxy of the study predicts the study's effect, also of means, and is no moderator."""
    rng = np.random.default_rng(5)
    study = np.repeat(np.arange(40), 5)
    table = pd.DataFrame({"phase": rng.choice(["a", "b"], 200)})
    yi = 0.8 * (table["phase"] == "a") + rng.normal(0, 1, 40)[study] + rng.normal(0, 0.6, 200)
    labels = pd.Series([f"s{i}" for i in study])
    frame = pd.DataFrame(
        {"study": labels, "group": labels, "effect": [f"e{i}" for i in range(200)], "yi": yi}
    )
    proxy = table.assign(
        proxy=rng.permutation(40)[study].astype(float)
    )  # as a date or a dose may be
    for target in ("raw", "means"):
        (y,) = targets.target_of(frame.assign(vi=0.1), target).values
        gain = {}
        for clusters in ("study", "effect"):
            folds, without = folds_of(frame[clusters], seed=1), moderators.code(table)
            r2 = [
                tuning.cross_validate(Training(coded, y, np.ones(200), SMALL), folds, 1)[
                    "r2"
                ].mean()
                for coded in (moderators.code(proxy), without)
            ]
            gain[clusters] = r2[0] - r2[1]
        assert gain["study"] < 0.02
        assert gain["effect"] > 0.2


def test_convergence_is_that_of_smaller_forests(tmp_path: Path) -> None:
    frame, coded, y = planted(np.random.default_rng(6), studies=20)
    weight = np.full(len(y), 1.0)
    folds = folds_of(frame["study"], count=3)
    training = Training(coded, y, weight, replace(SMALL, trees=100))
    options = JobOptions(workers=1, cache=tmp_path)
    examined = examination.examine_folds([training], {"study": folds}, seed=3, options=options)
    grown = forest.grow(training, np.arange(len(y)), seed=3)
    table = convergence.convergence(grown, training, examined).set_index("trees")
    assert table.index[-1] == 100
    trees = int(table.index[8])
    chosen = {"max_features": 5, "min_samples_leaf": 2, "random_state": 3}
    single = RandomForestRegressor(trees, oob_score=True, **chosen).fit(
        coded.matrix, y, sample_weight=weight
    )
    assert table.loc[trees, "out_of_bag"] == pytest.approx(
        np.mean((single.oob_prediction_ - y) ** 2)
    )
    smaller = Training(coded, y, weight, replace(SMALL, trees=trees))
    each = tuning.cross_validate(smaller, folds, 3)
    assert table.loc[trees, "held_out"] == pytest.approx(
        np.average(each["rmse"] ** 2, weights=each["k"])
    )
