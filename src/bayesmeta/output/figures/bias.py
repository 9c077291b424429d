"""What bias models change: each conclusion under every one, their slopes and weights, and how well they predict."""

from collections.abc import Sequence

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

from bayesmeta.output.figures.rows import row_height, wrapped
from bayesmeta.output.figures.style import BLUE, FAINT, GREY, STYLE, VERMILLION, Figure

COLOURS = {"unadjusted": "black", "PET": BLUE, "PEESE": "#009E73", "selection": VERMILLION}
SELECTION = "selection"
LABEL = 16  # characters of a line
STEP = 0.19  # rows between the intervals of one contrast
SLOPES = "slope (0: no small-study effect)"
WEIGHTS = "relative weight (1: no selection)"
ELPD = "elpd − unadjusted, ± 2 se"


def under_models(cells: pd.DataFrame, ax: Axes) -> Axes:
    """Draw each contrast's intervals below each other, a colour per model, the table's first model on top and bold.

    Columns: contrast, model, mean, ci_lb, ci_ub; contrasts from the top in the order met.
    """
    names, models = _named(cells), list(cells["model"].unique())
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for at, model in enumerate(models):
        rows = cells[cells["model"] == model]
        y = rows["contrast"].map(list(names).index) + STEP * (at - (len(models) - 1) / 2)
        width, size = (2.2, 4.5) if at == 0 else (1.3, 3.4)
        ax.hlines(y, rows["ci_lb"], rows["ci_ub"], COLOURS[model], linewidth=width, label=model)
        ax.plot(rows["mean"], y, "o", color=COLOURS[model], markersize=size, markeredgewidth=0)
    _lay_rows(ax, list(names.values()))
    for at in range(1, len(names)):
        ax.axhline(at - 0.5, color=FAINT, linewidth=0.5, zorder=0.5)
    return ax


def labelled(table: pd.DataFrame, ax: Axes, *, null: float) -> Axes:
    """Draw an interval per row, from the top, and a dashed line where nothing is biased.

    Columns: label, model (the colour), mean, ci_lb, ci_ub.
    """
    colours = table["model"].map(COLOURS).tolist()
    ax.axvline(null, color=GREY, linewidth=0.9, linestyle="--", zorder=1)
    ax.hlines(range(len(table)), table["ci_lb"], table["ci_ub"], colours, linewidth=1.6)
    for y, (mean, colour) in enumerate(zip(table["mean"], colours, strict=True)):
        ax.plot([mean], [y], "o", color=colour, markersize=4.2, markeredgewidth=0)
    _lay_rows(ax, [wrapped(label, LABEL) for label in table["label"]])
    ax.locator_params("x", nbins=4)
    return ax


@rc_context(STYLE)
def draw_bias(
    cells: pd.DataFrame, parameters: pd.DataFrame, models: pd.DataFrame, *, title: str, xlabel: str
) -> Figure:
    """Left each contrast under every model, right what the bias models estimate and how well they predict.

    Parameters
    ----------
    cells : DataFrame
        As from `bias.cells_table`: contrast, model (those of COLOURS, the unadjusted first), mean, ci_lb, ci_ub.
    parameters : DataFrame
        As from `bias.parameters_table`: model, parameter, mean, ci_lb, ci_ub; slopes have a panel, weights another.
    models : DataFrame
        As from `bias.models_table`: model, difference, difference_se; the first, itself unadjusted, is not drawn.
    title, xlabel : str
        What is written above, and the scale of the contrasts.

    Returns
    -------
    Figure
        Its axes: the contrasts, then those of slopes, weights and prediction that have rows.
    """
    panels = _panels(parameters, models)
    names = _named(cells)
    rows = [
        sum(row_height([wrapped(name, LABEL)], 0.28) for name in table["label"])
        for table, _, _ in panels
    ]
    height = max(
        row_height(names.values(), 0.38) * len(names), sum(row + 0.65 for row in rows), 1.0
    )
    figure = Figure((10 if panels else 6.5, 1.3 + height), layout="constrained")
    outer = figure.add_gridspec(1, 2 if panels else 1, width_ratios=(1.5, 1) if panels else (1,))
    left = figure.add_subplot(outer[0, 0])
    under_models(cells, left).set_xlabel(xlabel)
    if panels:
        inner = outer[0, 1].subgridspec(len(panels), 1, height_ratios=[row + 0.28 for row in rows])
        for at, (table, null, label) in enumerate(panels):
            labelled(table, figure.add_subplot(inner[at, 0]), null=null).set_xlabel(
                label, loc="right"
            )
    figure.suptitle(title, x=0.01, ha="left")
    figure.legend(
        *left.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        title="95 % intervals",
    )
    return figure


def _panels(
    parameters: pd.DataFrame, models: pd.DataFrame
) -> list[tuple[pd.DataFrame, float, str]]:
    """Rows, null and x label of each right panel that has rows."""
    named = parameters.rename(columns={"parameter": "label"})
    weights = named["model"] == SELECTION
    reach = 2 * models["difference_se"]
    elpd = models.assign(label=models["model"], mean=models["difference"])
    elpd = elpd.assign(ci_lb=elpd["mean"] - reach, ci_ub=elpd["mean"] + reach)[1:]
    drawn = [(named[~weights], 0.0, SLOPES), (named[weights], 1.0, WEIGHTS), (elpd, 0.0, ELPD)]
    return [panel for panel in drawn if len(panel[0])]


def _named(cells: pd.DataFrame) -> dict[str, str]:
    """Each contrast in words, on lines that fit beside the axes."""
    names = cells["contrast"].unique()
    return {name: wrapped(name, 34) for name in names}


def _lay_rows(ax: Axes, names: Sequence[str]) -> None:
    """Rows from the top by name, without an axis."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
