"""The page of `bayesmeta compare`: both analyses in prose, then all tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.estimates.text import words
from bayesmeta.output.pages.cells import Cells
from bayesmeta.output.pages.embedded_figures import inline_svg
from bayesmeta.output.pages.facts import Tables
from bayesmeta.output.pages.rendering import TEMPLATES, records
from bayesmeta.output.pages.sections import COMPARISON


def comparison_page(tables: Tables, figures: Mapping[str, Path], about: Mapping[str, Any]) -> str:
    """Return the page of `bayesmeta compare`.

    `tables` are by file name: `comparison` gives a paragraph per term, and all are shown. `figures`
    are paths of SVG files: paired, profiles, and comparison_types if drawn. `about` as for
    `check_page`.
    """
    shown = [
        (heading, explanation, records(tables[name]))
        for name, (heading, explanation) in COMPARISON.items()
        if len(tables.get(name, ()))
    ]
    return TEMPLATES.get_template("comparison.html.j2").render(
        {**about, **{name: inline_svg(path, name) for name, path in figures.items()}},
        terms=term_rows(tables["comparison"]),
        cell=Cells(tables, html=False),
        words=words,
        tables=shown,
    )


def term_rows(comparison: pd.DataFrame) -> Sequence[dict[Any, Any]]:
    """Return the rows of the terms, without those of the taus."""
    return records(comparison[~comparison["term"].str.startswith("tau_")])
