"""Bias models: the contrasts under every model, slopes and weights, and predictive accuracy."""

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.output.figures.row_layout import divide_rows, name_rows, row_height, wrapped
from bayesmeta.output.figures.style import BLUE, GREEN, GREY, STYLE, VERMILLION, Figure

COLOURS = {"unadjusted": "black", "PET": BLUE, "PEESE": GREEN, "selection": VERMILLION}
SELECTION = "selection"
CONTRAST = 34  # characters of a line of a contrast's name
LABEL = 16  # characters of a line of a label in the right panels
STEP = 0.19  # rows between the intervals of a contrast
SLOPES = "slope (0: no small-study effect)"
WEIGHTS = "relative weight (1: no selection)"
ELPD = "elpd − unadjusted, ± 2 se"


def under_models(cells: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the intervals of every contrast in a group of rows, a colour per model.

    The first model of the table is on top and bold. Columns: contrast, model, mean, ci_lb, ci_ub;
    contrasts from the top in their first order.
    """
    contrasts = list(cells["contrast"].unique())
    models = list(cells["model"].unique())
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for at, model in enumerate(models):
        rows = cells[cells["model"] == model]
        y = rows["contrast"].map(contrasts.index) + STEP * (at - (len(models) - 1) / 2)
        width, size = (2.2, 4.5) if at == 0 else (1.3, 3.4)
        colour = COLOURS[model]
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], colour, linewidth=width, label=model)
        ax.plot(rows["mean"], y, "o", color=colour, markersize=size, markeredgewidth=0)
    name_rows(ax, [wrapped(name, CONTRAST) for name in contrasts])
    divide_rows(ax, len(contrasts))
    ax.set_ylim(len(contrasts) - 0.5, -0.5)
    return ax


def labelled(table: pd.DataFrame, ax: Axes, *, null: float) -> Axes:
    """Draw an interval per row, from the top, and a dashed line at the value without bias.

    Columns: label, model (the colour), mean, ci_lb, ci_ub.
    """
    colours = table["model"].map(COLOURS).tolist()
    ax.axvline(null, color=GREY, linewidth=0.9, linestyle="--", zorder=1)
    ax.hlines(range(len(table)), table["ci_lb"], table["ci_ub"], colours, linewidth=1.6)
    for y, (mean, colour) in enumerate(zip(table["mean"], colours, strict=True)):
        ax.plot([mean], [y], "o", color=colour, markersize=4.2, markeredgewidth=0)
    name_rows(ax, [wrapped(label, LABEL) for label in table["label"]])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.locator_params("x", nbins=4)
    return ax


@rc_context(STYLE)
def draw_bias(
    cells: pd.DataFrame, parameters: pd.DataFrame, models: pd.DataFrame, *, title: str, xlabel: str
) -> Figure:
    """Draw the contrasts under every model, and at the right the parameters and the elpd.

    Parameters
    ----------
    cells : DataFrame
        As from `bias.cells_table`: contrast, model (those of COLOURS, the unadjusted first), mean,
        ci_lb, ci_ub.
    parameters : DataFrame
        As from `bias.parameters_table`: model, parameter, mean, ci_lb, ci_ub; slopes have a panel,
        weights another.
    models : DataFrame
        As from `bias.models_table`: model, difference, difference_se; the first model, the
        unadjusted, is not drawn.
    title, xlabel : str
        The text above the figure, and the scale of the contrasts.

    Returns
    -------
    Figure
        Its axes: the contrasts, then those of slopes, weights and elpd that have rows.
    """
    panels = _panels(parameters, models)
    rows = [
        sum(row_height([wrapped(label, LABEL)], 0.28) for label in table["label"])
        for table, _, _ in panels
    ]
    names = [wrapped(name, CONTRAST) for name in cells["contrast"].unique()]
    left_height = row_height(names, 0.38) * len(names)
    right_height = sum(row + 0.65 for row in rows)
    size = (10 if panels else 6.5, 1.3 + max(left_height, right_height, 1.0))
    figure = Figure(size, layout="constrained")
    widths = (1.5, 1) if panels else (1,)
    outer = figure.add_gridspec(1, len(widths), width_ratios=widths)
    left = figure.add_subplot(outer[0, 0])
    under_models(cells, left).set_xlabel(xlabel)
    if panels:
        heights = [row + 0.28 for row in rows]
        inner = outer[0, 1].subgridspec(len(panels), 1, height_ratios=heights)
        for at, (table, null, label) in enumerate(panels):
            ax = figure.add_subplot(inner[at, 0])
            labelled(table, ax, null=null).set_xlabel(label, loc="right")
    figure.suptitle(title, x=0.01, ha="left")
    entries = left.get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=4, title="95 % intervals")
    return figure


def _panels(
    parameters: pd.DataFrame, models: pd.DataFrame
) -> list[tuple[pd.DataFrame, float, str]]:
    """Return rows, null and x label of the right panels that have rows."""
    named = parameters.rename(columns={"parameter": "label"})
    weights = named["model"] == SELECTION
    elpd = models.assign(label=models["model"], mean=models["difference"])
    reach = 2 * models["difference_se"]
    elpd = elpd.assign(ci_lb=elpd["mean"] - reach, ci_ub=elpd["mean"] + reach)[1:]
    panels = [(named[~weights], 0.0, SLOPES), (named[weights], 1.0, WEIGHTS), (elpd, 0.0, ELPD)]
    return [panel for panel in panels if len(panel[0])]
