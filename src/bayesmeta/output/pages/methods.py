"""The methods section, written from what was done: provenance, the saved model and the tables."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayesmeta.output.pages import facts
from bayesmeta.output.pages.answers import context_of
from bayesmeta.output.pages.prose import joined, parts
from bayesmeta.output.pages.results import Results

PUBLISHED = "published screening"


def methods_text(results: Results, html: bool = True) -> str:
    """The methods with their numbers filled in; sections of analyses that were not run are absent.

    The model and its priors are those that posterior.nc carries, or of the model file that provenance names by hash.

    Parameters
    ----------
    results : Results
        A folder of results.
    html : bool
        Headings (h3), paragraphs and lists with `<data>` elements; or Markdown.

    Raises
    ------
    BadInput
        posterior.nc cannot be read.
    """
    return joined(parts("methods.j2", html=html, **methods_context(results, html)), html=html)


def methods_context(results: Results, html: bool) -> dict[str, Any]:
    """What the templates of methods and checklist read."""
    context, tables = context_of(results, html), results.tables
    sides = context["sides"]
    return context | {
        "provenance": results.provenance,
        "diagnostics": results.diagnostics,
        "trace": any(
            str(source["name"]).startswith("TRACE") for source in results.about.get("sources", [])
        ),
        "has_flow": "flow" in tables,
        "screened": _screened(tables),
        "terms": list(tables["terms"]["term"]) if "terms" in tables else [],
        "settled": [name for side in facts.SIDES[:2] for name in sides[side]],
        "bias_names": _bias_models(tables),
    }


def _bias_models(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    table = next((tables[name] for name in ("bias_models", "bias_cells") if name in tables), None)
    return (
        [] if table is None else [name for name in table["model"].unique() if name != "unadjusted"]
    )


def _screened(tables: Mapping[str, pd.DataFrame]) -> list[dict[str, str]]:
    """Rows of the published screening: part and what each counts."""
    if "flow" not in tables or "part" not in tables["flow"]:
        return []
    rows = tables["flow"]
    rows = rows[rows["part"] == PUBLISHED]
    return [{"part": PUBLISHED, "what": what} for what in rows["what"]]
