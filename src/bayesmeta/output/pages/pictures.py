"""A figure inside a page: the picture, what it shows in words, the data behind it."""

import base64
import re
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bayesmeta.output.pages.rendering import PICTURES
from bayesmeta.output.pages.tables import csv_link, in_words

HEAVY = 900_000  # bytes of an SVG above which the PNG beside it is shown: thousands of dots


def shown_picture(name: str, svg: Path) -> dict[str, Any]:
    """A figure as templates show it.

    Parameters
    ----------
    name : str
        As in the folder of results: `forest`, `funnel_fear-memory`, `screening/importance`.
    svg : Path
        Its file; the PNG and the CSV files lie beside it.

    Returns
    -------
    dict
        name, key (an id), file (its name), kind (svg or png), alt, src (a data address), data (links to CSV files; none
        for the funnel of a cell, whose rows are in those of all).
    """
    text, stem = trimmed(svg.read_text(encoding="utf-8")), name.rpartition("/")[2]
    png = svg.with_suffix(".png")
    kind = "png" if len(text) > HEAVY and png.is_file() else "svg"
    src = (
        address(text)
        if kind == "svg"
        else "data:image/png;base64," + base64.b64encode(png.read_bytes()).decode()
    )
    parts = [] if is_part(stem) else data_behind(svg)
    data = [csv_link(path.stem, path.read_bytes()) for path in parts]
    key = "figure-" + re.sub(r"[^\w-]+", "-", name)
    return {
        "name": name,
        "key": key,
        "file": stem,
        "kind": kind,
        "alt": described(stem),
        "src": src,
        "data": data,
    }


def data_behind(svg: Path) -> list[Path]:
    """The CSV files written with a figure: `stem.csv`, or `stem-name.csv` for each table."""
    alone = svg.with_suffix(".csv")
    return [alone] if alone.is_file() else sorted(svg.parent.glob(f"{svg.stem}-*.csv"))


def is_part(stem: str) -> bool:
    """Whether a picture shows some rows of the data of another."""
    return stem.startswith("funnel_")


def described(stem: str) -> str:
    """What a figure shows; of one of several alike which it is, too."""
    first, _, which = stem.partition("_")
    if stem in PICTURES or first not in PICTURES:
        return PICTURES.get(stem, in_words(stem))
    return f"{in_words(which.replace('-', ':')).capitalize()}. {PICTURES[first]}"


def trimmed(svg: str) -> str:
    """An SVG without the header that a page does not need, its places to a hundredth of a point."""
    text = re.sub(r"\s+", " ", svg[svg.index("<svg") :].strip())
    return re.sub(
        r' (?:d|x|y)="[^"]*"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), text
    )


def address(svg: str) -> Markup:
    """An SVG as a data address inside double quotes; what HTML and addresses allow stays as it is, and so short."""
    text = svg if "'" in svg else svg.replace('"', "'")
    for sign in '%#&"':
        text = text.replace(sign, f"%{ord(sign):02X}")
    return Markup("data:image/svg+xml,") + Markup(text)
