"""The page of a whole analysis."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output import pages
from bayesmeta.output.folders.staging import write_provenance, write_tables


def write_report(
    folder: Path, results: pages.Results, parts: pd.DataFrame, provenance: dict[str, Any], steps: Steps
) -> None:
    """Write tables/parts.csv, facts.csv, checklist.csv, index.html and provenance-report.json into an empty folder.

    Parameters
    ----------
    results : Results
        What the parts left.
    parts : DataFrame
        part, state, reason, seconds.
    """
    with steps("writing the page"):
        own = {"parts": parts}
        results = replace(results, tables=results.tables | own, provenance=results.provenance | {"report": provenance})
        own |= {"facts": pages.facts_table(results), "checklist": pages.checklist_table(results)}
        results = replace(results, tables=results.tables | own)
        write_tables(folder, own)
        (folder / "index.html").write_text(pages.report_page(results), encoding="utf-8")
    write_provenance(folder / "provenance-report.json", provenance, steps)


def write_directions_report(
    folder: Path,
    results: pages.Results,
    own: dict[str, pd.DataFrame],
    provenance: dict[str, Any],
    steps: Steps,
) -> None:
    """Write tables/parts.csv, rows.csv, index.html and provenance-report.json into an empty folder.

    Parameters
    ----------
    results : Results
        What the fit left.
    own : mapping
        parts, and rows: the directions that were read.
    """
    with steps("writing the page"):
        told = {**results.provenance, "report": provenance}
        results = replace(results, tables={**results.tables, **own}, provenance=told)
        write_tables(folder, own)
        (folder / "index.html").write_text(pages.directions_page(results), encoding="utf-8")
    write_provenance(folder / "provenance-report.json", provenance, steps)
