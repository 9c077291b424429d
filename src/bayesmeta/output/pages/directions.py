"""The report of directions, which have no effect sizes: a folder of results as one page that needs nothing else."""

from typing import Any

from bayesmeta.output.pages.facts import saved_model
from bayesmeta.output.pages.rendering import TEMPLATES
from bayesmeta.output.pages.report import Page, about_of
from bayesmeta.output.pages.results import Results
from bayesmeta.output.pages.tables import in_words

CONTENTS = {
    "directions": "The answer",
    "rows": "The rows",
    "probabilities": "Probabilities",
    "ordered": "Model and priors",
    "sampled": "Diagnostics",
    "provenance": "Provenance",
}


def directions_page(results: Results) -> str:
    """The self-contained index.html of a folder that `bayesmeta fit` wrote of directions.

    Parameters
    ----------
    results : Results
        With the tables directions, direction_differences and rows (the directions themselves).

    Returns
    -------
    str
        HTML with its style, script, pictures and the CSV of each table inside.

    Raises
    ------
    BadInput
        posterior.nc cannot be read.
    """
    page = Page(results, results.tables)
    return TEMPLATES.get_template("report.html.j2").render(
        page=page, contents=CONTENTS, in_words=in_words, **about_of(results), **_found(results)
    )


def _found(results: Results) -> dict[str, Any]:
    """What the sections say: the best direction on each side, differences that exclude zero, the model."""
    table, differences = results.tables["directions"], results.tables["direction_differences"]
    kind, categories = str(table.columns[0]), list(dict.fromkeys(table["direction"]))
    worst, best = categories[0], categories[-1]
    clear = differences[(differences["ci_lb"] > 0) | (differences["ci_ub"] < 0)]

    def key(side: str, direction: str) -> dict[str, str]:
        return {kind: side, "direction": direction}

    return {
        "spec": saved_model(results).spec,
        "kind": kind,
        "categories": categories,
        "worst": worst,
        "best": best,
        "sides": [
            {"name": one, "worst": key(one, worst), "best": key(one, best)}
            for one in table[kind].unique()
        ],
        "settled": [f"{row['contrast']} ({row['direction']})" for row in clear.to_dict("records")],
        "rows": results.tables["rows"].to_dict("records"),
        "papers": results.tables["rows"]["study"].nunique(),
    }
