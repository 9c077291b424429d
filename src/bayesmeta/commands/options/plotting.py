"""Options of `bayesmeta plot`."""

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, get_args

import typer

from bayesmeta.commands.options.declaring import Options, option
from bayesmeta.commands.options.specific import Results
from bayesmeta.infrastructure.choices import AxisTransform, ForestLayout, Picture

PICTURES = get_args(Picture)
FILE = ("kind", "results", "title", "format", "dpi")  # the other fields are options of a kind


@dataclass(frozen=True)
class Plotting(Options):
    """What to draw of a fitted model, and how."""

    kind: Annotated[
        Picture,
        typer.Argument(
            metavar="KIND", show_choices=False, help=f"What to draw: {', '.join(PICTURES)}."
        ),
    ]
    results: Results
    layout: Annotated[
        ForestLayout | None,
        option("Layout of a forest. Default: plain."),
    ] = None
    sort: Annotated[
        str | None,
        option(
            "Order of the studies: given, effect, precision, weight, label, or a column of the "
            "table; -year is from the largest to the smallest. Default: given."
        ),
    ] = None
    columns: Annotated[
        str | None,
        option(
            "Raw numbers beside the rows: 'n1i,n2i', or with headings 'Mean (SD)=m1i (sd1i)'. "
            "Default: events or group sizes, if the table has them."
        ),
    ] = None
    favours: Annotated[
        str | None, option("Labels for the two sides of no effect: 'drug|placebo'.")
    ] = None
    size: Annotated[
        str | None, option("Width x height of a page in inches: 8x6. Default: as needed.")
    ] = None
    rows: Annotated[int | None, option("Rows on a page of a forest. Default: 60.", min=5)] = None
    nested: Annotated[
        bool | None,
        option("A row for every effect of a study. Default: yes, for at most 60 effects."),
    ] = None
    transform: Annotated[
        AxisTransform | None,
        option("Scale of numbers and ticks. Default: auto, the scale of the measure."),
    ] = None
    moderator: Annotated[
        str | None, option("Moderator of a bubble plot. Default: the first that is a number.")
    ] = None
    title: Annotated[str | None, option("Title. Default: content, dataset and model.")] = None
    format: Annotated[
        Literal["png", "svg", "pdf"] | None, option("Format of the file. Default: PNG and SVG.")
    ] = None
    dpi: Annotated[int, option("Pixels per inch of a PNG file.", min=50)] = 300

    def of_kind(self) -> dict[str, Any]:
        """Return the options that were given for the kind of picture."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: x for name, x in values.items() if x is not None and name not in FILE}
