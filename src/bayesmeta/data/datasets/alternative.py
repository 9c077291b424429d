"""An alternative to an analysis that only the dataset can offer: other effects, codes or models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

Keep = Callable[[pd.DataFrame], pd.DataFrame]
Change = Callable[[pd.DataFrame], pd.DataFrame | None]


def unchanged(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the effect table."""
    return frame


@dataclass(frozen=True)
class DataAlternative:
    """A reasonable alternative that a dataset offers to an analysis of its effects.

    Attributes
    ----------
    name, label : its names in tables and in figures.
    kind : the kind of choice that differs.
    reason : why it is reasonable.
    change : function of the analysed effect table; returns another table, or None if it does not
        apply.
    models : name of a model file to the model file that replaces it; the alternative does not apply
        to other models. Empty if the model stays as it is.
    """

    name: str
    kind: Literal["comparison", "data", "model"]
    label: str
    reason: str
    change: Change = unchanged
    models: Mapping[str, str] = field(default_factory=dict)


def no_alternatives(
    frame: pd.DataFrame, record: pd.DataFrame, keep: Keep
) -> Sequence[DataAlternative]:
    """Return no alternatives: those of a dataset that offers none."""
    return ()
