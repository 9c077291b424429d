"""The report of directions without effect sizes, as a page that needs no other file."""

from typing import Any

from bayesmeta.estimates.text import words
from bayesmeta.output.pages.rendering import TEMPLATES
from bayesmeta.output.pages.report import Page, about_of
from bayesmeta.output.pages.results import Results
from bayesmeta.output.pages.saved_model import saved_model
from bayesmeta.output.pages.sections import DIRECTIONS


def directions_page(results: Results) -> str:
    """Return index.html, which needs no other file, of a folder with a fit of directions.

    The results have the tables directions, direction_differences and rows (the directions
    themselves). Raises BadInput if posterior.nc cannot be read.
    """
    page = Page(results, results.tables)
    return TEMPLATES.get_template("report.html.j2").render(
        page=page, contents=DIRECTIONS, words=words, **about_of(results), **_context(results)
    )


def _context(results: Results) -> dict[str, Any]:
    """Return sides (with keys of their worst and best direction), differences, rows, model."""
    table = results.tables["directions"]
    differences = results.tables["direction_differences"]
    kind = str(table.columns[0])
    categories = list(dict.fromkeys(table["direction"]))
    ends = {"worst": categories[0], "best": categories[-1]}
    clear = differences[(differences["ci_lb"] > 0) | (differences["ci_ub"] < 0)]
    sides = [
        {"name": name} | {end: {kind: name, "direction": at} for end, at in ends.items()}
        for name in table[kind].unique()
    ]
    return {
        "spec": saved_model(results).spec,
        "kind": kind,
        "categories": categories,
        **ends,
        "sides": sides,
        "settled": [f"{row['contrast']} ({row['direction']})" for row in clear.to_dict("records")],
        "rows": results.tables["rows"].to_dict("records"),
        "papers": results.tables["rows"]["study"].nunique(),
    }
