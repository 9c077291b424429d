"""What a fitted tree says about each row: group sizes, the formula of its variance, drawn true effects."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmeta.data.effect_sizes import correction, smd
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import is_small_study
from bayesmeta.model.spec import LEVELS, spec_of

Floats = NDArray[np.float64]
Studies = Literal["new", "fitted"]
SYMBOLS = {"study": "u", "group": "w", "effect": "d"}
VTYPES = ("LS", "UB")
LEAST_CELL = 10
SAME = 1e-6
CHUNK = 1_000_000
ONE = np.ones(1)


@dataclass(frozen=True)
class Rows:
    """The effects of a design, as replicates need them.

    Attributes
    ----------
    yi, vi : (k,)
    x : (k, p), coded terms
    member : by level, the position of each effect's study, group or itself (k,)
    stratum : position of each effect's stratum, 0 where taus do not differ (k,)
    n1, n2 : group sizes (k,), nan where there are none
    linked : whether vi follows from yi and the sizes as that of an SMD (k,)
    vtype : the variance that it follows (`effects.smd`); "" where no row does
    mean : posterior mean of X beta (k,); its sign is the direction in which the field publishes
    cells : "all" and each term whose effects are a cell of their own, as the rows that belong (k,)
    """

    yi: Floats
    vi: Floats
    x: Floats
    member: dict[str, NDArray[np.int64]]
    stratum: NDArray[np.int64]
    n1: Floats
    n2: Floats
    linked: NDArray[np.bool_]
    vtype: str
    mean: Floats
    cells: dict[str, NDArray[np.bool_]]

    @property
    def direction(self) -> Floats:
        """1 or -1: the sign of the fitted mean (k,)."""
        return np.where(self.mean < 0, -1.0, 1.0)

    @property
    def names(self) -> NDArray[np.object_]:
        """The cell of each effect, "all" where it has none of its own (k,)."""
        names = np.full(len(self.yi), "all", object)
        for cell, rows in self.cells.items():
            names[rows] = cell
        return names

    @property
    def size_error(self) -> Floats:
        """sqrt(1/n1 + 1/n2): the part of an SMD's standard error that does not hold the SMD; nan without sizes (k,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((self.n1 > 0) & (self.n2 > 0), np.sqrt(1 / self.n1 + 1 / self.n2), np.nan)


@dataclass(frozen=True)
class Drawn:
    """Some draws at every row, all (b, k): the fitted mean X beta, the true effect, the sum of tau2 over the levels.

    `rho` (b, 1) is the correlation of sampling errors within a group.
    """

    fitted: Floats
    theta: Floats
    tau2: Floats
    rho: Floats


def rows_of(tree: xr.DataTree) -> Rows:
    """Rows of a tree's design; cells of fewer than 10 effects count in "all" alone."""
    design = tree["constant_data"].to_dataset()
    yi, vi, x = (np.asarray(design[name].values, float) for name in ("yi", "vi", "X"))
    group = design["effect_group"].values
    study = design["group_study"].values[group]
    n1, n2 = (_numbers(design, name) for name in ("n1i", "n2i"))
    vtype, linked = _formula(yi, vi, n1, n2)
    beta = tree["posterior"].to_dataset()["beta"].mean(("chain", "draw")).values
    return Rows(
        yi=yi,
        vi=vi,
        x=x,
        member={"study": study, "group": group, "effect": np.arange(len(yi))},
        stratum=design["study_stratum"].values[study] if "study_stratum" in design else np.zeros(len(yi), int),
        n1=n1,
        n2=n2,
        linked=linked,
        vtype=vtype,
        mean=x @ beta,
        cells=_cells(design["X"].isel(term=~is_small_study(design))),
    )


def _numbers(design: xr.Dataset, name: str) -> Floats:
    """A column of numbers; nan where the table has none or text."""
    found = design[name].values if name in design else np.array(np.nan)
    numeric = np.issubdtype(found.dtype, np.number)
    return np.broadcast_to(found if numeric else np.nan, design.sizes["effect"]).astype(float)


