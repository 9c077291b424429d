"""Pages of a forest."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output.figures.forest import furniture, intervals
from bayesmeta.output.figures.forest.furniture import Words
from bayesmeta.output.figures.forest.geometry import Geometry, geometry_of
from bayesmeta.output.figures.forest.layouts import Page
from bayesmeta.output.figures.forest.slots import Slot
from bayesmeta.output.figures.forest.texts import draw_dots, write_headings, write_rows
from bayesmeta.output.figures.judgements import legend_of
from bayesmeta.output.figures.panels import Figure, styled

LEAST = 3  # rows of a page
OPTIONAL = ["shrunken", "shrunken_lb", "shrunken_ub", "weight", "pi_lb", "pi_ub"]
OBSERVED = "observed, 95 % interval"


@styled
def draw_forest(
    table: pd.DataFrame,
    *,
    title: str,
    xlabel: str,
    columns: Sequence[str] = (),
    domains: Sequence[str] = (),
    note: str = "",
    marks: str = OBSERVED,
    page: Page | None = None,
) -> list[Figure]:
    """Draw a row per study, on as many pages as the rows need.

    Columns of `table`: part (`study`, `effect`: of the study above it, `mean`: of the cell above
    it), cell ("" for none), study, label, estimate, ci_lb, ci_ub; shrunken, shrunken_lb,
    shrunken_ub and weight if there are any; studies, pi_lb, pi_ub, pi_level of means; and as text
    the `columns` to write and the `domains` of the risk of bias to draw as dots. `note` stands
    below the last page, `marks` is what the estimates of the studies are. Numbers and ticks are on
    `page.scale`.

    Raises BadInput if a page of the given size cannot hold the columns, or not three rows.
    """
    page = page or Page()
    table = table.reindex(columns=list(dict.fromkeys([*table, *OPTIONAL])))
    notes = [note, legend_of(list(domains)) if len(domains) else ""]
    entries = furniture.entries_of(table, page, marks)
    words = Words(title, page.scale.label or xlabel, tuple(filter(None, notes)), tuple(entries))
    usual = geometry_of(table, columns, domains, replace(page, size=None), 0.0)
    fixed = sum(furniture.heights(usual, words))
    geometry = geometry_of(table, columns, domains, page, fixed)
    limits = intervals.limits_of(table, page.scale.null)
    pages = geometry.pages(_room(geometry, words))
    figures = []
    for number, slots in enumerate(pages, 1):
        numbered = f"{title} (page {number} of {len(pages)})" if len(pages) > 1 else title
        last = words.notes if number == len(pages) else ()
        on_page = replace(words, title=numbered, notes=last)
        figures.append(_draw_page(geometry, slots, on_page, table, limits))
    return figures


def _room(geometry: Geometry, words: Words) -> float:
    """Return the height of the rows of a page."""
    page = geometry.page
    room = page.rows * geometry.row
    if page.size is None:
        return room
    fixed = sum(furniture.heights(geometry, words))
    least = LEAST * geometry.row
    if page.size[1] - fixed < least:
        problem = f"a height of {page.size[1]:g} inches has no room for rows"
        raise BadInput(f"{problem}; give a height of at least {fixed + least + 0.1:.1f}")
    return min(room, page.size[1] - fixed)


def _draw_page(
    geometry: Geometry,
    slots: list[Slot],
    words: Words,
    table: pd.DataFrame,
    limits: intervals.Limits,
) -> Figure:
    above, below = furniture.heights(geometry, words)
    bottoms = list(accumulate(map(geometry.height_of, slots), initial=above))[1:]
    middles = [
        bottom - (geometry.row + (slot.lines - 1) * geometry.line) / 2
        for slot, bottom in zip(slots, bottoms, strict=True)
    ]
    size = geometry.page.size
    height = size[1] if size else bottoms[-1] + below
    figure = Figure((geometry.width, height))
    paper = figure.add_axes((0, 0, 1, 1), xlim=(0, geometry.width), ylim=(height, 0))
    paper.set_axis_off()
    left, right = geometry.axis
    corner = (left / geometry.width, 1 - bottoms[-1] / height)
    extent = ((right - left) / geometry.width, (bottoms[-1] - above) / height)
    ax = figure.add_axes((*corner, *extent), xlim=limits, ylim=(bottoms[-1], above))
    ax.patch.set_alpha(0)
    _draw_rows(ax, geometry, slots, middles, table)
    write_headings(paper, geometry, above)
    write_rows(paper, geometry, slots, middles)
    draw_dots(paper, geometry, slots, middles)
    furniture.write_title(figure, geometry, words.title)
    furniture.finish_axis(ax, geometry)
    furniture.write_around(paper, ax, geometry, words)
    return figure


def _draw_rows(
    ax: Axes,
    geometry: Geometry,
    slots: Sequence[Slot],
    middles: Sequence[float],
    table: pd.DataFrame,
) -> None:
    """Draw what is to be seen on the axis at the heights of the rows."""
    records = [
        slot.row | {"part": slot.kind, "y": y}
        for slot, y in zip(slots, middles, strict=True)
        if slot.row is not None
    ]
    rows = pd.DataFrame(records, columns=[*table, "y"])
    heaviest = float(table["weight"][table["part"] == "study"].max())
    studies = rows[rows["part"].isin(["study", "effect"])]
    intervals.draw_studies(ax, studies, geometry, heaviest)
    intervals.draw_means(ax, rows[rows["part"] == "mean"], geometry)
    intervals.draw_predictions(ax, rows[rows["part"] == "prediction"])
    means = table["estimate"][table["part"] == "mean"].tolist()
    intervals.draw_references(ax, geometry.page.scale.null, means)
