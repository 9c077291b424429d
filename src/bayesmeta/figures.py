"""A tidy table to axes: forest, caterpillar, trace and rank plots, priors against posteriors.

    figure = draw_forest(table, xlabel="Hedges' g", title="preclinical")
    save(figure, "figures/forest", table, synthetic=False, source="bayesmeta 0.1.0, seed 1")

Nothing here computes a statistic: what is drawn is in the table, and `save` writes it beside the picture.
Functions that take `axes` want one per panel, in the order of appearance in the table, and return them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from matplotlib.transforms import Bbox, ScaledTranslation

Tables = pd.DataFrame | Mapping[str, pd.DataFrame]
# Okabe and Ito's colours, distinct for every kind of colour vision
BLUE, SKY, VERMILLION, GREY, FAINT = "#0072B2", "#56B4E9", "#D55E00", "#767676", "#DDDDDD"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.titley": 1.0,
    "axes.prop_cycle": cycler(color=(BLUE, "#E69F00", "#009E73", "#CC79A7", SKY, VERMILLION, "#000000")),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.titleweight": "bold",
    "text.parse_math": False,
    "svg.hashsalt": "bayesmeta",
}


def words(name: object) -> str:
    """A term or parameter as it is read: `fear:memory` becomes `fear, memory`."""
    return str(name).replace(":", ", ").replace("_", " ")


def interval_text(mean: float, ci_lb: float, ci_ub: float) -> str:
    """A mean and its interval with true minus signs: `−0.94 [−1.24, −0.65]`."""
    return f"{mean:z.2f} [{ci_lb:z.2f}, {ci_ub:z.2f}]".replace("-", "−")


def forest(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw a forest plot of cells, in the table's order from the top; the numbers stand right of the axes.

    Columns: term, mean, ci_lb, ci_ub, pi_lb, pi_ub, pi_level (a new one of these is predicted), k (effects),
    studies. A missing prediction interval is left out.
    """
    y = np.arange(len(table))
    prediction = f"95 % prediction interval, new {' or '.join(table['pi_level'].dropna().unique())}"
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.hlines(y, table["ci_lb"], table["ci_ub"], BLUE, linewidth=3.5, label="95 % credible interval")
    ax.hlines(y, table["pi_lb"], table["pi_ub"], SKY, linewidth=1.5, label=prediction, zorder=1.8)
    ax.plot(table["mean"], y, "o", color=BLUE, markersize=6, markeredgecolor="white")
    ax.set_yticks(y, list(map(words, table["term"])))
    ax.set_ylim(len(table) - 0.4, -1.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.spines["left"].set_visible(False)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)
    _write_column(ax, 1.7, "mean [95 % interval]", map(interval_text, table["mean"], table["ci_lb"], table["ci_ub"]))
    _write_column(ax, 2.3, "effects", map("{:.0f}".format, table["k"]))
    _write_column(ax, 2.9, "studies", map("{:.0f}".format, table["studies"]))
    return ax


def _write_column(ax: Axes, inches: float, heading: str, texts: Iterable[str]) -> None:
    """One text per row, right edges so many inches right of the axes; the heading is row -1."""
    beside = ax.get_yaxis_transform() + ScaledTranslation(inches, 0, ax.figure.dpi_scale_trans)
    for y, text in enumerate((heading, *texts), start=-1):
        ax.text(1, y, text, transform=beside, ha="right", va="center", weight="bold" if y < 0 else "normal")


