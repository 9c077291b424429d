"""A tree of subgroups from left to right, with the estimate of every leaf beside it."""

from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.estimates.text import estimate_text, words
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, STYLE, Figure, Style

LETTERS = 26  # characters of a line of a condition on its branch
LINES = 3  # lines of a condition
BRANCH = 1.65  # inches per split
ROW = 0.62  # inches per leaf
STUB = 0.72  # length of the root's branch, in branches
SIGNS = {" = ": ": ", " <= ": " ≤\N{NO-BREAK SPACE}", " > ": " >\N{NO-BREAK SPACE}"}


def places(table: pd.DataFrame) -> pd.DataFrame:
    """Return the place of every node by its number.

    Columns: depth, and height (leaves at 0, 1, ... from the top, other nodes at the mean of their
    children).
    """
    children = table.groupby("parent")["node"].apply(list).to_dict()
    depth: dict[int, int] = {}
    height: dict[int, float] = {}

    def place(node: int, at: int) -> None:
        depth[node] = at
        below = children.get(node, [])
        for child in below:
            place(child, at + 1)
        if below:
            height[node] = sum(height[child] for child in below) / len(below)
        else:
            height[node] = float(sum(placed not in children for placed in height))

    place(int(children[0][0]), 0)
    return pd.DataFrame({"depth": depth, "height": height})


def condition(split: object, moderator: object) -> str:
    """Return a condition as it stands on its branch: in words, on a few lines at most."""
    rest = str(split).removeprefix(str(moderator))
    for sign, shown in SIGNS.items():
        rest = shown + rest.removeprefix(sign) if rest.startswith(sign) else rest
    lines = wrap(words(moderator) + rest, LETTERS)
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"{lines[LINES - 1][: LETTERS - 2]} …"]
    return "\n".join(lines)


def tree(table: pd.DataFrame, axes: tuple[Axes, Axes]) -> tuple[Axes, Axes]:
    """Draw a tree, and beside it the mean and interval of every leaf.

    Columns: node, parent (0 for the root), moderator, split (the condition), k, studies, estimate,
    ci_lb, ci_ub, leaf.
    """
    branches, forest = axes
    place = places(table)
    deepest = place["depth"].max()
    for row in table.to_dict("records"):
        x, y = place.loc[row["node"], ["depth", "height"]]
        start = place.loc[row["parent"], "depth"] if row["parent"] else -STUB
        branches.plot([start, x], [y, y], color="black", linewidth=0.9)
        _write_branch(row, (start, y), branches)
        if row["leaf"]:
            branches.plot([x, deepest], [y, y], color=FAINT, linewidth=0.9, zorder=0)
            _draw_leaf(row, y, forest)
        else:
            children = table.loc[table["parent"] == row["node"], "node"]
            below = place.loc[children, "height"]
            branches.plot([x, x], [below.min(), below.max()], color="black", linewidth=0.9)
    branches.set_xlim(-STUB, max(0.3, deepest))
    branches.set_axis_off()
    forest.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    forest.set_yticks([])
    forest.spines["left"].set_visible(False)
    for ax in axes:
        ax.set_ylim(place["height"].max() + 0.5, -0.75)
    return axes


def _write_branch(row: dict[Any, Any], start: tuple[float, float], ax: Axes) -> None:
    """Write the condition of a node above its branch, its sizes below."""
    text = "all" if row["parent"] == 0 else condition(row["split"], row["moderator"])
    studies = "" if pd.isna(row["studies"]) else f", studies {row['studies']}"
    place: Style = {"textcoords": "offset points"}
    ax.annotate(text, start, (3, 2), va="bottom", size=7, **place)
    ax.annotate(f"k {row['k']}{studies}", start, (3, -2), va="top", size=6.5, color=GREY, **place)


def _draw_leaf(row: dict[Any, Any], y: float, ax: Axes) -> None:
    """Draw the mean and interval of a leaf, and write them."""
    ax.plot([row["ci_lb"], row["ci_ub"]], [y, y], color=BLUE, linewidth=1.4)
    ax.plot(row["estimate"], y, "s", color=BLUE, markersize=5)
    text = estimate_text(row["estimate"], row["ci_lb"], row["ci_ub"])
    ax.text(1.03, y, text, transform=ax.get_yaxis_transform(), va="center", size=7.5)


@rc_context(STYLE)
def draw_tree(table: pd.DataFrame, *, title: str, xlabel: str = "") -> Figure:
    """Draw a figure with `tree`; xlabel is the scale of the estimates."""
    place = places(table)
    width = BRANCH * (STUB + max(0.5, place["depth"].max()))
    height = 1 + ROW * (1 + place["height"].max() + 0.75)
    figure = Figure((width + 4.2, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[width, 2.4])
    tree(table, (left, right))
    right.set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
