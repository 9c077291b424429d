"""A tree of subgroups from left to right, with the estimate of every leaf beside it."""

from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.estimates.text import estimate_text, words
from bayesmeta.output.figures.panels import Figure, styled, titled
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, Style

LETTERS = 26  # characters of a line of a condition on its branch
LINES = 3  # lines of a condition
BRANCH = 1.65  # inches per split
ROW = 0.62  # inches per leaf
STUB = 0.72  # length of the root's branch, in branches
SIGNS = {" = ": ": ", " <= ": " ≤\N{NO-BREAK SPACE}", " > ": " >\N{NO-BREAK SPACE}"}


def places(table: pd.DataFrame) -> pd.DataFrame:
    """Return depth and height of nodes: leaves 0, 1, ... from the top, parents at their mean."""
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


@styled
def draw_tree(table: pd.DataFrame, *, title: str, xlabel: str = "") -> Figure:
    """Draw a tree, and beside it the mean and interval of every leaf; xlabel is their scale.

    Columns: node, parent (0 for the root), moderator, split (the condition), k, studies, estimate,
    ci_lb, ci_ub, leaf.
    """
    place = places(table)
    deepest = place["depth"].max()
    highest = place["height"].max()
    width = BRANCH * (STUB + max(0.5, deepest))
    figure = titled(title, width + 4.2, 1 + ROW * (1 + highest + 0.75))
    left, right = figure.subplots(1, 2, width_ratios=[width, 2.4])
    for row in table.to_dict("records"):
        x, y = place.loc[row["node"], ["depth", "height"]]
        start = place.loc[row["parent"], "depth"] if row["parent"] else -STUB
        left.plot([start, x], [y, y], color="black", linewidth=0.9)
        _write_branch(row, (start, y), left)
        if row["leaf"]:
            left.plot([x, deepest], [y, y], color=FAINT, linewidth=0.9, zorder=0)
            _draw_leaf(row, y, right)
        else:
            below = place.loc[table.loc[table["parent"] == row["node"], "node"], "height"]
            left.plot([x, x], [below.min(), below.max()], color="black", linewidth=0.9)
    left.set(xlim=(-STUB, max(0.3, deepest)), ylim=(highest + 0.5, -0.75))
    left.set_axis_off()
    right.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    right.spines["left"].set_visible(False)
    right.set(yticks=[], ylim=left.get_ylim(), xlabel=xlabel)
    return figure


def _write_branch(row: dict[Any, Any], start: tuple[float, float], ax: Axes) -> None:
    text = "all" if row["parent"] == 0 else condition(row["split"], row["moderator"])
    studies = "" if pd.isna(row["studies"]) else f", studies {row['studies']}"
    place: Style = {"textcoords": "offset points"}
    ax.annotate(text, start, (3, 2), va="bottom", size=7, **place)
    ax.annotate(f"k {row['k']}{studies}", start, (3, -2), va="top", size=6.5, color=GREY, **place)


def _draw_leaf(row: dict[Any, Any], y: float, ax: Axes) -> None:
    ax.plot([row["ci_lb"], row["ci_ub"]], [y, y], color=BLUE, linewidth=1.4)
    ax.plot(row["estimate"], y, "s", color=BLUE, markersize=5)
    text = estimate_text(row["estimate"], row["ci_lb"], row["ci_ub"])
    ax.text(1.03, y, text, transform=ax.get_yaxis_transform(), va="center", size=7.5)
