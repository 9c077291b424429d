"""A folder that a command fills: tables, figures, pages and the provenance of all of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import hashes, write_json
from bayesmeta.output.figures.saving import DPI, FORMATS, Format, save, save_document

Tables = Mapping[str, pd.DataFrame]
ABOUT = ("dataset", "model", "title", "synthetic", "notes")


class Folder:
    """An empty folder of results, with the provenance that its files are labelled with.

    `path` is where the folder is while it is filled (`staging`), `provenance` that of the run
    (`provenance_of`), `steps` its progress; `title` is dataset and model, for titles of figures.
    """

    def __init__(self, path: Path, provenance: dict[str, Any], steps: Steps) -> None:
        self.path = path
        self.provenance = provenance
        self.steps = steps
        self.synthetic = bool(provenance["synthetic"])
        self.title = title_of(provenance)
        self.source = source_of(provenance)

    def about(self, design: xr.Dataset) -> dict[str, Any]:
        """Return what a page prints about the data: names, notes, source and sizes."""
        about = {key: self.provenance[key] for key in ABOUT}
        sizes = {"k": design.sizes["effect"], "studies": design.sizes["study"]}
        return about | sizes | {"source": self.source}

    def write_tables(self, tables: Tables) -> None:
        """Write tables/*.csv by name."""
        (self.path / "tables").mkdir(exist_ok=True)
        for name, table in tables.items():
            table.to_csv(self.path / "tables" / f"{name}.csv", index=False)

    def draw(
        self,
        name: str,
        draw: Callable[..., Figure],
        data: pd.DataFrame | Tables,
        heading: str,
        **options: Any,
    ) -> None:
        """Draw tables, title `heading: dataset, model`; write figures/<name> as PNG, SVG, CSV."""
        tables = [data] if isinstance(data, pd.DataFrame) else data.values()
        figure = draw(*tables, title=f"{heading}: {self.title}", **options)
        self.write_figure(name, figure, data)

    def write_figure(self, name: str, figure: Figure, data: pd.DataFrame | Tables) -> None:
        """Write figures/<name> as PNG and SVG, and the tables behind it as CSV."""
        stem = self.path / "figures" / name
        stem.parent.mkdir(exist_ok=True)
        save(figure, stem, data, synthetic=self.synthetic, source=self.source)

    def write_pages(
        self,
        folder: str,
        name: str,
        pages: Sequence[Figure],
        data: pd.DataFrame | Tables,
        *,
        formats: Sequence[Format] = (),
        dpi: int = DPI,
    ) -> None:
        """Write a figure of several pages: <folder>/<name>, <name>_page_2, ..., and its tables.

        In PDF the pages are a single file. Without `formats` the pages are SVG files, the first
        also PNG.
        """
        stem = self.path / folder / name
        stem.parent.mkdir(exist_ok=True)
        marks: dict[str, Any] = {"synthetic": self.synthetic, "source": self.source}
        paged: list[Format] = [kind for kind in formats or FORMATS if kind != "pdf"]
        save(pages[0], stem, data, formats=paged, dpi=dpi, **marks)
        for number, page in enumerate(pages[1:], 2):
            further: list[Format] = paged if formats else ["svg"]
            padded = f"{number:0{len(str(len(pages)))}d}"  # in their order among names, too
            save(page, f"{stem}_page_{padded}", {}, formats=further, dpi=dpi, **marks)
        if "pdf" in formats:
            save_document(pages, stem, **marks)

    def write_text(self, name: str, text: str) -> None:
        """Write a page or another text file."""
        (self.path / name).write_text(text, encoding="utf-8")

    def write_provenance(self, name: str) -> None:
        """Write the provenance, with timings and the hash of every file in the folder so far."""
        content = self.provenance | {"timings": self.steps.seconds, "outputs": hashes(self.path)}
        write_json(self.path / name, content)

    def entries(self) -> list[str]:
        """Return the names of the files and folders in it, folders with a slash."""
        paths = sorted(self.path.iterdir())
        return [f"{path.name}/" if path.is_dir() else path.name for path in paths]


def title_of(provenance: Mapping[str, Any]) -> str:
    """Return dataset and model; a name that both share stands only once."""
    names = [provenance["dataset"], provenance.get("model")]
    return ", ".join(dict.fromkeys(filter(None, names)))


def source_of(provenance: Mapping[str, Any]) -> str:
    """Return a line with version, dataset, model, replicates, seed and time."""
    parts = [f"bayesmeta {provenance['versions']['bayesmeta']}", title_of(provenance)]
    if "replicates" in provenance:
        parts.append(f"{provenance['replicates']} replicates")
    if provenance.get("seed") is not None:
        parts.append(f"seed {provenance['seed']}")
    return ", ".join([*parts, provenance["created"]])
