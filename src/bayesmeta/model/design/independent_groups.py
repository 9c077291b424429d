"""What the exact likelihood of standardised mean differences needs of a table."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import has_smd_variance
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec

NEEDS = 'likelihood = "t" needs Hedges\' g of two independent groups, with their sizes n1i and n2i'
SIZES = ("n1i", "n2i")
ROUNDING = 0.05  # relative, of a vi that a table gives with two digits


def check_independent_groups(frame: pd.DataFrame) -> None:
    """Raise BadInput unless every yi is Hedges' g of two independent groups of known sizes."""
    if reason := why_not_independent_groups(frame):
        raise BadInput(f"{NEEDS}; {reason}")


def can_be_exact(frame: pd.DataFrame, spec: ModelSpec) -> bool:
    """Return whether a normal model can have the exact likelihood of Hedges' g instead."""
    of_model = spec.likelihood == "normal" and not spec.has_dependent_errors
    return of_model and not why_not_independent_groups(frame)


def why_not_independent_groups(frame: pd.DataFrame) -> str:
    """Return why the yi are not all Hedges' g of two independent groups of known sizes, or ""."""
    if missing := [name for name in SIZES if name not in frame]:
        return f"the table has no column {missing}: add them, or use --likelihood normal"
    sizes = frame[[*SIZES]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    large_enough = (sizes > 0).all(1) & (sizes.sum(1) > 3)
    if not large_enough.all():
        return _effects(frame, ~large_enough, "without two sizes above 0 whose sum is above 3")
    yi, vi = (frame[name].to_numpy(float) for name in ("yi", "vi"))
    n1i, n2i = sizes.T
    follows = [
        has_smd_variance(yi, vi, n1i, n2i, vtype=vtype, tolerance=ROUNDING)
        for vtype in ("LS", "UB")
    ]
    other = ~np.any(follows, axis=0)
    what = "with a vi that does not follow from yi, n1i and n2i"
    return _effects(frame, other, what) if other.any() else ""


def _effects(frame: pd.DataFrame, chosen: np.ndarray, what: str) -> str:
    effects = frame["effect"][chosen].astype(str).tolist()
    shown = ", ".join(effects[:5]) + (" ..." if len(effects) > 5 else "")
    advice = "leave them out (--where), or use --likelihood normal"
    return f"the table has {len(effects)} effects {what}: {shown}; {advice}"