def _formula(yi: Floats, vi: Floats, n1: Floats, n2: Floats) -> tuple[str, NDArray[np.bool_]]:
    """The variance of an SMD that most rows have, and the rows that have it."""
    usable = (n1 >= 2) & (n2 >= 2)
    found: dict[str, NDArray[np.bool_]] = {"": np.zeros(len(yi), bool)}
    for vtype in VTYPES:
        with np.errstate(all="ignore"):
            expected = smd(yi / correction(n1 + n2 - 2), ONE, n1, 0 * ONE, ONE, n2, vtype=vtype)[1]
            found[vtype] = usable & (np.abs(expected - vi) <= SAME * vi)
    best = max(found, key=lambda vtype: int(found[vtype].sum()))
    return best, found[best]


def _cells(coding: xr.DataArray) -> dict[str, NDArray[np.bool_]]:
    """`Rows.cells` of coded terms (effect, term) without slopes."""
    x, terms = coding.values, [str(term) for term in coding["term"].values]
    whole = {"all": np.ones(len(x), bool)}
    if not (np.isin(x, (0, 1)).all() and (x.sum(1) == 1).all()) or x.shape[1] == 1:
        return whole
    cells = dict(zip(terms, x.T == 1, strict=True))
    return whole | {term: rows for term, rows in cells.items() if rows.sum() >= LEAST_CELL}


def drawn_effects(
    tree: xr.DataTree, rows: Rows, *, draws: int, rng: np.random.Generator, studies: Studies = "new"
) -> Iterator[Drawn]:
    """True effects of every row under posterior draws taken at random, without repeats, in chunks that fit in memory.

    Parameters
    ----------
    draws : int
        So many, or all that the posterior has.
    studies : "new" or "fitted"
        Whether theta = X beta + u + w + d has random effects drawn anew from their distributions, or those of the
        fitted studies, groups and effects.

    Raises
    ------
    BadInput
        The tree lacks the random effects that "fitted" needs.
    """
    posterior = tree["posterior"].to_dataset()
    levels = [level for level in LEVELS if f"tau_{level}" in posterior]
    lacking = [SYMBOLS[level] for level in levels if SYMBOLS[level] not in posterior]
    if studies == "fitted" and lacking:
        raise BadInput(f"the posterior has no draws of {lacking}; take studies='new', which need none")
    flat = {str(name): _flat(posterior[name]) for name in posterior.data_vars}
    chosen = rng.permutation(len(flat["beta"]))[:draws]
    rho = flat["rho"] if "rho" in flat else np.full((len(flat["beta"]), 1), _rho(tree))
    size = max(1, CHUNK // len(rows.yi))
    for part in (chosen[start : start + size] for start in range(0, len(chosen), size)):
        taus = {level: flat[f"tau_{level}"][part][:, rows.stratum] for level in levels}
        fitted = flat["beta"][part] @ rows.x.T
        theta = fitted.copy()
        for level, tau in taus.items():
            if studies == "fitted":
                theta += flat[SYMBOLS[level]][part][:, rows.member[level]]
            else:
                theta += tau * _standard(level, flat, part, rows, rng)[:, rows.member[level]]
        tau2 = sum((np.square(tau) for tau in taus.values()), np.zeros((1, 1)))
        yield Drawn(fitted, theta, tau2 * np.ones_like(theta), rho[part])


def _standard(
    level: str, flat: dict[str, Floats], part: NDArray[np.int64], rows: Rows, rng: np.random.Generator
) -> Floats:
    """Random effects in units of tau: normal, or of a Student model's studies t with the draw's nu."""
    shape = len(part), int(rows.member[level].max()) + 1
    if level == "study" and "nu" in flat:
        return rng.standard_t(flat["nu"][part][:, :1], shape)
    return rng.standard_normal(shape)


def _flat(draws: xr.DataArray) -> Floats:
    """Chains one after the other: (draws, size), or (draws, 1)."""
    values = draws.transpose("chain", "draw", ...).values
    return values.reshape(values.shape[0] * values.shape[1], -1)


def _rho(tree: xr.DataTree) -> float:
    return spec_of(tree).rho
