"""Write the table of measures from the package, so that it is always up to date.

A fence `{measures}` in a Markdown page becomes the table.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bayesmeta.data.effect_sizes import measures_table

HEAD = "| measure | what it is | columns | shown as | no effect |\n|---|---|---|---|---|"


def measure_table() -> str:
    """Return a row per measure as a Markdown table."""
    return "\n".join([HEAD, *map(_row, measures_table().to_dict("records"))])


def _row(row: dict[Any, Any]) -> str:
    forms = " or ".join(
        " ".join(f"`{name}`" for name in form.split(", ")) for form in row["columns"].split("; ")
    )
    scale = f"{row['scale']} ({row['transformation']})" if row["scale"] else ""
    null = "" if row["null"] != row["null"] else f"{row['null']:g}"
    cells = (f"`{row['measure']}`", row["title"], forms, scale, null)
    return f"| {' | '.join(cell.replace('^', r'\^') for cell in cells)} |"


class Measures(SphinxDirective):
    """Directive for the table of measures."""

    def run(self) -> list[nodes.Node]:
        """Return the table as nodes."""
        return self.parse_text_to_nodes(measure_table())


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("measures", Measures)
    return {"parallel_read_safe": True}
