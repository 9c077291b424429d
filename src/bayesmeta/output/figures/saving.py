"""Label a figure with where it came from, and write it with its table."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from bayesmeta.output.figures.style import GREY, STYLE, VERMILLION

Tables = pd.DataFrame | Mapping[str, pd.DataFrame]


@rc_context(STYLE)
def save(
    figure: Figure, path_stem: str | Path, table: Tables, *, synthetic: bool, source: str
) -> list[Path]:
    """Write a figure as PNG and SVG and its table as CSV, all or none, under temporary names first.

    Parameters
    ----------
    path_stem : path
        Without a suffix, in a folder that exists.
    table : DataFrame, or DataFrames by name
        What was drawn: `stem.csv`, or `stem-name.csv` for each; numbers with nine digits.
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
    tables = (
        {"": table}
        if isinstance(table, pd.DataFrame)
        else {f"-{name}": t for name, t in table.items()}
    )
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
                each.to_csv(
                    f"{draft}{suffix}.csv", index=False, lineterminator="\n", float_format="%.9g"
                )
            return [
                file.replace(stem.with_name(file.name)) for file in sorted(Path(folder).iterdir())
            ]
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
            x=0.5,
            y=0.5,
            va="center",
            rotation=20,
            size=min(8 * width, 22 * height),
            color=VERMILLION,
            alpha=0.12,
        )
