"""Names of studies for readers: author and year."""

import numpy as np
import xarray as xr

from bayesmeta.model.likelihood import nesting_of

REFERENCE = "reference"  # a column with author and year


def study_labels(design: xr.Dataset) -> np.ndarray:
    """Return the label of every effect's study (k,): its reference, or author and year, or name.

    Author and year are joined only if the names of the studies are numbers.
    """
    names = design["study"].values[nesting_of(design).study_of_effect].astype(object)
    if REFERENCE in design and design[REFERENCE].dims == ("effect",):
        given = design[REFERENCE].values.astype(str)
        return np.where(np.char.strip(given) == "", names, given.astype(object))
    if "author" in design and all(str(name).isdigit() for name in names):
        author = design["author"].values.astype(str)
        year = design["year"].values if "year" in design else np.full(len(author), "")
        joined = [f"{name} {_year(when)}".strip() for name, when in zip(author, year, strict=True)]
        return np.array(joined, object)
    return names


def _year(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) and value == value else str(value)
