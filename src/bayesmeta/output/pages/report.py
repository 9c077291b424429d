"""The report: a whole folder of results as one page that needs nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bayesmeta.output.pages import answers, facts
from bayesmeta.output.pages.cells import Cells
from bayesmeta.output.pages.check import STATES
from bayesmeta.output.pages.checklist import checklist_table
from bayesmeta.output.pages.comparison import SECTIONS, term_rows
from bayesmeta.output.pages.methods import methods_text
from bayesmeta.output.pages.origins import changed_files, files_table, parts_table, versions_table
from bayesmeta.output.pages.pictures import data_behind, shown_picture
from bayesmeta.output.pages.rendering import TEMPLATES, records
from bayesmeta.output.pages.results import Results
from bayesmeta.output.pages.sections import ASKS, CONTENTS, HEADINGS
from bayesmeta.output.pages.tables import csv_link, in_words, shown_table


def report_page(results: Results) -> str:
    """The self-contained index.html of a folder of results.

    Parameters
    ----------
    results : Results
        As `read_results` gives them. A section whose command has not run says which command it is.

    Returns
    -------
    str
        HTML with its style, script, pictures and the CSV of each table inside.
    """
    page = Page(results, facts.with_facts(results) | {"checklist": checklist_table(results)})
    # only the record of persons and animals has another species to be set against
    left_out = set() if page.has("discrepancies") or page.has("flow") else {"discrepancy"}
    return TEMPLATES.get_template("report.html.j2").render(
        page=page,
        written={"answer": answers.answer(results), "methods": methods_text(results)},
        contents={key: heading for key, heading in CONTENTS.items() if key not in left_out},
        asks=ASKS,
        terms=term_rows(results.tables["comparison"]) if "comparison" in results.tables else [],
        schools={name: about for name, (_, about) in SECTIONS.items()},
        in_words=in_words,
        **about_of(results),
    )


class Page:
    """What the sections of a report ask for: tables, pictures, verdicts, numbers; it remembers what was shown."""

    def __init__(self, results: Results, tables: Mapping[str, pd.DataFrame]) -> None:
        self.results, self.changed = results, changed_files(results.folder)
        self.found_nothing = "lint" in results.provenance
        made = {
            "parts": parts_table(results),
            "files": files_table(results),
            "versions": versions_table(results),
        }
        self.tables = {**tables, **{f"provenance_{name}": table for name, table in made.items()}}
        self.cell, self.command = Cells(self.tables), answers.command_of(results)
        self.shown: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether there is such a table, with rows."""
        return bool(len(self.tables.get(name, ())))

    def knows(self, fact: str) -> bool:
        """Whether there is such a fact."""
        return "facts" in self.tables and fact in set(self.tables["facts"]["fact"])

    def rows(self, name: str) -> Sequence[dict[Any, Any]]:
        """A table row by row; none where there is no such table."""
        return records(self.tables[name]) if name in self.tables else []

    def table(self, name: str, only: str | None = None) -> dict[str, Any] | None:
        """A table as it is shown, `only` the rows that have something in a column; None without rows."""
        whole = self.tables.get(name, pd.DataFrame())
        table = (
            whole if only is None else whole[whole[only].notna()] if only in whole else whole[:0]
        )
        if not len(table):
            return None
        self.shown.add(name)
        heading = HEADINGS.get(name, in_words(name.rpartition("/")[2]).capitalize())
        return shown_table(name, heading, table, self.cell) | self.kept(name)

    def kept(self, name: str) -> dict[str, Any]:
        """The file of a table, to keep; and whether it was changed since it was written."""
        path = self.results.file(name)
        content = (
            path.read_bytes() if path.is_file() else self.tables[name].to_csv(index=False).encode()
        )
        return {"data": csv_link(name, content), "changed": path in self.changed}

    def picture(self, name: str) -> dict[str, Any] | None:
        """A picture as it is shown; None where there is none."""
        path = self.results.figures.get(name)
        if path is None:
            return None
        changed = bool(self.changed & {path, *data_behind(path)})
        return shown_picture(name, path) | {"changed": changed}

    def alike(self, stem: str) -> list[str]:
        """Names of the pictures of one kind: `funnel` gives `funnel_fear-memory` and the others, not itself."""
        return [name for name in self.results.figures if name.startswith(f"{stem}_")]

    def verdict(self, check: str) -> dict[str, str] | None:
        """State of a check, in words, and its sentence; None where it was not done."""
        for row in self.rows("check"):
            if row["check"] == check:
                words = STATES.get(row["state"], row["state"])
                return {
                    "state": row["state"],
                    "words": words,
                    "sentence": self.cell("check", check, "sentence"),
                }
        return None

    def refusal(self, command: str) -> str:
        """Why a command could not be done when the report was made; nothing where it was, or was not tried."""
        part = "data" if command == "report" else command
        refused = [
            row["reason"]
            for row in self.rows("parts")
            if row["part"] == part and row["state"] == "not done"
        ]
        return str(refused[0]) if refused else ""

    def rest(self) -> list[str]:
        """Tables that no section shows and no picture keeps."""
        behind = {
            path.read_bytes() for svg in self.results.figures.values() for path in data_behind(svg)
        }
        left = [
            name
            for name in self.results.tables
            if name not in self.shown and self.results.file(name).is_file()
        ]
        return [name for name in left if self.results.file(name).read_bytes() not in behind]


def about_of(results: Results) -> Mapping[str, Any]:
    """Title, dataset, model, notes, whether anything is simulated, and a line of where it came from."""
    about = results.about
    names = ("dataset", "model", "title", "created")
    told = {name: about.get(name) or "" for name in names} | {"notes": about.get("notes", [])}
    told["synthetic"] = any(part.get("synthetic") for part in results.provenance.values())
    version = about.get("versions", {}).get("bayesmeta", "")
    return told | {
        "source": f"bayesmeta {version}, {told['dataset']}, {told['model']}, {told['created']}"
    }
