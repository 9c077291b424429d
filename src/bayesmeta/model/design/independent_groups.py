"""What the exact likelihood of standardised mean differences needs of a table."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import has_smd_variance
from bayesmeta.infrastructure.errors import BadInput

NEEDS = 'likelihood = "t" needs Hedges\' g of two independent groups, with their sizes n1i and n2i'
SIZES = ("n1i", "n2i")
ROUNDING = 0.05  # relative, of a vi that a table gives with two digits


def check_independent_groups(frame: pd.DataFrame) -> None:
    """Raise BadInput unless every yi is Hedges' g of two independent groups of known sizes."""
    if missing := [name for name in SIZES if name not in frame]:
        advice = 'add them, or use likelihood = "normal"'
        raise BadInput(f"{NEEDS}; the table has no column {missing}: {advice}")
    sizes = frame[[*SIZES]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    large_enough = (sizes > 0).all(1) & (sizes.sum(1) > 3)
    _refuse(frame, large_enough, "without two sizes above 0 whose sum is above 3")
    yi, vi = (frame[name].to_numpy(float) for name in ("yi", "vi"))
    follows = np.any(
        [
            has_smd_variance(yi, vi, *sizes.T, vtype=vtype, tolerance=ROUNDING)
            for vtype in ("LS", "UB")
        ],
        axis=0,
    )
    _refuse(frame, follows, "with a vi that does not follow from yi, n1i and n2i")


def _refuse(frame: pd.DataFrame, usable: np.ndarray, what: str) -> None:
    if usable.all():
        return
    effects = frame["effect"][~usable].astype(str).tolist()
    shown = ", ".join(effects[:5]) + (" ..." if len(effects) > 5 else "")
    advice = 'leave them out (--where), or use likelihood = "normal"'
    raise BadInput(f"{NEEDS}; the table has {len(effects)} effects {what}: {shown}; {advice}")
