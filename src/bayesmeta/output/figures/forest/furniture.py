"""What stands around the rows of a forest: title, ticks, favoured sides, legend, notes."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesmeta.output.figures.forest.geometry import MARGIN, Geometry
from bayesmeta.output.figures.forest.layouts import PREDICTION, SHRUNKEN, Page
from bayesmeta.output.figures.style import GREY, Style
from bayesmeta.output.figures.text_size import width_of

HANDLE = 0.3  # inches of a mark in the legend, with the gap before its text
APART = 0.25  # inches between the entries
ROUNDED = 1.05  # width of a text whose letters are placed on pixels, as in a small PNG
SPACING = 1.12  # matplotlib's factor for lines that are `LINE` sizes of the font apart
TITLE = 1.2  # size of the title, in sizes of the font
GAP = 0.08
MANY = 7  # ticks
TICKS = 1.2  # height of the ticks and their labels, in rows
FAVOURS = 1.2  # height of the favoured sides, in rows

Entry = tuple[str, Style, str]  # of the legend: kind, style, text


@dataclass(frozen=True)
class Words:
    """The texts around the rows: title, name of the axis, notes below, entries of the legend."""

    title: str
    xlabel: str
    notes: tuple[str, ...]
    entries: tuple[Entry, ...]


def entries_of(table: pd.DataFrame, page: Page, marks: str) -> Iterator[Entry]:
    """Yield the entries of the legend; `marks` is what the estimates of the studies are."""
    layout = page.layout
    observed = marks + " (area: weight)" * bool(table["weight"].notna().any())
    yield "line", {"color": layout.ink, "marker": layout.marker, "markersize": 4.5}, observed
    if table["shrunken"].notna().any():
        text = "posterior mean of the true effect, 95 % interval"
        yield "line", {"color": SHRUNKEN, "marker": "o", "markersize": 3.2}, text
    if (table["part"] == "mean").any():
        yield "diamond", {"color": layout.diamond}, "mean, 95 % interval"
    if table["pi_lb"].notna().any():
        yield "bar", {"color": PREDICTION}, "95 % prediction interval"


def heights(geometry: Geometry, words: Words) -> tuple[float, float]:
    """Return the heights of what stands above and below the rows."""
    title = _title(geometry, words.title)
    above = MARGIN + (1 + title.count("\n")) * TITLE * geometry.line + 1.6 * geometry.row
    below = TICKS * geometry.row + _height(geometry, _xlabel(geometry, words.xlabel))
    if geometry.page.favours and geometry.page.layout.favours_above:
        above += geometry.row
    elif geometry.page.favours:
        below += FAVOURS * geometry.row
    below += GAP + len(list(_legend_lines(geometry, words))) * geometry.row
    below += sum(GAP + _height(geometry, geometry.lines(note)) for note in words.notes)
    return above, below + MARGIN


def write_title(figure: Figure, geometry: Geometry, title: str) -> None:
    """Write the title at the upper left corner."""
    height = figure.get_figheight()
    place: Style = {"x": MARGIN / geometry.width, "y": 1 - MARGIN / height, "ha": "left"}
    size = TITLE * geometry.size
    text = figure.suptitle(_title(geometry, title), va="top", size=size, **place)
    text.set_linespacing(SPACING)


def finish_axis(ax: Axes, geometry: Geometry) -> None:
    """Label the ticks, as many as fit; without a frame except the line below."""
    low, high = ax.get_xlim()
    width = geometry.axis[1] - geometry.axis[0]
    for most in range(MANY, 1, -1):
        positions, labels = geometry.page.scale.ticks(low, high, most)
        texts = [width_of(label, geometry.size) for label in labels]
        at = [width * (x - low) / (high - low) for x in positions]
        gaps = [
            right - left - (before + after) / 2
            for left, right, before, after in zip(at, at[1:], texts, texts[1:], strict=False)
        ]
        if min(gaps, default=1.0) > 0.6 * geometry.size / 72:
            break
    ax.set_xticks(positions, labels, size=geometry.size)
    ax.tick_params(axis="x", length=3, pad=2)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def write_around(paper: Axes, ax: Axes, geometry: Geometry, words: Words) -> None:
    """Write name of the axis, favoured sides, legend and notes around the rows."""
    left, right = geometry.axis
    bottom, top = ax.get_ylim()
    style: Style = {"va": "top", "size": geometry.size, "linespacing": SPACING}
    y = bottom + TICKS * geometry.row
    xlabel = _xlabel(geometry, words.xlabel)
    paper.text((left + right) / 2, y, xlabel, ha="center", **style)
    y += _height(geometry, xlabel)
    if geometry.page.favours and geometry.page.layout.favours_above:
        _write_favours(paper, ax, geometry, top - 1.8 * geometry.row)
    elif geometry.page.favours:
        _write_favours(paper, ax, geometry, y + 0.2 * geometry.row)
        y += FAVOURS * geometry.row
    y += GAP
    for entries in _legend_lines(geometry, words):
        _draw_entries(paper, geometry, entries, y + geometry.row / 2)
        y += geometry.row
    for note in words.notes:
        y += GAP
        text = geometry.lines(note)
        paper.text(MARGIN, y, text, **style)
        y += _height(geometry, text)


def _write_favours(paper: Axes, ax: Axes, geometry: Geometry, y: float) -> None:
    """Write the favoured sides left and right of no effect, moved where they would be cut."""
    page = geometry.page
    left, right = geometry.axis
    low, high = ax.get_xlim()
    null = (low + high) / 2 if page.scale.null is None else page.scale.null
    middle = left + (right - left) * (null - low) / (high - low)
    texts = [f"← favours {page.favours[0]}", f"favours {page.favours[1]} →"]  # type: ignore[index]
    before, after = (width_of(text, geometry.size) + GAP for text in texts)
    middle = max(MARGIN + before, min(middle, geometry.width - MARGIN - after))
    style: Style = {"size": geometry.size, "va": "top"}
    paper.text(middle - GAP, y, texts[0], ha="right", **style)
    paper.text(middle + GAP, y, texts[1], **style)


def _legend_lines(geometry: Geometry, words: Words) -> Iterator[list[Entry]]:
    """Yield the entries of every line of the legend."""
    line: list[Entry] = []
    used = 0.0
    for entry in words.entries:
        width = HANDLE + ROUNDED * width_of(entry[2], geometry.size) + APART
        if line and used + width - APART > geometry.width - 2 * MARGIN:
            yield line
            line = []
            used = 0.0
        line.append(entry)
        used += width
    yield line


def _draw_entries(paper: Axes, geometry: Geometry, entries: list[Entry], y: float) -> None:
    x = MARGIN
    for kind, style, text in entries:
        end = x + HANDLE - 0.08
        if kind == "diamond":
            middle = (x + end) / 2
            half = 0.25 * geometry.row
            paper.fill([x, middle, end, middle], [y, y - half, y, y + half], **style)
        elif kind == "bar":
            paper.plot([x, end], [y, y], linewidth=3, solid_capstyle="butt", **style)
        else:
            colour = style["color"]
            paper.plot([x, end], [y, y], color=colour, linewidth=1)
            paper.plot((x + end) / 2, y, linestyle="", **style)
        paper.text(x + HANDLE, y, text, va="center", size=geometry.size, color=GREY)
        x += HANDLE + ROUNDED * width_of(text, geometry.size) + APART


def _title(geometry: Geometry, title: str) -> str:
    return geometry.lines(title, (geometry.width - 2 * MARGIN) / (1.03 * TITLE), bold=True)


def _xlabel(geometry: Geometry, xlabel: str) -> str:
    left, right = geometry.axis
    middle = (left + right) / 2
    room = 2 * min(middle, geometry.width - middle) - 2 * MARGIN
    return geometry.lines(xlabel, max(room, 1.0))


def _height(geometry: Geometry, text: str) -> float:
    return (1 + text.count("\n")) * geometry.line
