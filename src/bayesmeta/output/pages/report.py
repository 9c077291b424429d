"""The report: a folder of results as a page that needs no other file."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bayesmeta.estimates.discrepancy import UNITS
from bayesmeta.estimates.text import words
from bayesmeta.output.pages import provenance_tables as origins
from bayesmeta.output.pages.answers import answer, command_of
from bayesmeta.output.pages.cells import Cells
from bayesmeta.output.pages.checklist import checklist_table
from bayesmeta.output.pages.comparison import term_rows
from bayesmeta.output.pages.embedded_figures import data_behind, embedded_figure
from bayesmeta.output.pages.facts import with_facts
from bayesmeta.output.pages.methods import methods_text
from bayesmeta.output.pages.rendering import TEMPLATES, records
from bayesmeta.output.pages.results import Results
from bayesmeta.output.pages.sections import CHECKS, COMPARISON, CONTENTS, HEADINGS
from bayesmeta.output.pages.tables import csv_link, shown_table

LIVE_PAGE = "live.html"  # beside the report, if it was written


def report_page(results: Results) -> str:
    """Return the self-contained index.html of a folder of results.

    It has its style, script, pictures and the CSV of every table inside. A section without results
    names the command that makes them; a model without sides has no section on them.
    """
    page = Page(results, with_facts(results) | {"checklist": checklist_table(results)})
    contents = dict(CONTENTS)
    if not page.has("discrepancies"):
        del contents["discrepancy"]
    comparison = results.tables.get("comparison")
    return TEMPLATES.get_template("report.html.j2").render(
        page=page,
        written={"answer": answer(results), "methods": methods_text(results)},
        contents=contents,
        explanations={check.name: check.explanation for check in CHECKS},
        terms=[] if comparison is None else term_rows(comparison),
        frequentist_tables={name: explanation for name, (_, explanation) in COMPARISON.items()},
        words=words,
        units=UNITS,
        live=LIVE_PAGE if "live" in results.provenance else "",
        **about_of(results),
    )


class Page:
    """The tables, figures, verdicts and numbers of a report, and which tables were shown."""

    def __init__(self, results: Results, tables: Mapping[str, pd.DataFrame]) -> None:
        self.results = results
        self.changed = origins.changed_files(results.folder)
        self.lint_was_run = "lint" in results.provenance
        self.tables = {
            **tables,
            "provenance_parts": origins.parts_table(results),
            "provenance_files": origins.files_table(results),
            "provenance_versions": origins.versions_table(results),
        }
        self.cell = Cells(self.tables)
        self.command = command_of(results)
        self.shown: set[str] = set()

    def has(self, name: str) -> bool:
        """Return whether a table exists and has rows."""
        return bool(len(self.tables.get(name, ())))

    def has_fact(self, fact: str) -> bool:
        """Return whether a fact exists."""
        return "facts" in self.tables and fact in set(self.tables["facts"]["fact"])

    def rows(self, name: str) -> Sequence[dict[Any, Any]]:
        """Return the rows of a table; none without the table."""
        return records(self.tables[name]) if name in self.tables else []

    def table(self, name: str, only: str | None = None) -> dict[str, Any] | None:
        """Return a table as templates show it, without rows that lack `only`; None without rows."""
        table = self.tables.get(name, pd.DataFrame())
        if only is not None:
            table = table[table[only].notna()] if only in table else table[:0]
        if not len(table):
            return None
        self.shown.add(name)
        heading = HEADINGS.get(name, words(name.rpartition("/")[2]).capitalize())
        return shown_table(name, heading, table, self.cell) | self.file_of(name)

    def file_of(self, name: str) -> dict[str, Any]:
        """Return a link to the file of a table, and whether it was changed since it was written."""
        path = self.results.file(name)
        written = path.is_file()
        content = path.read_bytes() if written else self.tables[name].to_csv(index=False).encode()
        beside = path.relative_to(self.results.folder).as_posix() if written else ""
        return {"data": csv_link(name, content, beside), "changed": path in self.changed}

    def picture(self, name: str) -> dict[str, Any] | None:
        """Return a figure in the form that templates show; None without the figure."""
        path = self.results.figures.get(name)
        if path is None:
            return None
        changed = bool(self.changed & {path, *data_behind(path)})
        return embedded_figure(name, path) | {"changed": changed}

    def parts_of(self, stem: str) -> list[str]:
        """Return the figures of the parts of a figure: `funnel_fear-memory` of `funnel`."""
        return [name for name in self.results.figures if name.startswith(f"{stem}_")]

    def verdict(self, check: str) -> dict[str, str] | None:
        """Return the state of a check and its sentence; None if it was not run."""
        rows = {row["check"]: row for row in self.rows("check")}
        if check not in rows:
            return None
        return {"state": rows[check]["state"], "sentence": self.cell("check", check, "sentence")}

    def refusal(self, command: str) -> str:
        """Return why a command failed when the report was made; "" if it did not."""
        part = "data" if command == "report" else command
        why = {(row["part"], row["state"]): row["reason"] for row in reversed(self.rows("parts"))}
        return str(why.get((part, "not done"), ""))

    def other_tables(self) -> list[str]:
        """Return the tables that no section shows and no figure links to."""
        paths = [path for svg in self.results.figures.values() for path in data_behind(svg)]
        linked = {path.read_bytes() for path in paths}
        files = {name: self.results.file(name) for name in self.results.tables}
        written = {name: path.read_bytes() for name, path in files.items() if path.is_file()}
        return [name for name in written if name not in self.shown and written[name] not in linked]


def about_of(results: Results) -> Mapping[str, Any]:
    """Return dataset, model, title, date, notes, whether data are simulated, and the source."""
    about = results.about
    metadata = {name: about.get(name) or "" for name in ("dataset", "model", "title", "created")}
    version = about.get("versions", {}).get("bayesmeta", "")
    origin = ", ".join(metadata[name] for name in ("dataset", "model", "created"))
    return metadata | {
        "notes": about.get("notes", []),
        "synthetic": any(part.get("synthetic") for part in results.provenance.values()),
        "source": f"bayesmeta {version}, {origin}",
    }
