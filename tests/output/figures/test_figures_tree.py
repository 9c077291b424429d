"""What the picture of a tree shows is in its table; nothing covers anything."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from bayesmeta.estimates.text import estimate_text
from bayesmeta.output.figures.tree import LETTERS, LINES, condition, draw_tree, places
from bayesmeta.screening.cart import Choices, Tree, grow
from bayesmeta.screening.leaves import tree_table

WORDS = [
    "a level with a name that is long",
    "spatial",
    "visual",
    "C57BL/6",
    "Long Evans",
    "x",
    "y",
    "z",
]


def grown() -> tuple[Tree, pd.DataFrame]:
    rng = np.random.default_rng(2)
    level = rng.integers(0, 8, 300)
    table = pd.DataFrame(
        {
            "vi": rng.uniform(0.05, 0.2, 300),
            "time": rng.normal(size=300),
            "study": np.arange(300) // 5,
        }
    )
    table["type_of"] = [WORDS[code] for code in level]
    table["yi"] = rng.normal(level * np.sign(table["time"]), 1)
    return grow(table, ["time", "type_of"], Choices(max_splits=7)), table


@pytest.fixture(scope="module")
def nodes() -> pd.DataFrame:
    """Return the table of a tree of seven splits."""
    return tree_table(*grown())


def test_each_node_stands_right_of_its_parent_and_between_its_children(nodes: pd.DataFrame) -> None:
    where = places(nodes)
    leaves = nodes.loc[nodes["leaf"], "node"]
    assert sorted(where.loc[leaves, "height"]) == list(range(8))
    for parent, rows in nodes[nodes["parent"] > 0].groupby("parent"):
        left, right = where.loc[rows["node"], "height"]
        assert left < where.loc[parent, "height"] < right
        assert (where.loc[rows["node"], "depth"] == where.loc[parent, "depth"] + 1).all()


def test_leaves_and_conditions_are_drawn(nodes: pd.DataFrame) -> None:
    figure = draw_tree(nodes, title="a tree", xlabel="Hedges' g")
    branches, forest = figure.axes
    leaves = nodes[nodes["leaf"]]
    drawn = {float(line.get_xdata()[0]) for line in forest.lines if line.get_marker() == "s"}
    assert drawn == set(leaves["estimate"])
    texts = [estimate_text(row.estimate, row.ci_lb, row.ci_ub) for row in leaves.itertuples()]
    assert sorted(text.get_text() for text in forest.texts) == sorted(texts)
    texts = {text.get_text() for text in branches.texts}
    assert {condition(row.split, row.moderator) for row in nodes[1:].itertuples()} | {"all"} < texts
    assert {f"k {row.k}, studies {row.studies}" for row in nodes.itertuples()} < texts
    assert forest.get_xlabel() == "Hedges' g"


def test_texts_cover_neither_each_other_nor_the_edge(nodes: pd.DataFrame) -> None:
    figure = draw_tree(nodes, title="a tree")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for ax in figure.axes for text in ax.texts]
    assert not any(box.overlaps(other) for box, other in combinations(boxes, 2))
    branches = figure.axes[0]
    for text in branches.texts:
        end = branches.transData.transform((max(0, np.ceil(text.xy[0] + 1e-9)), 0))[0]
        assert text.get_window_extent().x1 < end + 1
    page = figure.bbox
    assert all(
        page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        for box in boxes
    )


def test_conditions_are_read_and_not_endless() -> None:
    assert condition("time_since <= 2.5", "time_since") == "time since ≤\N{NO-BREAK SPACE}2.5"
    assert condition("phase = learning, memory", "phase") == "phase: learning, memory"
    assert condition("name > 3 = x", "name > 3") == "name > 3: x"
    lines = condition(f"population = {', '.join(WORDS * 2)}", "population").split("\n")
    assert len(lines) == LINES
    assert max(map(len, lines)) <= LETTERS
    assert lines[-1].endswith("…")


def test_a_tree_of_one_node_is_one_row() -> None:
    tree, table = grown()
    figure = draw_tree(
        tree_table(replace(tree, splits=()), table.drop(columns="study")), title="no split"
    )
    assert [text.get_text() for text in figure.axes[0].texts] == ["all", "k 300"]
