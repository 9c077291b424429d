"""What the exact likelihood of standardised mean differences needs of a table."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import has_smcc_variance, has_smd_variance
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec

NEEDS = (
    'likelihood = "t" needs Hedges\' g of two independent groups, with their sizes n1i and n2i, '
    "or the standardised mean change of a group, with its size ni (SMCC)"
)
ROUNDING = 0.05  # relative, of a vi that a table gives with two digits


def check_t_statistics(frame: pd.DataFrame) -> None:
    """Raise BadInput unless every yi is a t statistic times a constant of the sizes."""
    if reason := why_no_t_statistics(frame):
        raise BadInput(f"{NEEDS}; {reason}")


def can_be_exact(frame: pd.DataFrame, spec: ModelSpec) -> bool:
    """Return whether a normal model can have the exact likelihood of Hedges' g instead."""
    of_model = spec.likelihood in ("normal", "student") and not spec.has_dependent_errors
    return of_model and not why_no_t_statistics(frame)


def why_no_t_statistics(frame: pd.DataFrame) -> str:
    """Return why the yi are not all Hedges' g of groups of known sizes, or ""."""
    missing = [name for name in ("n1i", "n2i") if name not in frame]
    if missing and "ni" not in frame:
        return f"the table has no column {missing}; add them, or use --likelihood normal"
    n1, n2, n, yi, vi = (_numbers(frame, name) for name in ("n1i", "n2i", "ni", "yi", "vi"))
    two = (n1 > 0) & (n2 > 0)
    sized = np.where(two, n1 + n2 > 3, n > 2)
    if not sized.all():
        what = "without two sizes above 0 whose sum is above 3" + " or ni above 2" * ("ni" in frame)
        return _effects(frame, ~sized, what)
    of_two = [
        has_smd_variance(yi, vi, n1, n2, vtype=vtype, tolerance=ROUNDING) for vtype in ("LS", "UB")
    ]
    follows = np.where(two, np.any(of_two, axis=0), has_smcc_variance(yi, vi, n, ROUNDING))
    what = "with a vi that does not follow from yi" + (
        ", n1i and n2i" if two.all() else " and sizes"
    )
    return "" if follows.all() else _effects(frame, ~follows, what)


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    values = frame.get(name, pd.Series(np.nan, frame.index))
    return pd.to_numeric(values, errors="coerce").to_numpy(float)


def _effects(frame: pd.DataFrame, chosen: np.ndarray, what: str) -> str:
    effects = frame["effect"][chosen].astype(str).tolist()
    shown = ", ".join(effects[:5]) + (" ..." if len(effects) > 5 else "")
    advice = "leave them out (--where), or use --likelihood normal"
    return f"the table has {len(effects)} effects {what}: {shown}; {advice}"
