"""Trees are brute force's, obey the laws, and find what was planted."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.replication import published_tree
from bayesmeta.screening import splits
from bayesmeta.screening.cart import Choices, Split, Tree, grow, nodes_of
from bayesmeta.screening.effects import effects_of
from bayesmeta.screening.leaves import in_words, steps_table, tree_table


@pytest.fixture(scope="module")
def simulated_pair() -> pd.DataFrame:
    """Effects that depend on whether a and b agree and on neither alone, and a little on c."""
    rng = np.random.default_rng(5)
    a, b, c = (
        np.tile(pattern, 30) for pattern in (list("xxyyxxyy"), list("xyxyxyxy"), list("xxxxyyyy"))
    )
    vi = np.tile(rng.uniform(0.02, 0.3, 30), (8, 1)).T.ravel()
    yi = np.where(a == b, 1.0, -1.0) + 0.3 * (c == "x") + rng.normal(0, np.sqrt(vi))
    # no main effect of a or b in this sample
    yi -= pd.Series(yi).groupby([a, c]).transform("mean").to_numpy() - 0.3 * (c == "x")
    return pd.DataFrame({"study": np.arange(240) // 4, "yi": yi, "vi": vi, "a": a, "b": b, "c": c})


def brute_force(yi: np.ndarray, vi: np.ndarray, nodes: np.ndarray) -> tuple[float, float]:
    """Qb and tau2 of subgroups by their definitions."""
    parts = [nodes == node for node in np.unique(nodes)]

    def squares(weights: np.ndarray, among: list[np.ndarray]) -> float:
        return sum(
            (weights[p] * (yi[p] - np.average(yi[p], weights=weights[p])) ** 2).sum() for p in among
        )

    w = 1 / vi
    scale = sum(w[p].sum() - (w[p] ** 2).sum() / w[p].sum() for p in parts)
    tau2 = max(0.0, (squares(w, parts) - len(yi) + len(parts)) / scale)
    new = 1 / (vi + tau2)
    return squares(new, [np.ones(len(yi), bool)]) - squares(new, parts), tau2


def scattered(rows: int, levels: int, seed: int, least: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    vi = 10 ** rng.uniform(least, 0.5, rows)
    level = rng.integers(0, levels, rows)
    table = pd.DataFrame(
        {"vi": vi, "number": rng.normal(size=rows).round(1), "level": level.astype(str)}
    )
    return table.assign(
        yi=rng.normal(0.3 * level + table["number"], np.sqrt(vi + 0.2)), flag=rng.random(rows) < 0.4
    )


@pytest.mark.parametrize(("rows", "least", "times"), [(40, -1, 1), (200, -4, 1), (40, -1, 0.01)])
def test_between_is_the_definition_for_every_split(rows: int, least: float, times: float) -> None:
    table = scattered(rows, 6, 1, least)
    table["yi"] *= times  # the last has less heterogeneity than chance
    effects = effects_of(table, ["number", "level", "flag"])
    leaf = np.where(table["flag"], 0, np.where(table["number"] < 0, 1, 2))
    here = np.flatnonzero(leaf == 1)
    cuts = splits.cuts_of(effects, here, 2)
    sides = cuts.left(effects)
    values = [table[name].iloc[here].nunique() for name in ("number", "level", "flag")]
    assert len(np.unique(sides, axis=0)) == len(sides) <= sum(values) - 3
    got = splits.between(effects, leaf, here, sides)
    for left, qb, tau2 in zip(sides, *got, strict=True):
        nodes = leaf.copy()
        nodes[here[left]] = 9
        assert (qb, tau2) == pytest.approx(
            brute_force(effects.yi, effects.vi, nodes), rel=1e-9, abs=1e-9
        )


def test_cuts_are_between_neighbours_in_value_or_mean() -> None:
    table = scattered(80, 6, 1, -1)
    effects = effects_of(table, ["number", "level"])
    rows = np.flatnonzero(table["flag"])
    here = table.iloc[rows]
    by_mean = here["level"].map(here.groupby("level")["yi"].mean())
    expected = {
        tuple(column <= bound)
        for column in (here["number"], by_mean)
        for bound in column.unique()
        if 3 <= (column <= bound).sum() <= len(here) - 3
    }
    cuts = splits.cuts_of(effects, rows, 3)
    assert set(map(tuple, cuts.left(effects))) == expected
    of_left = cuts.sums(effects.terms[rows])
    assert of_left == pytest.approx(cuts.left(effects) @ effects.terms[rows])


@pytest.mark.parametrize("least", [-4, -1, 0])
def test_interpolated_q_is_near_the_exact_one(least: float) -> None:
    table = scattered(300, 30, 2, least)
    effects = effects_of(table, ["number", "level"])
    leaf = table["flag"].to_numpy(int)
    cuts = [splits.cuts_of(effects, np.flatnonzero(leaf == side), 3) for side in (0, 1)]
    rough = splits.roughly(effects, leaf, cuts)
    for of_leaf, interpolated in zip(cuts, rough, strict=True):
        left = of_leaf.left(effects)
        qb, tau2 = splits.between(effects, leaf, of_leaf.rows, left)
        assert interpolated == pytest.approx(qb, rel=1e-7, abs=1e-7)
        best = splits.best_cut(effects, leaf, of_leaf, np.arange(len(left)))
        assert best == (qb.argmax(), pytest.approx(qb.max()), pytest.approx(tau2[qb.argmax()]))


def test_interpolation_holds_where_variances_and_tau2_differ_by_orders() -> None:
    table = scattered(300, 30, 2, -6)
    table["yi"] = np.where(table["number"] > 0, 5, 0) + np.sqrt(table["vi"])
    effects = effects_of(table, ["number", "level"])
    leaf = np.zeros(len(table), int)
    cuts = splits.cuts_of(effects, np.arange(len(table)), 3)
    qb, tau2 = splits.between(effects, leaf, cuts.rows, cuts.left(effects))
    assert np.ptp(np.log(tau2 + table["vi"].min())) > 2 * splits.MAX_HALF_RANGE
    (rough,) = splits.roughly(effects, leaf, [cuts])
    assert rough == pytest.approx(qb, rel=1e-4)


def test_greedy_splits_are_the_best_there_are() -> None:
    table = scattered(30, 4, 3, -1)
    tree = grow(
        table,
        ["number", "flag"],
        Choices(max_splits=3, min_split=4, min_bucket=2, look_ahead=False),
    )
    nodes = nodes_of(tree, table)
    for before, after, split in zip(nodes[:-1], nodes[1:], tree.splits, strict=True):
        values = []
        for node in np.unique(before):
            here = before == node
            ways = [here & (table["number"] <= cut) for cut in table["number"]] + [
                here & table["flag"]
            ]
            values += [
                brute_force(*table[["yi", "vi"]].to_numpy().T, np.where(way, 99, before))[0]
                for way in ways
                if here.sum() >= 4 and 2 <= way.sum() <= here.sum() - 2
            ]
        assert split.Qb == pytest.approx(max(values))
        assert brute_force(*table[["yi", "vi"]].to_numpy().T, after) == pytest.approx(
            (split.Qb, split.tau2)
        )


def test_look_ahead_is_the_best_pair() -> None:
    table = scattered(24, 3, 4, -1)
    yi, vi = table[["yi", "vi"]].to_numpy().T
    tree = grow(table, ["number", "flag"], Choices(max_splits=2, min_split=4, min_bucket=2))
    ways = [(table["number"] <= cut).to_numpy() for cut in table["number"]] + [
        table["flag"].to_numpy()
    ]
    largest = -np.inf
    for first in ways:
        for second in ways:
            for side in (first, ~first):
                nodes = np.where(side & second, 2, np.where(side, 1, 0))
                sizes = np.bincount(nodes, minlength=3)
                if sizes.min() >= 2 and sizes[1] + sizes[2] >= 4:
                    largest = max(largest, brute_force(yi, vi, nodes)[0])
    assert tree.splits[1].Qb == pytest.approx(largest)
    assert brute_force(yi, vi, nodes_of(tree, table)[1]) == pytest.approx(
        (tree.splits[0].Qb, tree.splits[0].tau2)
    )


def test_look_ahead_finds_a_pure_interaction_that_greedy_misses(
    simulated_pair: pd.DataFrame,
) -> None:
    greedy, ahead = (
        grow(simulated_pair, ["a", "b", "c"], Choices(max_splits=3, look_ahead=each))
        for each in (False, True)
    )
    assert greedy.splits[0].moderator == "c"
    assert {split.moderator for split in ahead.splits[:2]} == {"a", "b"}
    assert ahead.splits[1].Qb > 2 * greedy.splits[1].Qb


def test_order_of_rows_and_names_of_levels_and_scale_do_not_matter() -> None:
    table, names = scattered(120, 8, 6, -2), ["number", "level", "flag"]
    tree = grow(table, names)
    shuffled = table.sample(frac=1, random_state=1)
    assert grow(shuffled, names) == approximately(tree)
    # reversed alphabetically, so that the levels come in another order
    renamed = table.assign(level=[f"{9 - int(level)}" for level in table["level"]])
    assert (nodes_of(grow(renamed, names), renamed) == nodes_of(tree, table)).all()
    scaled = grow(table.assign(yi=5 - 3 * table["yi"], vi=9 * table["vi"]), names)
    assert [each.Qb for each in scaled.splits] == pytest.approx([each.Qb for each in tree.splits])
    assert [each.tau2 for each in scaled.splits] == pytest.approx(
        [9 * each.tau2 for each in tree.splits]
    )


def approximately(tree: Tree) -> Tree:
    """Equal to trees with the same splits and nearly the same numbers."""

    def near(split: Split) -> Split:
        cut = pytest.approx(split.cut, nan_ok=True)
        numbers = (pytest.approx(split.Qb), pytest.approx(split.tau2))
        return Split(split.parent, split.moderator, split.left, split.right, cut, *numbers)

    return Tree(tuple(map(near, tree.splits)), pytest.approx(tree.tau2))


def test_nodes_are_as_large_as_asked_and_q_grows() -> None:
    table = scattered(90, 9, 7, -1)
    tree = grow(table, ["number", "level"], Choices(max_splits=40, min_split=12, min_bucket=5))
    last = nodes_of(tree, table)[-1]
    assert np.unique(last, return_counts=True)[1].min() >= 5
    assert tree_table(tree, table).query("not leaf")["k"].min() >= 12
    assert all(later.Qb > earlier.Qb for earlier, later in pairwise(tree.splits))
    assert grow(table.assign(level="only"), ["level"]).splits == ()
    assert grow(table[:5], ["number"]).splits == ()


def test_a_tree_down_to_single_effects_has_no_tau2() -> None:
    table = pd.DataFrame({"yi": [0.0, 1.0, 3.0, 7.0], "vi": 0.1, "number": [1, 2, 3, 4]})
    tree = grow(table, ["number"], Choices(max_splits=9, min_split=2, min_bucket=1))
    assert len(tree.splits) == 3
    assert tree.splits[-1].tau2 == 0
    assert tree.splits[-1].Qb == pytest.approx(10 * ((table["yi"] - 2.75) ** 2).sum())


def test_levels_of_equal_mean_are_not_parted() -> None:
    # a and b have the same mean, but not after rounding
    table = pd.DataFrame(
        {"yi": [0.3, 0.2, 0.1, 0.1, 0.2, 0.3, 5.0, 5.1, 5.2], "vi": 0.1, "level": list("aaabbbccc")}
    )
    effects = effects_of(table, ["level"])
    cuts = splits.cuts_of(effects, np.arange(9), 1)
    assert cuts.left(effects).tolist() == [[True] * 6 + [False] * 3]
    (split,) = grow(table, ["level"], Choices(min_split=4)).splits
    assert (split.left, split.right) == (("a", "b"), ("c",))


@pytest.mark.parametrize("look_ahead", [False, True])
def test_splits_that_do_not_raise_q_are_not_made(look_ahead: bool) -> None:
    table = scattered(60, 4, 8, -1).assign(yi=0.7)
    assert grow(table, ["level", "number"], Choices(look_ahead=look_ahead)).splits == ()


def test_a_level_that_a_split_never_met_stays_in_its_parent() -> None:
    table = scattered(60, 4, 8, -1)
    tree = grow(table, ["level"], Choices(max_splits=2))
    others = pd.DataFrame({"level": ["unheard of", *tree.splits[0].left[:1]]})
    nodes = nodes_of(tree, others)
    assert nodes[:, 0].tolist() == [1, 1, 1]
    assert nodes[1, 1] == 2


def test_table_describes_every_node(simulated_pair: pd.DataFrame) -> None:
    tree = grow(simulated_pair, ["a", "b", "c"], Choices(max_splits=3))
    table = tree_table(tree, simulated_pair).set_index("node")
    leaves = table[table["leaf"]]
    assert leaves["k"].sum() == table["k"][1] == 240
    assert table["studies"][1] == 60
    for node, row in leaves.iterrows():
        rows = simulated_pair[nodes_of(tree, simulated_pair)[-1] == node]
        weights = 1 / (rows["vi"] + tree.splits[-1].tau2)
        assert row["estimate"] == pytest.approx((weights * rows["yi"]).sum() / weights.sum())
        assert row["ci_ub"] - row["ci_lb"] == pytest.approx(2 * 1.959964 / np.sqrt(weights.sum()))
        fixed = np.average(rows["yi"], weights=1 / rows["vi"])
        assert (row["QE"], row["QE_df"]) == pytest.approx(
            (((rows["yi"] - fixed) ** 2 / rows["vi"]).sum(), len(rows) - 1)
        )
    for split, node in zip(tree.splits, (2, 4, 6), strict=True):
        assert (table["split"][node], table["split"][node + 1]) == in_words(split)
        assert table.loc[[node, node + 1], "k"].sum() == table["k"][split.parent]
        assert table["Qb"][node] == split.Qb
    number = Split(1, "number", (), (), 2.5, 1.0, 1.0)
    assert in_words(number) == ("number <= 2.5", "number > 2.5")


def test_what_a_tree_cannot_use_is_refused_by_name() -> None:
    table = scattered(30, 3, 9, -1)
    with pytest.raises(BadInput, match=r"no columns \['colour'\]"):
        grow(table, ["colour"])
    with pytest.raises(BadInput, match=r"missing values in level \(2\)"):
        grow(table.assign(level=[None, None, *table["level"][2:]]), ["level"])
    with pytest.raises(BadInput, match="vi above 0"):
        grow(table.assign(vi=0.0), ["level"])
    with pytest.raises(BadInput, match="a moderator"):
        grow(table, [])
    with pytest.raises(BadInput, match="min_split above min_bucket"):
        Choices(min_split=3)
    with pytest.raises(BadInput, match=r"splits on \['level'\]"):
        nodes_of(grow(table, ["level"]), table.drop(columns="level"))


def test_steps_say_what_pruning_kept_beside_the_published_tree() -> None:
    splits = (
        Split(1, "phase", ("E",), ("M",), np.nan, 5.0, 0.5),
        Split(3, "dose", (), (), 2.0, 9.0, 0.4),
    )
    tree = Tree(splits, 1.0)
    steps = steps_table(tree, 1)
    assert steps["split"].tolist() == ["phase = E", "dose <= 2"]
    assert steps["kept"].tolist() == [True, False]
    assert steps["parent"].tolist() == [1, 3]
    theirs = published_tree("preclinical")
    assert theirs is not None
    beside = steps_table(tree, 1, theirs)
    assert len(beside) == 10
    assert beside["published_moderator"].tolist()[:3] == ["information_type", "phase", "ptsd_type"]
    assert beside["published_kept"].sum() == 7
    assert beside["Qb"].notna().tolist() == [True, True] + 8 * [False]
