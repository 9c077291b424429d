"""Files of `bayesmeta report`."""

from dataclasses import replace

import pandas as pd

from bayesmeta.output import pages
from bayesmeta.output.folders.folder import Folder


def write_report(folder: Folder, results: pages.Results, parts: pd.DataFrame) -> None:
    """Write index.html and the tables parts (part, state, reason, seconds), facts, checklist."""
    with folder.steps("writing the page"), pages.refused_if_changed(results.folder):
        results = _with_report(results, folder, parts=parts)
        counted = {"facts": pages.facts_table(results), "checklist": pages.checklist_table(results)}
        results = _with_report(results, folder, **counted)
        folder.write_tables({"parts": parts} | counted)
        folder.write_text("index.html", pages.report_page(results))


def write_directions_report(
    folder: Folder, results: pages.Results, parts: pd.DataFrame, rows: pd.DataFrame
) -> None:
    """Write index.html and the tables parts and rows (the directions that were read)."""
    with folder.steps("writing the page"):
        results = _with_report(results, folder, rows=rows, parts=parts)
        folder.write_tables({"rows": rows, "parts": parts})
        folder.write_text("index.html", pages.directions_page(results))


def _with_report(results: pages.Results, folder: Folder, **tables: pd.DataFrame) -> pages.Results:
    others = {name: record for name, record in results.provenance.items() if name != "report"}
    provenance = {**others, "report": folder.provenance}  # last, also where an older page is
    return replace(results, tables={**results.tables, **tables}, provenance=provenance)
