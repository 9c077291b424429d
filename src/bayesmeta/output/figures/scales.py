"""The scale on which readers see effects: an increasing function of the scale of the analysis.

Positions on the axes stay those of the analysis; numbers and ticks are transformed.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

Function = Callable[[np.ndarray], np.ndarray]
RATIOS = np.outer(10.0 ** np.arange(-9, 10), [1, 2, 5]).ravel()
DECADES = 10.0 ** np.arange(-9, 10)
STEPS = [1, 2, 2.5, 5, 10]
MANY = 7  # ticks of an axis; of more ratios the decades alone are labelled
POINTS = 2001  # at which a function is inverted


def identity(x: np.ndarray) -> np.ndarray:
    """Return x."""
    return x


def percent(x: np.ndarray) -> np.ndarray:
    """Return the percentage of a logit."""
    return 100 / (1 + np.exp(-np.asarray(x, float)))


class Scale(NamedTuple):
    """A function from the scale of the analysis to that of readers, and the name of the latter.

    Without a name (`label` "") the axis has that of the analysis. `null` is no effect, on the scale
    of the analysis; None if there is no such value, as for a proportion.
    """

    function: Function = identity
    label: str = ""
    null: float | None = 0.0

    def text_of(self, value: float) -> float:
        """Return a number as readers see it."""
        return float(self.function(np.asarray(value, float)))

    def ticks(self, low: float, high: float, most: int = MANY) -> tuple[list[float], list[str]]:
        """Return positions in [low, high] and their labels: round numbers for readers."""
        if self.function is np.exp:
            values = RATIOS[(np.log(RATIOS) >= low) & (np.log(RATIOS) <= high)]
            if len(values) > most:
                values = values[np.isin(values, DECADES)]
            if len(values) > 1:
                return np.log(values).tolist(), [f"{value:g}" for value in values]
        grid = np.linspace(low, high, POINTS)
        seen = np.asarray(self.function(grid), float)
        values = np.asarray(MaxNLocator(most - 1, steps=STEPS).tick_values(seen[0], seen[-1]))
        values = values[(values >= seen[0]) & (values <= seen[-1])]
        return np.interp(values, seen, grid).tolist(), tick_labels(values)


def tick_labels(values: np.ndarray) -> list[str]:
    """Return numbers with as many digits as their distance needs, and true minus signs."""
    step = np.diff(values).min() if len(values) > 1 else 1.0
    digits = max(0, int(np.ceil(-np.log10(step) - 1e-9)))
    while digits < 6 and not np.allclose(values, np.round(values, digits), atol=step / 100):
        digits += 1
    return [f"{value:z.{digits}f}".replace("-", "−") for value in values]


UNCHANGED = Scale()
SCALES = {
    "none": UNCHANGED,
    "exp": Scale(np.exp, "ratio"),
    "tanh": Scale(np.tanh, "correlation"),
    "plogis": Scale(percent, "percent", None),
}


def label_ticks(axis: Axis, scale: Scale, inches: float) -> None:
    """Label the ticks of an axis, about as many as its length in inches has room for."""
    low, high = sorted(axis.get_view_interval())
    positions, labels = scale.ticks(low, high, max(3, int(inches / 0.7)))
    axis.set_ticks(positions, labels)
