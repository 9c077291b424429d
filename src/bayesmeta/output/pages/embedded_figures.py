"""Figures inside a page: the picture, its caption, links to the data behind it."""

import base64
import re
from collections import Counter
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image

from bayesmeta.output.pages.sections import CAPTIONS, caption_of
from bayesmeta.output.pages.tables import csv_link, data_address

MAX_SVG = 400_000  # bytes; of a larger SVG, with thousands of points, the PNG is shown
REPEATED = 3  # elements with the same style, from which it is a class
COLOURS = 128  # of the points that are pixels: a few colours, and their mixtures
PIXELS = re.compile(r"data:image/png;base64,([\w+/= ]+)")
STYLE = re.compile(r' style="([^"]*)"')


def embedded_figure(name: str, svg: Path) -> dict[str, Any]:
    """Return a figure in the form that templates show.

    The PNG and the CSV files lie beside the SVG. Its name is as in the folder of results: `forest`,
    `funnel_fear-memory`, `screening/importance`. Keys: name, key (an id), file (its stem), kind
    (svg or png), alt, src (a data address), data (links to CSV files; none for the funnel of a
    cell, because its rows are in those of all).
    """
    text = trimmed(svg.read_text(encoding="utf-8"))
    stem = name.rpartition("/")[2]
    beside = name.removesuffix(stem)
    png = svg.with_suffix(".png")
    kind = "png" if len(text) > MAX_SVG and png.is_file() else "svg"
    is_part = stem.startswith("funnel_")  # of the data of another figure
    tables = [] if is_part else data_behind(svg)
    return {
        "name": name,
        "key": "figure-" + re.sub(r"[^\w-]+", "-", name),
        "file": stem,
        "kind": kind,
        "alt": caption_of(stem),
        "src": svg_address(text) if kind == "svg" else data_address("image/png", png.read_bytes()),
        "data": [
            csv_link(path.stem, path.read_bytes(), f"{beside}figures/{path.name}")
            for path in tables
        ],
    }


def data_behind(svg: Path) -> list[Path]:
    """Return the CSV files of a figure: `stem.csv`, or `stem-name.csv` for several tables."""
    table = svg.with_suffix(".csv")
    return [table] if table.is_file() else sorted(svg.parent.glob(f"{svg.stem}-*.csv"))


def trimmed(svg: str) -> str:
    """Return an SVG without what a page does not need: the same picture in half the bytes.

    It has no header, comments or unused ids, coordinates to a hundredth of a point, and a class for
    every style of several elements.
    """
    text = re.sub(r"\s+", " ", svg[svg.index("<svg") :].strip())
    text = re.sub(r"<!--.*?-->", "", text).replace("> <", "><")
    rounded = re.compile(r"(\.\d\d)\d+")
    text = re.sub(r' (?:d|x|y)="[^"]*"', lambda match: rounded.sub(r"\1", match[0]), text)
    used = set(re.findall(r"#([\w.-]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", text)
    return _with_classes(PIXELS.sub(_with_fewer_colours, text))


def _with_fewer_colours(match: re.Match[str]) -> str:
    """Return an image inside an SVG with a palette, where that is smaller."""
    image = Image.open(BytesIO(base64.b64decode(match[1]))).convert("RGBA")
    content = BytesIO()
    image.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(content, "PNG", optimize=True)
    address = data_address("image/png", content.getvalue())
    return min(match[0], address, key=len)


def _with_classes(svg: str) -> str:
    counts = Counter(STYLE.findall(svg))
    classes = {style: f"s{at}" for at, style in enumerate(counts) if counts[style] >= REPEATED}
    if not classes:
        return svg
    rules = "".join(f".{name}{{{style}}}" for style, name in classes.items())

    def named(match: re.Match[str]) -> str:
        return f' class="{classes[match[1]]}"' if match[1] in classes else match[0]

    end = svg.index(">") + 1
    return f"{svg[:end]}<style>{rules}</style>{STYLE.sub(named, svg[end:])}"


def svg_address(svg: str) -> Markup:
    """Return an SVG as a data address inside double quotes: only illegal signs are escaped."""
    text = svg if "'" in svg else svg.replace('"', "'")
    for sign in '%#&"':
        text = text.replace(sign, f"%{ord(sign):02X}")
    return Markup("data:image/svg+xml,") + Markup(text)


def inline_svg(svg: Path, name: str) -> str:
    """Return an SVG as an element of a page: with a label for screen readers and unique ids."""
    text = svg.read_text(encoding="utf-8")
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text[text.index("<svg") :])
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(CAPTIONS[name])}"', 1)
