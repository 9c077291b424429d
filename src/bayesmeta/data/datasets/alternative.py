"""An alternative to an analysis that only the dataset can offer: other effects, codes or models."""

from collections.abc import Callable, Mapping
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
    kind, reason : the kind of choice that differs, and why it is reasonable.
    change : the analysed effect table to another table, or to None if it does not apply.
    models : name of a model file to the model file that replaces it; the alternative does not apply
        to other models. Empty if the model stays as it is.
    """

    name: str
    kind: Literal["comparison", "data", "model"]
    label: str
    reason: str
    change: Change = unchanged
    models: Mapping[str, str] = field(default_factory=dict)
