"""Files of `bayesmeta report`."""

from dataclasses import replace

import pandas as pd

from bayesmeta.output import pages
from bayesmeta.output.folders.folder import Folder


def write_report(folder: Folder, results: pages.Results, parts: pd.DataFrame) -> None:
    """Write index.html and the tables parts, facts and checklist.

    Parameters
    ----------
    folder : Folder
        An empty folder.
    results : Results
        Results of the parts.
    parts : DataFrame
        part, state, reason, seconds.
    """
    with folder.steps("writing the page"):
        tables = {"parts": parts}
        results = with_report(results, folder, tables)
        tables["facts"] = pages.facts_table(results)
        tables["checklist"] = pages.checklist_table(results)
        results = replace(results, tables={**results.tables, **tables})
        folder.write_tables(tables)
        folder.write_text("index.html", pages.report_page(results))


def write_directions_report(
    folder: Folder, results: pages.Results, parts: pd.DataFrame, rows: pd.DataFrame
) -> None:
    """Write index.html and the tables parts and rows (the directions that were read)."""
    with folder.steps("writing the page"):
        tables = {"rows": rows, "parts": parts}
        results = with_report(results, folder, tables)
        folder.write_tables(tables)
        folder.write_text("index.html", pages.directions_page(results))


def with_report(
    results: pages.Results, folder: Folder, tables: dict[str, pd.DataFrame]
) -> pages.Results:
    """Return the results with further tables and the provenance of the report."""
    return replace(
        results,
        tables={**results.tables, **tables},
        provenance={**results.provenance, "report": folder.provenance},
    )
