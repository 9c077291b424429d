"""Importance and dependence are what they are by hand, and rank what was planted above noise."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_screening import SMALL, planted

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.screening import (
    dependence,
    examination,
    forest,
    importance,
    moderators,
    replicates,
    tuning,
)
from bayesmeta.screening.folds import folds_of, resample
from bayesmeta.screening.forest import Training, Tuning
from bayesmeta.screening.moderators import Coded
from bayesmeta.screening.running import JobOptions
from bayesmeta.screening.targets import Target

NOISE = ["noise", "sham", "time"]


def stub(rule: object) -> SimpleNamespace:
    """A forest that predicts by a known rule."""
    return SimpleNamespace(predict=rule)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    return pd.DataFrame(
        {"x": rng.choice(list("abc"), 400), "z": rng.choice(list("uv"), 400), "t": rng.random(400)}
    )


@pytest.fixture(scope="module")
def coded(table: pd.DataFrame) -> Coded:
    return moderators.code(table)


def test_importance_of_a_known_rule(table: pd.DataFrame, coded: Coded) -> None:
    y, rows = np.where(table["x"] == "a", 2.0, 0.0), np.arange(50, 400)

    def rule(matrix: np.ndarray) -> np.ndarray:
        assert (matrix[:, :3].sum(1) == 1).all()  # a category stays whole
        return 2 * matrix[:, 0]

    found = importance.permuted_loss(stub(rule), coded, y, rows, repeats=200, seed=1) / len(rows)
    share = (table["x"][50:] == "a").mean()
    assert found[0] == pytest.approx(4 * 2 * share * (1 - share), rel=0.02)
    assert found[1:].tolist() == [0, 0]


def test_permuted_rows_are_predicted_with_the_values_of_another_row(coded: Coded) -> None:
    """The same permutations, row by row, with numbers and repeated rows."""
    rows = np.arange(20, 90)
    y = coded.matrix @ np.arange(1.0, 7.0)

    def rule(matrix: np.ndarray) -> np.ndarray:
        return np.sin(matrix @ np.arange(1.0, 7.0))

    found = importance.permuted_loss(stub(rule), coded, y, rows, repeats=3, seed=5)
    rng = np.random.default_rng(5)
    base = ((rule(coded.matrix[rows]) - y[rows]) ** 2).sum()
    for at, name in enumerate(coded.names):
        error = 0.0
        for _ in range(3):
            permuted = coded.matrix[rows]
            order = rng.permutation(len(rows))
            permuted[:, coded.columns(name)] = permuted[np.ix_(order, coded.columns(name))]
            error += ((rule(permuted) - y[rows]) ** 2).sum() / 3
        assert found[at] == pytest.approx(error - base)


def test_importance_is_taken_where_the_forest_did_not_learn(tmp_path: Path) -> None:
    """A number that names the study is worthless on other studies, though it is split on."""
    rng = np.random.default_rng(9)
    study = np.repeat(np.arange(30), 6)
    own = moderators.code(
        pd.DataFrame({"number": study.astype(float), "x": rng.choice(["a", "b"], 180)})
    )
    y = rng.normal(0, 2, 30)[study] + own.matrix[:, 1]
    found = {}
    for name, folds in {
        "study": folds_of(study, seed=1),
        "effect": folds_of(np.arange(180)),
    }.items():
        one = examination.held_out_importance(
            examination.examine_folds(
                [Training(own, y, np.ones(180), SMALL)],
                {name: folds},
                options=JobOptions(workers=1, cache=tmp_path),
            )
        )
        found[name] = one.set_index("moderator")["importance"]["number"]
    assert found["effect"] > 3
    assert found["study"] < 0.5


def test_every_draw_is_examined_by_itself(tmp_path: Path) -> None:
    frame, coded, y = planted(np.random.default_rng(10), studies=20)
    target, weight = Target("draws", np.stack([y, 2 * y])), np.ones(len(y))
    folds = folds_of(frame["study"], count=4)
    small = Tuning(2, 4, "uniform", trees=10)
    trainings = examination.trainings_of([coded], target, weight, small)
    options = JobOptions(workers=1, cache=tmp_path)
    found = examination.examine_folds(trainings, {"study": folds}, seed=2, options=options)
    each = [tuning.cross_validate(training, folds, 2) for training in trainings]
    table = examination.r2cv_draws(found).set_index("measure")
    assert table.loc["rmse", "mean"] == pytest.approx(1.5 * each[0]["rmse"].mean())
    assert table.loc["rmse", "sd"] == pytest.approx(1.5 * each[0]["rmse"].std())
    assert table.loc["rmse", "ci_lb"] == pytest.approx((1 + 0.025) * each[0]["rmse"].mean())
    assert table.loc["r2", "mean"] == pytest.approx(each[1]["r2"].mean())
    measured = examination.measures_of(found, [small, replace(small, trees=11)])
    assert measured.groupby("trees")["rmse"].mean().tolist() == pytest.approx(
        [each[0]["rmse"].mean(), each[1]["rmse"].mean()]
    )
    one, two = (
        examination.held_out_importance(found[found["training"] == draw]) for draw in (0, 1)
    )
    np.testing.assert_allclose(two["importance"], 4 * one["importance"], rtol=1e-6)
    both = examination.held_out_importance(found)
    np.testing.assert_allclose(both["importance"], 2.5 * one["importance"], rtol=1e-6)


def test_imputations_and_draws_are_taken_in_turn() -> None:
    _, coded, y = planted(np.random.default_rng(10), studies=20)
    other = replace(coded, matrix=np.random.default_rng(1).permuted(coded.matrix, axis=0))
    target = Target("draws", np.stack([y, 2 * y]))
    weight = np.ones(len(y))
    both = examination.trainings_of([coded, other, coded], target, weight, SMALL)
    expected = [(coded, y), (other, 2 * y), (coded, y)]
    for training, (codes, values) in zip(both, expected, strict=True):
        assert training.coded is codes
        assert training.y.tolist() == values.tolist()
        assert training[2:] == (weight, SMALL)


def test_out_of_bag_importance_is_tree_by_tree_where_it_did_not_learn() -> None:
    rng = np.random.default_rng(3)
    x = rng.choice(["a", "b"], 300)
    coded = moderators.code(pd.DataFrame({"x": x, "row": np.arange(300.0)}))
    y = 2.0 * (x == "a") + rng.normal(0, 0.1, 300)
    training = Training(coded, y, np.ones(300), Tuning(2, 1, "uniform", trees=80))
    grown = forest.grow(training, np.arange(300), seed=1)
    found = importance.out_of_bag_importance(grown, training)
    assert found["moderator"].tolist() == ["x", "row"]
    assert found["importance"][0] == pytest.approx(2.0, rel=0.1)  # 4 x 2 p (1 - p)
    assert (
        abs(found["importance"][1]) < 0.005
    )  # each tree knows the rows it drew, an error of .02 on others


def test_importance_table_by_hand() -> None:
    each = pd.DataFrame(
        {
            "replicate": np.repeat(range(4), 2),
            "moderator": ["x", "y"] * 4,
            "importance": [1.0, 0.0, 2.0, 3.0, 4.0, 0.0, 5.0, -1.0],
        }
    )
    held = pd.DataFrame({"moderator": ["y", "x"], "importance": [1.0, 3.0]})
    found = importance.importance_table(each, held, "means").set_index("moderator")
    assert found.index.tolist() == ["x", "y"]
    assert found.loc["x", ["mean", "held_out", "p_positive", "p_rank_1", "p_rank_2"]].tolist() == [
        3,
        3,
        1,
        0.75,
        0.25,
    ]
    assert found.loc["y", ["mean", "held_out", "p_positive", "mean_rank"]].tolist() == [
        0.5,
        1,
        0.25,
        1.75,
    ]
    assert found.loc["x", "ci_lb"] == pytest.approx(np.quantile([1, 2, 4, 5], 0.025))
    assert found.loc["x", "ci_ub"] == pytest.approx(np.quantile([1, 2, 4, 5], 0.975))
    assert set(found["target"]) == {"means"}


def test_dependence_is_the_average_over_all_effects(coded: Coded) -> None:
    def rule(matrix: np.ndarray) -> np.ndarray:
        return (
            matrix @ [1.0, 2.0, 4.0, 10.0, 0.0, 3.0]
            + 5 * matrix[:, 0] * matrix[:, 3]
            + matrix[:, 5] ** 2
        )

    found = dependence.dependence(stub(rule), coded).set_index(["moderator", "level"])
    for place, level in enumerate("abc"):
        matrix = coded.matrix.copy()
        matrix[:, :3] = np.eye(3)[place]
        assert found.loc[("x", level), "effect"] == pytest.approx(rule(matrix).mean())
        assert found.loc[("x", level), "k"] == (coded.matrix[:, place] == 1).sum()
    number = found.loc["t"]
    assert not number["category"].any()
    assert number["k"].sum() == 400
    assert number["at"].is_monotonic_increasing
    matrix = coded.matrix.copy()
    matrix[:, 5] = number["at"].iloc[4]
    assert number["effect"].iloc[4] == pytest.approx(rule(matrix).mean())
    pair = dependence.pair_dependence(stub(rule), coded, "x", "z").set_index(["level_1", "level_2"])
    matrix[:, :5] = [0, 1, 0, 0, 1]
    matrix[:, 5] = coded.matrix[:, 5]
    assert pair.loc[("b", "v"), "effect"] == pytest.approx(rule(matrix).mean())
    assert (
        pair.loc[("b", "v"), "k"] == ((coded.matrix[:, 1] == 1) & (coded.matrix[:, 4] == 1)).sum()
    )


def test_dependence_does_not_ask_how_levels_are_coded(table: pd.DataFrame) -> None:
    one, two = moderators.code(table), moderators.code(table, ordered=True)
    found = [
        dependence.pair_dependence(stub(rule), coded, "x", "t")
        for rule, coded in (
            (lambda m: m[:, 1] + m[:, 5], one),
            (lambda m: (m[:, 0] == 1) + m[:, 2], two),
        )
    ]
    pd.testing.assert_frame_equal(*found)


def test_interactions_of_a_known_rule() -> None:
    """Signs that multiply: all that two of them do is together; a sum has none of it."""
    signs = np.array(np.meshgrid(["-", "+"], ["-", "+"], ["-", "+"])).reshape(3, -1).T
    coded = moderators.code(pd.DataFrame(signs, columns=["a", "b", "c"]))  # + before -

    def rule(matrix: np.ndarray) -> np.ndarray:
        a, b, c = matrix[:, 0::2].T * 2 - 1
        return 3 * a * b + 2 * c

    table = dependence.interactions_table(stub(rule), coded, ["a", "b", "c"])
    assert table.loc[0, ["first", "second"]].tolist() == ["a", "b"]
    assert table.loc[0, ["strength", "h2"]].tolist() == pytest.approx([3, 1])
    assert table.loc[1:, "strength"].tolist() == pytest.approx([0, 0], abs=1e-12)


def test_a_resample_leaves_whole_studies_out() -> None:
    labels = np.repeat([f"s{i}" for i in range(50)], 3)
    train, test = resample(labels, 1)
    assert not set(labels[train]) & set(labels[test])
    assert set(labels[train]) | set(labels[test]) == set(labels)
    assert len(train) == len(labels)
    assert 0.2 < len(test) / len(labels) < 0.55
    assert (np.bincount(train, minlength=150).reshape(50, 3).std(1) == 0).all()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """A small screening of what was planted."""
    frame, coded, y = planted(np.random.default_rng(11), studies=80)
    chosen, weight = Tuning(4, 4, "uniform", trees=60), np.ones(len(y))
    training = Training(coded, y, weight, chosen)
    options = JobOptions(workers=1, cache=tmp_path_factory.mktemp("refits"))
    folds = {"study": folds_of(frame["study"])}
    held = examination.held_out_importance(
        examination.examine_folds([training], folds, options=options)
    )
    whole = forest.grow(training, np.arange(len(y)), seed=1)
    pairs = dependence.interactions_table(whole, coded, coded.names)
    top = [tuple(pairs.loc[0, ["first", "second"]])]
    each = replicates.run_replicates(
        [coded],
        Target("raw", y[None]),
        weight,
        chosen,
        frame["study"],
        count=40,
        pairs=top,
        options=options,
    )
    return {
        "importance": importance.importance_table(replicates.importance_of(each), held, "raw"),
        "pairs": replicates.with_intervals(pairs, each),
        "one": replicates.with_intervals(dependence.dependence(whole, coded), each),
        "two": replicates.with_intervals(dependence.pair_dependence(whole, coded, *top[0]), each),
        "replicates": each,
    }


def test_what_was_planted_is_ranked_above_noise(found: dict[str, pd.DataFrame]) -> None:
    table = found["importance"].set_index("moderator")
    assert set(table.index[:3]) == {"phase", "valence", "cue"}
    assert (table.loc[NOISE, "ci_lb"] < 0).all()
    assert (table.loc[NOISE, "ci_ub"] > 0).all()
    assert (table.loc[["phase", "valence", "cue"], "ci_lb"] > 0.1).all()
    assert table.loc[NOISE, ["p_rank_1", "p_rank_2", "p_rank_3"]].to_numpy().max() < 0.05
    assert table.filter(like="p_rank").sum(axis=1).to_numpy() == pytest.approx(1)
    assert table["held_out"].nlargest(3).index.sort_values().tolist() == ["cue", "phase", "valence"]


def test_the_planted_interaction_is_the_strongest(found: dict[str, pd.DataFrame]) -> None:
    first = found["pairs"].iloc[0]
    assert {first["first"], first["second"]} == {"valence", "cue"}
    assert first["strength"] > 4 * found["pairs"]["strength"].iloc[1]
    assert first["ci_lb"] < first["strength"] < first["ci_ub"]
    assert found["pairs"]["ci_lb"].iloc[1:].isna().all()
    two = found["two"].set_index(["level_1", "level_2"])
    assert (two["ci_lb"] < two["ci_ub"]).all()
    same = [level for level in two.index if set(level) in ({"fear", "cue"}, {"neutral", "context"})]
    assert (two.loc[same, "ci_lb"] > two.drop(same)["ci_ub"].max()).all()


def test_dependence_has_intervals_about_the_truth(found: dict[str, pd.DataFrame]) -> None:
    one = found["one"].set_index(["moderator", "level"])
    assert one[["ci_lb", "ci_ub"]].notna().all(axis=None)
    gap = one.loc[("phase", "extinction"), "effect"] - one.loc[("phase", "memory"), "effect"]
    assert gap == pytest.approx(1.5, abs=0.3)
    assert one.loc[("phase", "extinction"), "ci_lb"] > one.loc[("phase", "memory"), "ci_ub"]


def test_replicates_go_on_and_take_the_draws_in_turn(tmp_path: Path) -> None:
    frame, coded, y = planted(np.random.default_rng(12), studies=12)
    target, weight = Target("draws", np.stack([y, 0 * y])), np.ones(len(y))
    few = Tuning(2, 4, "uniform", trees=5)
    run = {"count": 4, "options": JobOptions(workers=1, cache=tmp_path)}
    each = replicates.run_replicates([coded], target, weight, few, frame["study"], **run)
    assert len(list(tmp_path.glob("*.parquet"))) == 4
    share = (
        each[(each["part"] == "importance")]
        .groupby("replicate")["value"]
        .apply(lambda own: own.abs().max() > 0)
    )
    assert share.tolist() == [True, False, True, False]  # the second draw is flat
    again = replicates.run_replicates([coded], target, weight, few, frame["study"], **run)
    pd.testing.assert_frame_equal(each, again)
    with pytest.raises(BadInput, match="no interval"):
        replicates.run_replicates([coded], target, weight, few, frame["study"], count=1)
