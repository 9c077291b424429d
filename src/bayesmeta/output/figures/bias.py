"""Bias models: the contrasts under every model, slopes and weights, and predictive accuracy."""

import pandas as pd
from matplotlib.axes import Axes

from bayesmeta.output.figures.labels import wrapped
from bayesmeta.output.figures.panels import Figure, legend_below, styled, titled
from bayesmeta.output.figures.row_layout import divide_rows, grouped_rows, name_rows, row_height
from bayesmeta.output.figures.style import BLUE, GREEN, GREY, VERMILLION

COLOURS = {"unadjusted": "black", "PET": BLUE, "PEESE": GREEN, "selection": VERMILLION}
SELECTION = "selection"
CONTRAST = 34  # characters of a line of a contrast's name
LABEL = 16  # characters of a line of a label in the right panels
STEP = 0.19  # rows between the intervals of a contrast
BOLD = (2.2, 4.5)  # width of a line and size of a mark
THIN = (1.3, 3.4)


@styled
def draw_bias(
    cells: pd.DataFrame, parameters: pd.DataFrame, models: pd.DataFrame, *, title: str, xlabel: str
) -> Figure:
    """Draw the contrasts under every model, and at the right slopes, weights and elpd.

    Tables of `bias`: `cells` has contrast, model (those of COLOURS, the unadjusted first: on top
    and bold), mean, ci_lb, ci_ub; `parameters` model, parameter, mean, ci_lb, ci_ub; `models`
    model, difference, difference_se, of which the first, the unadjusted, is not drawn. Contrasts
    keep their order; `xlabel` is their scale. Axes of the figure are the contrasts, then slopes,
    weights and elpd if they have rows.
    """
    panels = _right(parameters, models)
    labels = [[wrapped(label, LABEL) for label in table["label"]] for table, _, _ in panels]
    rows = [sum(row_height([label], 0.28) for label in names) for names in labels]
    names = [wrapped(name, CONTRAST) for name in cells["contrast"].unique()]
    left_height = row_height(names, 0.38) * len(names)
    right_height = sum(row + 0.65 for row in rows)
    figure = titled(title, 10 if panels else 6.5, 1.3 + max(left_height, right_height, 1.0))
    widths = (1.5, 1) if panels else (1,)
    outer = figure.add_gridspec(1, len(widths), width_ratios=widths)
    left = figure.add_subplot(outer[0, 0], xlabel=xlabel)
    _draw_contrasts(cells, left)
    name_rows(left, names)
    divide_rows(left, len(names))
    if panels:
        heights = [row + 0.28 for row in rows]
        inner = outer[0, 1].subgridspec(len(panels), 1, height_ratios=heights)
        for at, (table, null, label) in enumerate(panels):
            ax = figure.add_subplot(inner[at, 0])
            _draw_labelled(table, ax, null)
            name_rows(ax, labels[at])
            ax.set_xlabel(label, loc="right")
    legend_below(figure, left, columns=4, heading="95 % intervals")
    return figure


def _draw_contrasts(cells: pd.DataFrame, ax: Axes) -> None:
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for at, (model, rows, y) in enumerate(grouped_rows(cells, "contrast", "model", STEP)):
        width, size = BOLD if at == 0 else THIN
        colour = COLOURS[model]
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], colour, linewidth=width, label=model)
        ax.plot(rows["mean"], y, "o", color=colour, markersize=size, markeredgewidth=0)


def _draw_labelled(table: pd.DataFrame, ax: Axes, null: float) -> None:
    colours = table["model"].map(COLOURS).tolist()
    ax.axvline(null, color=GREY, linewidth=0.9, linestyle="--", zorder=1)
    ax.hlines(range(len(table)), table["ci_lb"], table["ci_ub"], colours, linewidth=1.6)
    for y, (mean, colour) in enumerate(zip(table["mean"], colours, strict=True)):
        ax.plot([mean], [y], "o", color=colour, markersize=4.2, markeredgewidth=0)
    ax.locator_params("x", nbins=4)


def _right(parameters: pd.DataFrame, models: pd.DataFrame) -> list[tuple[pd.DataFrame, float, str]]:
    """Return rows, null and x label of the right panels that have rows."""
    named = parameters.rename(columns={"parameter": "label"})
    weights = named["model"] == SELECTION
    elpd = models.assign(label=models["model"], mean=models["difference"])
    reach = 2 * models["difference_se"]
    elpd = elpd.assign(ci_lb=elpd["mean"] - reach, ci_ub=elpd["mean"] + reach)[1:]
    panels = [
        (named[~weights], 0.0, "slope (0: no small-study effect)"),
        (named[weights], 1.0, "relative weight (1: no selection)"),
        (elpd, 0.0, "elpd − unadjusted, ± 2 se"),
    ]
    return [panel for panel in panels if len(panel[0])]
