"""The cross-validation error is as documented; pruning keeps the first splits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.screening.cart import Choices, Split, Tree, grow
from bayesmeta.screening.folds import folds_of
from bayesmeta.screening.leaves import means
from bayesmeta.screening.pruning import cross_validate, kept_splits, predict, prune
from bayesmeta.screening.running import JobOptions

SMALL = Choices(max_splits=3, look_ahead=False)


def nested(
    seed: int, *, slope: float = 0.0, tau_study: float = 0.0, studies: int = 50, each: int = 6
) -> pd.DataFrame:
    """Effects in studies: `flag` has the effect `slope`, `noise` and `level` none."""
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(studies), each)
    u, flag = (
        rng.normal(0, tau_study, studies) if tau_study else np.zeros(studies),
        rng.random(len(study)) < 0.5,
    )
    vi = rng.uniform(0.05, 0.2, len(study))
    yi = slope * flag + u[study] + rng.normal(0, np.sqrt(vi + 0.05))
    table = pd.DataFrame(
        {"study": study, "yi": yi, "vi": vi, "flag": flag, "noise": rng.normal(size=len(study))}
    )
    level = rng.choice(list("pqr"), len(study))
    return table.assign(effect=np.arange(len(study)), level=level, label=[f"s{i}" for i in study])


def test_folds_keep_studies_together_and_are_even() -> None:
    table = nested(1, studies=53)
    fold = folds_of(table["study"])
    assert pd.Series(fold).groupby(table["study"]).nunique().eq(1).all()
    sizes = np.bincount(fold[::6])
    assert len(sizes) == 10
    assert set(sizes) == {5, 6}
    assert (fold == folds_of(table["study"])).all()
    assert (fold != folds_of(table["study"], seed=2)).any()
    assert len(set(folds_of(table["effect"])[:6])) > 1


def test_error_and_se_are_their_definitions(tmp_path: Path) -> None:
    table = nested(2, slope=1.0, studies=12).sample(
        frac=1, random_state=3
    )  # the index is not the place
    names = ["flag", "level"]
    for by in ("study", "effect"):
        got = cross_validate(
            table,
            names,
            SMALL,
            folds=4,
            by=by,
            seed=7,
            options=JobOptions(workers=1, cache=tmp_path),
        )
        fold, predicted = folds_of(table[by], count=4, seed=7), np.full((4, len(table)), np.nan)
        for each in range(4):
            here = fold == each
            tree = grow(table[~here], names, SMALL)
            found = predict(tree, table[~here], table[here])
            predicted[:, here] = np.vstack([found, *[found[-1:]] * (4 - len(found))])
        yi, unit = table["yi"].to_numpy(), table[by].to_numpy()
        total = ((yi - yi.mean()) ** 2).sum()
        for size in range(4):
            squares = (yi - predicted[size]) ** 2
            spread = sum(
                ((squares - squares.mean())[unit == each].sum()) ** 2 for each in np.unique(unit)
            )
            want = (size, squares.sum() / total, np.sqrt(spread) / total)
            assert tuple(got.iloc[size]) == pytest.approx(want)


def test_predictions_are_means_of_the_nodes_reached() -> None:
    table = nested(4, slope=2.0)
    tree = Tree((Split(1, "flag", ("False",), ("True",), np.nan, 1.0, 0.3),), 0.8)
    others = pd.DataFrame({"flag": ["True", "False", "never met"]})
    got = predict(tree, table, others)
    yi, vi, flag = (table[name].to_numpy() for name in ("yi", "vi", "flag"))
    whole, after = np.average(yi, weights=1 / (vi + 0.8)), 1 / (vi + 0.3)
    assert got[0] == pytest.approx(whole)
    want = [
        np.average(yi[part], weights=after[part]) for part in (flag, ~flag, np.ones(len(yi), bool))
    ]
    assert got[1] == pytest.approx(want)
    assert means(
        np.array([5, 5, 9]), np.array([1.0, 3.0, 4.0]), np.array([0.1, 0.1, 7.0]), 0.2
    ) == {5: 2.0, 9: 4.0}


@pytest.mark.parametrize(("c", "kept"), [(0.0, 3), (0.5, 2), (1.1, 1), (9.0, 0)])
def test_the_smallest_tree_within_c_standard_errors_is_kept(c: float, kept: int) -> None:
    errors = pd.DataFrame(
        {"splits": range(5), "error": [1.0, 0.8, 0.74, 0.7, 0.71], "se": [0.5, 0.5, 0.5, 0.1, 0.1]}
    )
    assert kept_splits(errors, c) == kept
    split = Split(1, "flag", ("a",), ("b",), np.nan, 1.0, 0.3)
    assert len(prune(Tree((split,) * 4, 0.8), errors, c).splits) == kept


def test_noise_is_pruned_away_and_a_planted_effect_is_not(tmp_path: Path) -> None:
    names = ["noise", "level", "flag"]
    for slope, kept in ((0.0, 0), (1.5, 1)):
        table = nested(5, slope=slope)
        errors = cross_validate(table, names, SMALL, options=JobOptions(workers=1, cache=tmp_path))
        pruned = prune(grow(table, names, SMALL), errors)
        assert [split.moderator for split in pruned.splits] == ["flag"] * kept
        assert errors["error"][0] == pytest.approx(1, abs=0.03)


def test_a_name_of_the_study_predicts_nothing_by_study_and_much_by_effect(tmp_path: Path) -> None:
    table = nested(6, tau_study=1.0, studies=30, each=8)
    choices = Choices(max_splits=4, look_ahead=False)
    by_study, by_effect = (
        cross_validate(
            table, ["label"], choices, by=by, options=JobOptions(workers=1, cache=tmp_path)
        )
        for by in ("study", "effect")
    )
    assert kept_splits(by_study) == 0
    assert by_study["error"].min() > 0.99
    assert kept_splits(by_effect) >= 2
    assert by_effect["error"].min() < 0.5


def test_folds_that_cannot_be_are_refused(tmp_path: Path) -> None:
    table = nested(7, studies=8)
    with pytest.raises(BadInput, match="10 folds of 8 clusters"):
        cross_validate(table, ["flag"], options=JobOptions(cache=tmp_path))
    with pytest.raises(BadInput, match="folds by 'group' need a column"):
        cross_validate(table, ["flag"], by="group", options=JobOptions(cache=tmp_path))
    with pytest.raises(BadInput, match="c is -1"):
        kept_splits(pd.DataFrame({"splits": [0], "error": [1.0], "se": [0.1]}), -1)
    with pytest.raises(BadInput, match="missing values in noise"):
        cross_validate(
            table.assign(noise=np.nan),
            ["noise"],
            folds=2,
            options=JobOptions(workers=1, cache=tmp_path),
        )
