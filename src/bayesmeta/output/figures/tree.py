"""A tree of subgroups from left to right, and the estimate of each leaf beside it."""

from textwrap import wrap

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.output.figures.style import BLUE, FAINT, GREY, STYLE, Figure, interval_text, words

LETTERS, LINES = 26, 3  # of a condition on its branch
BRANCH, ROW = 1.65, 0.62  # inches per split and per leaf
SIGNS = {" = ": ": ", " <= ": " ≤\N{NO-BREAK SPACE}", " > ": " >\N{NO-BREAK SPACE}"}
STUB = 0.72  # branches, of the root


def places(table: pd.DataFrame) -> pd.DataFrame:
    """Where each node stands, by its number: depth, and height (leaves 0, 1, ... from the top, others between)."""
    children = table.groupby("parent")["node"].apply(list).to_dict()
    depth: dict[int, int] = {}
    height: dict[int, float] = {}

    def place(node: int, at: int) -> None:
        depth[node] = at
        below = children.get(node, [])
        for child in below:
            place(child, at + 1)
        leaves_so_far = sum(each not in children for each in height)
        height[node] = (
            sum(height[child] for child in below) / len(below) if below else float(leaves_so_far)
        )

    place(int(children[0][0]), 0)
    return pd.DataFrame({"depth": depth, "height": height})


def condition(split: object, moderator: object) -> str:
    """A condition as it stands on its branch: its moderator in words, in a few lines at most."""
    rest = str(split).removeprefix(str(moderator))
    for sign, shown in SIGNS.items():
        rest = shown + rest.removeprefix(sign) if rest.startswith(sign) else rest
    lines = wrap(words(moderator) + rest, LETTERS)
    return "\n".join(
        lines
        if len(lines) <= LINES
        else [*lines[: LINES - 1], f"{lines[LINES - 1][: LETTERS - 2]} …"]
    )


def tree(table: pd.DataFrame, axes: tuple[Axes, Axes]) -> tuple[Axes, Axes]:
    """Draw a tree, and beside it the mean and interval of each leaf.

    Columns: node, parent (0 for the root), moderator, split (the condition), k, studies, estimate, ci_lb, ci_ub, leaf.
    """
    branches, forest = axes
    where = places(table)
    for row in table.to_dict("records"):
        x, y = where.loc[row["node"], ["depth", "height"]]
        count = (
            f"k {row['k']}"
            if pd.isna(row["studies"])
            else f"k {row['k']}, studies {row['studies']}"
        )
        text = "all" if row["parent"] == 0 else condition(row["split"], row["moderator"])
        start = where.loc[row["parent"], "depth"] if row["parent"] else -STUB
        branches.plot([start, x], [y, y], color="black", linewidth=0.9)
        branches.annotate(text, (start, y), (3, 2), textcoords="offset points", va="bottom", size=7)
        branches.annotate(
            count, (start, y), (3, -2), textcoords="offset points", va="top", size=6.5, color=GREY
        )
        if row["leaf"]:
            branches.plot([x, where["depth"].max()], [y, y], color=FAINT, linewidth=0.9, zorder=0)
            forest.plot([row["ci_lb"], row["ci_ub"]], [y, y], color=BLUE, linewidth=1.4)
            forest.plot(row["estimate"], y, "s", color=BLUE, markersize=5)
            told = interval_text(row["estimate"], row["ci_lb"], row["ci_ub"])
            forest.text(
                1.03, y, told, transform=forest.get_yaxis_transform(), va="center", size=7.5
            )
        else:
            below = where.loc[table.loc[table["parent"] == row["node"], "node"], "height"]
            branches.plot([x, x], [below.min(), below.max()], color="black", linewidth=0.9)
    branches.set_xlim(-STUB, max(0.3, where["depth"].max()))
    branches.set_axis_off()
    forest.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    forest.set_yticks([])
    forest.spines["left"].set_visible(False)
    for ax in axes:
        ax.set_ylim(where["height"].max() + 0.5, -0.75)
    return axes


@rc_context(STYLE)
def draw_tree(table: pd.DataFrame, *, title: str, xlabel: str = "") -> Figure:
    """A figure with `tree`; xlabel names the scale of the estimates."""
    where = places(table)
    deep = BRANCH * (STUB + max(0.5, where["depth"].max()))
    figure = Figure(
        (deep + 4.2, 1 + ROW * (1 + where["height"].max() + 0.75)), layout="constrained"
    )
    left, right = figure.subplots(1, 2, width_ratios=[deep, 2.4])
    tree(table, (left, right))
    right.set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
