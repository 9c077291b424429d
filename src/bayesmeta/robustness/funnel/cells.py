"""The cells of a design, for methods that treat a cell as a meta-analysis of its effects."""

import numpy as np
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput


def cells_of(design: xr.Dataset, method: str) -> dict[str, np.ndarray]:
    """Return the effects of every term (k,), as flags.

    Raise BadInput if the terms are not cells: an effect must belong to a single term, coded 1.
    """
    x = design["X"].values
    terms = design["term"].values
    if not (np.isin(x, (0, 1)).all() and (x.sum(axis=1) == 1).all()):
        needs = f"{method} needs cells, with every effect in a single cell"
        raise BadInput(f"{needs}; the terms are {list(terms)}")
    return dict(zip(map(str, terms), x.T == 1, strict=True))
