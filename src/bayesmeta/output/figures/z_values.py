"""The z values of the effects beside those that a model expects."""

import numpy as np
import pandas as pd

from bayesmeta.output.figures.panels import Figure, legend_below, styled, titled
from bayesmeta.output.figures.style import BLUE, GREY, VERMILLION, Style

SIGNIFICANT = 1.96
RATES = {
    "observed": "observed discovery rate {mean:.0f} %",
    "expected": "expected {mean:.0f} % [{ci_lb:.0f}, {ci_ub:.0f}]",
    "false": "at most {mean:.0f} % of these false",
}


@styled
def draw_z_values(bins: pd.DataFrame, rates: pd.DataFrame, *, title: str) -> Figure:
    """Draw the numbers of effects by bins of z as bars, and the expected numbers as a line.

    Columns: of bins z, observed, mean, ci_lb, ci_ub, and before (optional: expected before
    selection); of rates rate, mean, ci_lb, ci_ub. The outermost bars hold all that lies beyond.
    """
    figure = titled(title, 7.0, 4.6)
    ax = figure.add_subplot(xlabel="z = effect / standard error", ylabel="effects")
    z = bins["z"].to_numpy()
    width = z[1] - z[0]
    edges = np.append(z - width / 2, z[-1] + width / 2)
    ax.bar(z, bins["observed"], 0.92 * width, color=BLUE, alpha=0.45, label="observed")
    band: Style = {"color": VERMILLION, "alpha": 0.18, "linewidth": 0, "fill": True}
    name = "expected, 95 % of new tables"
    ax.stairs(bins["ci_ub"], edges, baseline=bins["ci_lb"].to_numpy(), label=name, **band)
    line: Style = {"color": VERMILLION, "linewidth": 1.2, "baseline": None}
    ax.stairs(bins["mean"], edges, label="expected", **line)
    if "before" in bins:
        line |= {"color": "black", "linestyle": "--", "linewidth": 1}
        ax.stairs(bins["before"], edges, label="before selection", **line)
    for side in (-1, 1):
        ax.axvline(side * SIGNIFICANT, color=GREY, linewidth=0.9, linestyle=":")
    rows = (100 * rates.set_index("rate")).to_dict("index")
    ax.set_title("; ".join(text.format_map(rows[name]) for name, text in RATES.items()))
    ends = [f"≤ −{-z[0] - width / 2:.1f}", f"≥ {z[-1] - width / 2:.1f}"]
    inner = [tick for tick in range(-4, 5, 2) if abs(tick) < abs(z[0])]
    ax.set_xticks(
        [z[0], *inner, z[-1]], [ends[0], *(f"{tick}".replace("-", "−") for tick in inner), ends[1]]
    )
    legend_below(figure, ax, columns=4)
    return figure
