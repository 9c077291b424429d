"""The template environment of all pages."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from bayesmeta.estimates.text import number_text, scale_digits

TEMPLATES = Environment(
    loader=PackageLoader("bayesmeta.output"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals |= {"number_text": number_text, "digits_of": scale_digits}
PLAIN = TEMPLATES.overlay(autoescape=False)  # for text that is no HTML


def records(table: pd.DataFrame) -> Sequence[dict[Any, Any]]:
    """Return the rows of a table as dictionaries of plain Python values."""
    return table.astype(object).where(table.notna(), float("nan")).to_dict("records")
