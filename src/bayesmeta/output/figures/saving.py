"""Write a figure with its source and its table."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from bayesmeta.output.figures.style import GREY, STYLE, VERMILLION

Format = Literal["png", "svg", "pdf"]
DPI = 150
DPI_INSIDE = 80  # of the points in a vector picture that are pixels
FORMATS: tuple[Format, ...] = ("png", "svg")
Tables = pd.DataFrame | Mapping[str, pd.DataFrame]
BELOW = 0.2  # inches for the source below a figure
ABOVE = 0.3  # inches for the badge above a synthetic figure


@rc_context(STYLE)
def save(
    figure: Figure,
    path_stem: str | Path,
    table: Tables,
    *,
    synthetic: bool,
    source: str,
    formats: Sequence[Format] = FORMATS,
    dpi: int = DPI,
) -> list[Path]:
    """Write a figure in every format and its table as CSV, all or none.

    The files get temporary names first, and are returned in the order of their names. The same
    input gives the same bytes; an OSError leaves nothing behind. Tables are `stem.csv`, or
    `stem-name.csv` by name, in a folder that exists, with nine digits. `source`, the provenance in
    a line, is printed below and in the metadata. `synthetic` prints SYNTHETIC in the corner, across
    the picture and in the metadata.
    """
    stem = Path(path_stem)
    tables = {"": table} if isinstance(table, pd.DataFrame) else table
    with TemporaryDirectory(prefix=f".{stem.name}-", dir=stem.parent) as folder:
        draft = f"{folder}/{stem.name}"
        with _marked(figure, synthetic=synthetic, source=source) as page:
            for kind in formats:
                about = _metadata(kind, stem.name, synthetic=synthetic, source=source)
                pixels = min(dpi, DPI_INSIDE) if kind == "svg" else dpi
                figure.savefig(f"{draft}.{kind}", dpi=pixels, bbox_inches=page, metadata=about)
        for name, rows in tables.items():
            path = f"{draft}-{name}.csv" if name else f"{draft}.csv"
            rows.to_csv(path, index=False, lineterminator="\n", float_format="%.9g")
        files = sorted(Path(folder).iterdir())
        return [file.replace(stem.with_name(file.name)) for file in files]


@rc_context(STYLE)
def save_document(
    pages: Sequence[Figure], path_stem: str | Path, *, synthetic: bool, source: str
) -> None:
    """Write figures as the pages of a PDF file, with the marks of `save`."""
    stem = Path(path_stem)
    about = _metadata("pdf", stem.name, synthetic=synthetic, source=source)
    with PdfPages(f"{stem}.pdf", metadata=about) as document:
        for figure in pages:
            with _marked(figure, synthetic=synthetic, source=source) as page:
                document.savefig(figure, bbox_inches=page)


def _metadata(kind: Format, title: str, *, synthetic: bool, source: str) -> dict[str, str | None]:
    about = f"SYNTHETIC: {source}" if synthetic else source
    if kind == "pdf":
        return {"Title": title, "Subject": about, "CreationDate": None}
    undated: dict[str, str | None] = {"Date": None} if kind == "svg" else {}
    return {"Title": title, "Description": about, **undated}


@contextmanager
def _marked(figure: Figure, *, synthetic: bool, source: str) -> Iterator[Bbox]:
    """Yield the page of a figure with its marks, which are removed afterwards."""
    corner = np.add(figure.get_size_inches(), (0, ABOVE * synthetic))
    _lay_out(figure)
    texts = len(figure.texts)
    _mark(figure, synthetic=synthetic, source=source)
    try:
        yield Bbox.from_extents(0, -BELOW, *corner)
    finally:
        for mark in figure.texts[texts:]:
            mark.remove()


def _lay_out(figure: Figure) -> None:
    """Lay out for both formats, and tie the legends, which margins of `save` would move."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine(None)
        for legend in figure.legends:
            legend.set_bbox_to_anchor((0, 0, 1, 1), figure.transFigure)


def _mark(figure: Figure, *, synthetic: bool, source: str) -> None:
    """Write the source below; if synthetic, a badge above and a watermark across the figure."""
    width, height = figure.get_size_inches()
    figure.text(0.09 / width, -0.06 / height, source, va="center", size=6.5, color=GREY)
    if synthetic:
        badge = figure.text(1 - 0.12 / width, 1 + 0.1 / height, "SYNTHETIC", ha="right")
        badge.set(color="white", weight="bold")
        badge.set_bbox({"color": VERMILLION, "pad": 3})
        watermark = figure.text(0.5, 0.5, "SYNTHETIC", ha="center", va="center", rotation=20)
        watermark.set(size=min(8 * width, 22 * height), color=VERMILLION, alpha=0.12)