def caterpillar(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw studies within cells, a panel per term, the lowest mean at the bottom.

    Columns: term, study, mean, ci_lb, ci_ub, and the cell's own term_mean, term_ci_lb, term_ci_ub,
    the same in all rows of a term.
    """
    for (term, rows), ax in zip(table.groupby("term", sort=False), axes, strict=True):
        rows, cell = rows.sort_values("mean", kind="stable"), rows.iloc[0]
        y, room = np.arange(len(rows)), len(rows) ** -0.5
        ax.axvspan(*cell[["term_ci_lb", "term_ci_ub"]], color=SKY, alpha=0.3, lw=0, label="cell, 95 % interval")
        ax.axvline(cell["term_mean"], color=SKY, label="cell, mean")
        ax.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], GREY, lw=min(1.2, 6 * room), label="study, 95 % interval")
        ax.scatter(rows["mean"], y, min(25, 60 * room), BLUE, linewidth=0, zorder=3, label="study, mean")
        labelled = len(rows) <= 12
        ax.set_yticks(y if labelled else [], rows["study"] if labelled else [])
        ax.tick_params(labelbottom=True)
        ax.set(title=f"{words(term)} (studies: {len(rows)})", ylim=(-0.7, len(rows) - 0.3))
    return axes


def trace(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw each chain in order of drawing, a panel per parameter. Columns: parameter, chain, draw, value."""
    for (parameter, rows), ax in zip(table.groupby("parameter", sort=False), axes, strict=True):
        for chain, draws in rows.groupby("chain"):
            ax.plot(draws["draw"], draws["value"], lw=0.5, alpha=0.8, label=f"chain {chain}")
        ax.set(title=words(parameter), xmargin=0)
    axes[-1].set_xlabel("draw")
    return axes


def ranks(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw each chain's rank histogram, a panel each. Columns: parameter, chain, bin, count, expected."""
    for (parameter, rows), ax in zip(table.groupby("parameter", sort=False), axes, strict=True):
        ax.axhline(rows["expected"].iloc[0], color="black", linewidth=0.8, linestyle="--", label="expected")
        for chain, bins in rows.groupby("chain"):
            edges, counts = [*bins["bin"], bins["bin"].iloc[-1] + 1], [*bins["count"], bins["count"].iloc[-1]]
            ax.step(edges, counts, where="post", lw=1, label=f"chain {chain}")
        ax.set(title=words(parameter), xmargin=0, xticks=[], ylim=(0, None))
    axes[-1].set_xlabel("rank among all chains, from low to high")
    return axes


def prior_posterior(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw the densities of tau, a panel per level. Columns: level, which (prior or posterior), tau, density."""
    for (level, rows), ax in zip(table.groupby("level", sort=False), axes, strict=True):
        for which, line, fill in (("prior", GREY, FAINT), ("posterior", BLUE, SKY)):
            curve = rows[rows["which"] == which]
            ax.fill_between(curve["tau"], curve["density"], color=fill, alpha=0.6, linewidth=0)
            ax.plot(curve["tau"], curve["density"], color=line, label=which)
        ax.spines["left"].set_visible(False)
        ax.set(xlabel=f"tau, {words(level)}", xlim=(0, None), ylim=(0, None), yticks=[])
    return axes


@rc_context(STYLE)
def draw_forest(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """A figure with `forest`, as high as the table is long."""
    figure = Figure((9, 1.4 + 0.26 * len(table)), layout="constrained")
    forest(table, figure.add_subplot()).set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def draw_caterpillar(table: pd.DataFrame, *, xlabel: str, title: str) -> Figure:
    """A figure with `caterpillar`: panels of one size and one scale, at most three in a row."""
    panels = table["term"].nunique()
    with _panelled(title, panels, columns=3, size=(3.2, 2.8), sharex="all", xlabel=xlabel) as (figure, axes):
        caterpillar(table, axes)
    return figure


def draw_trace(traces: pd.DataFrame, rank_counts: pd.DataFrame, *, title: str) -> Figure:
    """A figure with a row per parameter: `trace` on the left, `ranks` on the right."""
    panels = 2 * traces["parameter"].nunique()
    with _panelled(title, panels, columns=2, size=(4.6, 1.15), sharex="col") as (figure, axes):
        trace(traces, axes[::2])
        ranks(rank_counts, axes[1::2])
    return figure


def draw_prior_posterior(table: pd.DataFrame, *, title: str) -> Figure:
    """A figure with `prior_posterior`: panels of one scale in one row."""
    panels = table["level"].nunique()
    with _panelled(title, panels, columns=panels, size=(3.2, 2.2), sharex="all") as (figure, axes):
        prior_posterior(table, axes)
    return figure


@contextmanager
def _panelled(
    title: str, panels: int, *, columns: int, size: tuple[float, float], sharex: Literal["all", "col"], xlabel: str = ""
) -> Iterator[tuple[Figure, Sequence[Axes]]]:
    """A figure of panels of so many inches, row by row; title above, below one legend headed by the x label."""
    rows, columns = -(-panels // columns), min(columns, panels)
    with rc_context(STYLE):
        figure = Figure((max(6, columns * size[0]), 0.8 + max(2.2, rows * size[1])), layout="constrained")
        axes = list(figure.subplots(rows, columns, sharex=sharex, squeeze=False).flat)
        for spare in axes[panels:]:
            spare.remove()
        yield figure, axes[:panels]
        figure.suptitle(title, x=0.01, ha="left")
        named = axes[panels - 1].get_legend_handles_labels()
        figure.legend(*named, loc="outside lower center", ncols=5, title=xlabel)


@rc_context(STYLE)
def save(figure: Figure, path_stem: str | Path, table: Tables, *, synthetic: bool, source: str) -> list[Path]:
    """Write a figure as PNG and SVG and its table as CSV, all or none, under temporary names first.

    Parameters
    ----------
    path_stem : path
        Without a suffix, in a folder that exists.
    table : DataFrame, or DataFrames by name
        What was drawn: `stem.csv`, or `stem-name.csv` for each.
    synthetic : bool
        Print SYNTHETIC in the corner, across the picture and in its metadata.
    source : str
        Provenance in one line: printed below, and in the metadata.

    Returns
    -------
    list of Path
        In the order of their names. The same input gives the same bytes; an OSError leaves nothing behind.
    """
    stem = Path(path_stem)
    tables = {"": table} if isinstance(table, pd.DataFrame) else {f"-{name}": t for name, t in table.items()}
    told = {"Title": stem.name, "Description": f"SYNTHETIC: {source}" if synthetic else source}
    page = Bbox.from_extents(0, -0.2, *np.add(figure.get_size_inches(), (0, 0.3 * synthetic)))
    _lay_out(figure)
    own = len(figure.texts)
    _mark(figure, synthetic=synthetic, source=source)
    try:
        with TemporaryDirectory(prefix=f".{stem.name}-", dir=stem.parent) as folder:
            draft = f"{folder}/{stem.name}"
            figure.savefig(f"{draft}.png", dpi=150, bbox_inches=page, metadata=told)
            figure.savefig(f"{draft}.svg", bbox_inches=page, metadata=told | {"Date": None})
            for suffix, each in tables.items():
                each.to_csv(f"{draft}{suffix}.csv", index=False, lineterminator="\n")
            return [file.replace(stem.with_name(file.name)) for file in sorted(Path(folder).iterdir())]
    finally:
        for mark in figure.texts[own:]:
            mark.remove()


def _lay_out(figure: Figure) -> None:
    """Place everything once for both formats; legends are tied to the figure, or the margins would move them."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine(None)
        for legend in figure.legends:
            legend.set_bbox_to_anchor((0, 0, 1, 1), figure.transFigure)


def _mark(figure: Figure, *, synthetic: bool, source: str) -> None:
    """The source in a margin below; if synthetic, a badge in a margin above and a watermark across."""
    width, height = figure.get_size_inches()
    figure.text(0.09 / width, -0.06 / height, source, va="center", size=6.5, color=GREY)
    if synthetic:
        badge, across = (figure.text(0, 0, "SYNTHETIC", ha=ha) for ha in ("right", "center"))
        badge.set(x=1 - 0.12 / width, y=1 + 0.1 / height, color="white", weight="bold")
        badge.set_bbox({"color": VERMILLION, "pad": 3})
        across.set(
            x=0.5, y=0.5, va="center", rotation=20, size=min(8 * width, 22 * height), color=VERMILLION, alpha=0.12
        )
