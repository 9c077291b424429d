"""Resamples are of whole studies; the frequencies count what was split on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_cart_pruning import nested

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.screening.cart import Choices, grow
from bayesmeta.screening.folds import resample
from bayesmeta.screening.running import JobOptions
from bayesmeta.screening.stability import frequencies, resampled_splits

GREEDY = Choices(look_ahead=False)


def test_a_resample_is_of_whole_studies() -> None:
    study = pd.Series([*"aabbbbcdddee"])
    for number in range(20):
        drawn = study.iloc[resample(study, [3, number])[0]].value_counts()
        times = drawn / study.value_counts()[drawn.index]
        assert (times == times.round()).all()
        assert times.sum() == 5
    many = np.concatenate([resample(study, [3, number])[0] for number in range(4000)])
    assert np.bincount(many, minlength=12) / 4000 == pytest.approx(1, abs=0.07)


def test_splits_are_of_the_trees_of_the_resamples(tmp_path: Path) -> None:
    table, names = nested(1, slope=1.5, studies=30), ["noise", "flag", "level"]
    options = {"seed": 4, "options": JobOptions(workers=1, cache=tmp_path)}
    got = resampled_splits(table, names, GREEDY, splits=2, resamples=12, **options)
    tree = grow(
        table.iloc[resample(table["study"], [4, 11])[0]],
        names,
        Choices(max_splits=2, look_ahead=False),
    )
    last = got[got["resample"] == 11]
    assert last["moderator"].tolist() == [split.moderator for split in tree.splits]
    assert last["step"].tolist() == [1, 2]
    assert set(got["resample"]) == set(range(12))
    fewer = resampled_splits(table, names, GREEDY, splits=2, resamples=3, **options)
    pd.testing.assert_frame_equal(fewer, got[got["resample"] < 3])
    assert got.loc[got["step"] == 1, "moderator"].eq("flag").all()
    assert got.loc[got["step"] == 1, "split"].eq("flag = False").all()


def test_a_tree_of_no_splits_has_nothing_to_count(tmp_path: Path) -> None:
    table = nested(2, studies=20)
    none = resampled_splits(
        table,
        ["flag"],
        GREEDY,
        splits=0,
        resamples=20,
        options=JobOptions(workers=1, cache=tmp_path),
    )
    assert (
        frequencies(none, ["flag"], resamples=20)[["first", "second", "any", "splits"]]
        .eq(0)
        .all(axis=None)
    )
    with pytest.raises(BadInput, match="column study"):
        resampled_splits(
            table.drop(columns="study"), ["flag"], splits=1, options=JobOptions(cache=tmp_path)
        )


def test_frequencies_count_resamples_once() -> None:
    rows = [(0, 1, "a"), (0, 2, "a"), (0, 3, "b"), (1, 1, "b"), (1, 2, "a"), (2, 1, "a")]
    splits = pd.DataFrame(rows, columns=["resample", "step", "moderator"])
    table = frequencies(splits, ["c", "b", "a"], resamples=4).set_index("moderator")
    assert table.index.tolist() == ["a", "b", "c"]
    assert table.loc["a"].tolist() == [0.5, 0.5, 0.75, 1.0]
    assert table.loc["b"].tolist() == [0.25, 0, 0.5, 0.5]
    assert table.loc["c"].eq(0).all()
