"""Names in words, on lines or cut, for rows, panels and legends."""

from collections.abc import Iterable
from textwrap import fill

import pandas as pd

from bayesmeta.estimates.text import words

LETTER = 0.078  # inches, mean width of a letter
HANDLE = 0.55  # inches, width of a legend entry without its text


def wrapped(name: object, width: int) -> str:
    """Return a name in words, on lines of at most `width` characters."""
    return fill(words(name), width)


def shortened(name: object, width: int) -> str:
    """Return a name in words, cut to at most `width` characters with an ellipsis."""
    text = words(name)
    return text if len(text) <= width else f"{text[: width - 2].rstrip(', ')} …"


def legend_columns(labels: Iterable[str], inches: float, most: int) -> int:
    """Return the number of legend columns, at most `most`, that fit into a width in inches."""
    widest = max((len(line) for label in labels for line in label.split("\n")), default=1)
    return int(min(most, max(1, inches // (HANDLE + LETTER * widest))))


def prediction_label(levels: pd.Series) -> str:
    """Return the legend of prediction intervals, from the levels that are predicted."""
    new = " or ".join(levels.dropna().unique())
    return "95 % prediction interval" + f", new {new}" * bool(new)
