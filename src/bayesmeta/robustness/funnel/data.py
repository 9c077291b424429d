"""The effects of a fit as the funnel check needs them: sizes, formula of the variance, cells."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmeta.data.effect_sizes import has_smd_variance, size_error
from bayesmeta.model.design import is_small_study
from bayesmeta.model.likelihood import nesting_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

ALL = "all"
VTYPES = ("LS", "UB")
MIN_CELL_EFFECTS = 10  # fewer give no stable skewness or slope


@dataclass(frozen=True)
class FunnelData:
    """The effects of a design, as replicates need them."""

    yi: Floats  # (k,)
    vi: Floats  # (k,)
    x: Floats  # (k, p), coded terms
    unit: dict[str, Integers]  # by level, the position of the unit of every effect (k,)
    stratum: Integers  # (k,), position of the stratum, 0 where taus do not differ
    n1: Floats  # (k,), group sizes, nan where there are none
    n2: Floats  # (k,)
    linked: Bools  # (k,), whether vi follows from yi and the sizes as that of an SMD
    vtype: str  # the variance that it follows (`effect_sizes.smd`); "" where no effect does
    mean: Floats  # (k,), posterior mean of X beta; its sign is the direction that is published
    cells: dict[str, Bools]  # "all" and every term that is a cell: the effects in it (k,)

    @property
    def direction(self) -> Floats:
        """Return 1 or -1: the sign of the fitted mean (k,)."""
        return np.where(self.mean < 0, -1.0, 1.0)

    @property
    def names(self) -> NDArray[np.object_]:
        """Return the cell of every effect, "all" for an effect of no other cell (k,)."""
        names = np.full(len(self.yi), ALL, object)
        for cell, members in self.cells.items():
            names[members] = cell
        return names

    @property
    def size_error(self) -> Floats:
        """Return sqrt(1/n1 + 1/n2), nan without sizes (k,); see `effect_sizes.size_error`."""
        return size_error(self.n1, self.n2)


def funnel_data(tree: xr.DataTree) -> FunnelData:
    """Return the effects of a fit; effects of a cell with fewer than 10 count in "all" only."""
    design = tree["constant_data"].to_dataset()
    yi, vi, x = (np.asarray(design[name].values, float) for name in ("yi", "vi", "X"))
    n1, n2 = (_numbers(design, name) for name in ("n1i", "n2i"))
    vtype, linked = _variance_formula(yi, vi, n1, n2)
    nesting = nesting_of(design)
    study = nesting.study_of_effect
    unit = {"study": study, "group": nesting.group_of_effect, "effect": np.arange(len(yi))}
    stratum = np.zeros(len(yi), int)
    if "study_stratum" in design:
        stratum = design["study_stratum"].values[study]
    mean = x @ tree["posterior"].to_dataset()["beta"].mean(("chain", "draw")).values
    cells = _cells(design["X"].isel(term=~is_small_study(design)))
    return FunnelData(yi, vi, x, unit, stratum, n1, n2, linked, vtype, mean, cells)


def _numbers(design: xr.Dataset, name: str) -> Floats:
    """Return a column of numbers; nan where the table has no such column or text."""
    values = design[name].values if name in design else np.array(np.nan)
    numeric = np.issubdtype(values.dtype, np.number)
    return np.broadcast_to(values if numeric else np.nan, design.sizes["effect"]).astype(float)


def _variance_formula(yi: Floats, vi: Floats, n1: Floats, n2: Floats) -> tuple[str, Bools]:
    """Return the variance of an SMD that most effects have, and the effects that have it."""
    usable = (n1 >= 2) & (n2 >= 2)
    follows: dict[str, Bools] = {"": np.zeros(len(yi), bool)}
    for vtype in VTYPES:
        follows[vtype] = usable & has_smd_variance(yi, vi, n1, n2, vtype=vtype)
    best = max(follows, key=lambda vtype: int(follows[vtype].sum()))
    return best, follows[best]


def _cells(coding: xr.DataArray) -> dict[str, Bools]:
    """Return `FunnelData.cells` of coded terms (effect, term) without slopes."""
    x = coding.values
    cells = {ALL: np.ones(len(x), bool)}
    if not (np.isin(x, (0, 1)).all() and (x.sum(1) == 1).all()) or x.shape[1] == 1:
        return cells
    for term, members in zip(coding["term"].values, x.T == 1, strict=True):
        if members.sum() >= MIN_CELL_EFFECTS:
            cells[str(term)] = members
    return cells
