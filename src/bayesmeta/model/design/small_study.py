r"""Small-study effects: the published direction of an effect, and the slopes of PET and PEESE.

    s_i = sqrt(1 / n1_i + 1 / n2_i),    d_i = 1 or -1, the published direction
    pet:    y_i = ... + pet d_i s_i         peese:  y_i = ... + peese d_i s_i^2

The other terms are then means at s = 0, of a study too large to be selected. s is the part of an
SMD's standard error that does not contain the SMD itself: with the complete standard error a slope
arises by arithmetic. A table with a single size ni has s proportional to 1 / sqrt(n), with the
median of sqrt(v); a table without sizes has s = sqrt(v).

Source: Stanley & Doucouliagos 2014, doi 10.1002/jrsm.1095; Pustejovsky & Rodgers 2019,
doi 10.1002/jrsm.1332.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.effect_sizes import size_error
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import refuse_aliased
from bayesmeta.model.spec import ModelSpec

SMALL_STUDY_POWERS = {"pet": 1, "peese": 2}  # power of s
SIZES = ("n1i", "n2i")
NO_SIZES = "the table has no sizes of groups: PET has a slope on the standard error, PEESE on vi"
ARITHMETIC = (
    "the standard error of a standardised mean difference contains the difference, so that a slope "
    "arises without any bias (Pustejovsky & Rodgers 2019); n1i and n2i avoid that"
)

LEANING = 0.5  # P(weight < 1) of a prior that compensates directions from the data
SYMMETRIC = (
    "the prior of the weights has P(weight < 1) = {:.2f}; with such directions it should be below "
    ".5, as in models/selection.toml; otherwise means are pulled to zero"
)


def published_direction(
    frame: pd.DataFrame,
    matrix: pd.DataFrame,
    factors: pd.DataFrame,
    directions: Mapping[str, str],
) -> np.ndarray:
    """Return 1 where large results are published, -1 where small results are (k,).

    `directions` gives it for the terms that they name (`neutral = "lower"`: every term with that
    level of its `factors` (p, factors)), for others their mean's sign by unweighted least squares.
    Raise BadInput if they name no term.
    """
    x = matrix.to_numpy(float)
    y = frame["yi"].to_numpy(float)
    sign = np.where(x @ np.linalg.lstsq(x, y)[0] < 0, -1.0, 1.0)
    for name, named in _named_terms(factors, directions).items():
        if not named.any():
            terms = ", ".join(map(str, matrix.columns))
            raise BadInput(
                f"directions name '{name}', not a level of a term; the terms are: {terms}"
            )
        sign[(x[:, named] != 0).any(1)] = -1.0 if directions[name] == "lower" else 1.0
    return sign


def _named_terms(factors: pd.DataFrame, directions: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return which terms (p,) every name of `directions` is about."""
    levels = [
        {*map(str, row), *str(term).split(":"), str(term)} for term, *row in factors.itertuples()
    ]
    named = {}
    for name in directions:
        pieces = {name} if any(name in of_term for of_term in levels) else set(name.split(":"))
        named[name] = np.array([pieces <= of_term for of_term in levels])
    return named


def from_data(factors: pd.DataFrame, directions: Mapping[str, str]) -> str:
    """Return the names of the terms whose published direction the data give; all: every term."""
    if not directions:
        return "every term"
    named = np.any([*_named_terms(factors, directions).values()], axis=0)
    return ", ".join(map(str, factors.index[~named]))


def double_use(design: xr.Dataset, spec: ModelSpec) -> str:
    """Return what to consider where the data give the direction of publication, else ""."""
    terms = design.attrs.get("directions_from_data", "")
    if not terms or spec.two_sided:
        return ""
    reason = f"the published direction of {terms} is the sign that these data give"
    advice = f"{reason}: they are used twice; [directions] in the model file fixes it"
    of_weights = spec.priors.get("weights")
    if of_weights is None or spec.weight_function == "beta":
        return advice
    below = float(np.max(of_weights.distribution.cdf(1)))
    return advice if below < LEANING else f"{advice}; {SYMMETRIC.format(below)}"


def small_study_columns(
    frame: pd.DataFrame, matrix: pd.DataFrame, bias: str, tau_by: str, sign: np.ndarray
) -> pd.DataFrame:
    """Return the column `pet` or `peese` (k, 1), or by stratum of the taus `human:pet` (k, strata).

    Raise BadInput if a size is missing, the slope is aliased, or a term has its name.
    """
    s = _size_error(frame, bias)
    slope = pd.Series(sign * s ** SMALL_STUDY_POWERS[bias], matrix.index)
    strata = frame[tau_by].astype(str) if tau_by else pd.Series("", matrix.index)
    labels = sorted(map(str, strata.unique()))
    names = {label: f"{label}:{bias}" if label else bias for label in labels}
    by_stratum = {name: slope.where(strata == label, 0.0) for label, name in names.items()}
    columns = pd.DataFrame(by_stratum)
    if taken := sorted({*names.values()} & {*map(str, matrix)}):
        rename = "rename these levels or columns"
        raise BadInput(f"the terms {taken} have the name of the slope of {bias}; {rename}")
    both = pd.concat([matrix.loc[:, (matrix != 0).any()], columns], axis=1)
    refuse_aliased(both, f"{', '.join(map(str, matrix))} and {bias}")
    return columns


def caution(frame: pd.DataFrame) -> str:
    """Return what to consider where slopes are on the standard error itself, else ""."""
    if not {*SIZES, "ni"}.isdisjoint(frame.columns):
        return ""
    measure = str(frame.attrs.get("measure", ""))
    return f"{NO_SIZES}; {ARITHMETIC}" if not measure or measure.startswith("SM") else NO_SIZES


def _size_error(frame: pd.DataFrame, bias: str) -> np.ndarray:
    """Return s of every effect (k,); raise BadInput if a size that it needs is not above 0."""
    present = [name for name in (*SIZES, "ni") if name in frame]
    v = frame["vi"].to_numpy(float)
    if not present:
        return np.sqrt(v)
    of_arms = any(name in present for name in SIZES)
    needs = (
        f"{bias} needs both group sizes, n1i and n2i" if of_arms else f"{bias} needs the size ni"
    )
    used = [*SIZES] if of_arms else ["ni"]
    if missing := [name for name in used if name not in frame]:
        raise BadInput(f"{needs}; the table has no column {missing}")
    sizes = frame[used].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    usable = (sizes > 0).all(axis=1)
    if not usable.all():
        effects = list(map(str, frame["effect"][~usable]))
        shown = ", ".join(effects[:5]) + (" ..." if len(effects) > 5 else "")
        lack = f"{len(effects)} effects lack them: {shown}; fill them in or leave the rows out"
        raise BadInput(f"{needs}, above 0; {lack}")
    if of_arms:
        return np.asarray(size_error(*sizes.T))
    n = sizes[:, 0]
    return np.sqrt(np.median(v * n) / n)
