"""Tables of Hedges' g that are simulated from the noncentral t distribution."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes.means import hedges


def simulate_smds(
    rng: np.random.Generator,
    study: np.ndarray,
    group: np.ndarray,
    *,
    mean: float,
    taus: tuple[float, float, float],
    sizes: tuple[int, int],
) -> pd.DataFrame:
    """A row per effect, of the study and the group of that number; sizes of both arms alike.

    `taus` are of study, group and effect, `sizes` the smallest and the largest size of an arm.
    """
    k = len(group)
    n = rng.integers(sizes[0], sizes[1] + 1, group.max() + 1)[group].astype(float)
    u, w, d = (
        tau * rng.standard_normal(count)
        for tau, count in zip(taus, (study.max() + 1, group.max() + 1, k), strict=True)
    )
    theta = mean + u[study] + w[group] + d
    scale = np.sqrt(2 / n)  # of d per unit of t
    t = (rng.standard_normal(k) + theta / scale) / np.sqrt(rng.chisquare(2 * n - 2) / (2 * n - 2))
    yi, vi = hedges(t * scale, n, n)
    frame = pd.DataFrame({"study": [f"s{i}" for i in study], "group": [f"g{i}" for i in group]})
    frame = frame.assign(effect=[f"e{i}" for i in range(k)], yi=yi, vi=vi, n1i=n, n2i=n)
    frame.attrs = {"dataset": "simulated", "synthetic": True, "title": "simulated"}
    return frame
