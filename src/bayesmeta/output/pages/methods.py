"""The methods section, from provenance, the saved model and the tables."""

from typing import Any

import pandas as pd

from bayesmeta.output.pages.answers import context_of
from bayesmeta.output.pages.facts import SIDES
from bayesmeta.output.pages.prose import blocks, joined
from bayesmeta.output.pages.results import Results

COMPUTED = "yi and vi are computed from"  # a note of a table without effect sizes
SCREENING = "published screening"  # the part of a flow that counts records


def methods_text(results: Results, html: bool = True) -> str:
    """Return the methods with their numbers; sections of analyses that were not run are absent.

    Model and priors are those of posterior.nc, or of the model file that provenance names by hash.
    HTML has headings (h3), paragraphs and lists with `<data>` elements; otherwise it is Markdown.
    Raises BadInput if posterior.nc cannot be read.
    """
    parts = blocks("methods.j2", html=html, **methods_context(results, html))
    return joined(parts, html=html)


def methods_context(results: Results, html: bool) -> dict[str, Any]:
    """Return the variables of the templates of methods and checklist."""
    context = context_of(results, html)
    tables = results.tables
    sides = context["sides"]
    models = tables.get("bias_models", tables.get("bias_cells", pd.DataFrame({"model": []})))
    bias = [name for name in models["model"].unique() if name != "unadjusted"]
    flow = tables.get("flow", pd.DataFrame())
    counted = flow[flow["part"] == SCREENING].to_dict("records") if "part" in flow else []
    return context | {
        "provenance": results.provenance,
        "diagnostics": results.diagnostics,
        "computed": any(COMPUTED in str(note) for note in results.about.get("notes", [])),
        "screened": [{"part": SCREENING, "what": row["what"]} for row in counted],
        "terms": list(tables["terms"]["term"]) if "terms" in tables else [],
        "settled": [name for side in SIDES[:2] for name in sides[side]],
        "bias_names": bias,
    }
