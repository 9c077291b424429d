r"""In which direction a field publishes, and the terms by which its small studies exceed the large ones.

    s_i = sqrt(1 / n1_i + 1 / n2_i),    d_i = 1 or -1, the published direction
    pet:    y_i = ... + pet d_i s_i         peese:  y_i = ... + peese d_i s_i^2

The other terms are then means at s = 0, of a study too large to be selected. s is the part of an SMD's standard error
that does not hold the SMD itself: with the whole of it a slope arises by arithmetic.

Source: Stanley & Doucouliagos 2014, doi 10.1002/jrsm.1095; Pustejovsky & Rodgers 2019, doi 10.1002/jrsm.1332.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import refuse_aliased

SLOPES = {"pet": 1, "peese": 2}  # power of s


def published_direction(
    frame: pd.DataFrame, matrix: pd.DataFrame, directions: Mapping[str, str]
) -> np.ndarray:
    """1 where large results are published, -1 where small ones are (k,).

    That of a term named in `directions` is given (`neutral = "lower"` names every term with that level); that of the
    others is the sign of their fitted mean, by least squares without weights.

    Raises
    ------
    BadInput
        A direction of terms that do not exist.
    """
    x = matrix.to_numpy(float)
    sign = np.where(x @ np.linalg.lstsq(x, frame["yi"].to_numpy(float))[0] < 0, -1.0, 1.0)
    for name, direction in directions.items():
        named = [set(name.split(":")) <= set(str(term).split(":")) for term in matrix.columns]
        if not any(named):
            raise BadInput(
                f"directions name '{name}', which no term has; the terms are: {', '.join(map(str, matrix.columns))}"
            )
        sign[(x[:, named] != 0).any(1)] = -1.0 if direction == "lower" else 1.0
    return sign


def small_study_columns(
    frame: pd.DataFrame, matrix: pd.DataFrame, bias: str, tau_by: str, sign: np.ndarray
) -> pd.DataFrame:
    """The columns `pet` or `peese` (k, 1); where taus differ by stratum one for each, `human:pet` (k, strata).

    Raises
    ------
    BadInput
        Group sizes are missing; the slope cannot be told from the other terms, or a term has its name.
    """
    size_error = _size_error(frame, bias)
    slope = pd.Series(sign * size_error ** SLOPES[bias], matrix.index)
    strata = frame[tau_by].astype(str) if tau_by else pd.Series("", matrix.index)
    names = {
        stratum: f"{stratum}:{bias}" if stratum else bias for stratum in sorted(strata.unique())
    }
    if taken := sorted(set(names.values()) & set(matrix.columns)):
        raise BadInput(
            f"the terms {taken} have the name of the slope of {bias}; rename these levels or columns"
        )
    columns = pd.DataFrame(
        {name: slope.where(strata == stratum, 0.0) for stratum, name in names.items()}
    )
    informed = matrix.loc[:, (matrix != 0).any()]
    refuse_aliased(
        pd.concat([informed, columns], axis=1), f"{', '.join(map(str, matrix))} and {bias}"
    )
    return columns


def _size_error(frame: pd.DataFrame, bias: str) -> pd.Series:
    """s of every effect."""
    if missing := [name for name in ("n1i", "n2i") if name not in frame]:
        raise BadInput(
            f"{bias} needs both group sizes of every effect, columns n1i and n2i; the table has no column {missing}"
        )
    sizes = frame[["n1i", "n2i"]].apply(pd.to_numeric, errors="coerce").astype(float)
    bad = ~((sizes > 0) & np.isfinite(sizes)).all(axis=1).to_numpy()
    if bad.any():
        raise BadInput(
            f"{bias} needs both group sizes of every effect, n1i and n2i, above 0; that is not so of {bad.sum()} "
            f"effects, {', '.join(map(str, frame['effect'][bad][:5]))}{' ...' if bad.sum() > 5 else ''}; fill the "
            "sizes in or leave the rows out"
        )
    return pd.Series(np.sqrt((1 / sizes).sum(axis=1)))
