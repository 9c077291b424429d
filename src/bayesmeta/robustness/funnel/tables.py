"""The posterior-predictive check of a funnel: statistics, replicates and points, and a verdict."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.robustness.funnel.data import ALL, Floats, FunnelData, funnel_data
from bayesmeta.robustness.funnel.draws import Replicate, Studies, draw_effects, replicate
from bayesmeta.robustness.funnel.statistics import TITLES, funnel_statistics
from bayesmeta.robustness.funnel.verdicts import link_note, overall, verdicts

CLOUD_POINTS = 20_000  # replicated points that the figure shows
SOURCES = ("observed", "replicate", "naive")  # of statistics: the data, replicates, naive ones
MIN_DRAWS = 100  # p-values then have standard errors of at most .05


class FunnelChecks(NamedTuple):
    """A funnel against its replicates.

    `statistics`: cell ("all" and the terms), statistic, title, k (effects), observed (mean over
    draws), replicate_mean, replicate_sd, ci_lb, ci_ub (95 % of the replicates), p = P(replicate >=
    observed) draw by draw, p_two_sided, naive_mean and naive_p (every variance held fixed), flag
    ("high", "low" or ""), verdict (words). `points`: which ("observed" or "replicate", thinned),
    cell, residual, se; residuals from the fitted mean, multiplied by its direction.
    """

    statistics: pd.DataFrame
    replicates: pd.DataFrame  # draw, cell, statistic, observed, replicate, naive: what p counts
    points: pd.DataFrame
    cells: pd.DataFrame  # cell, k, studies, mean (fitted, without its sign)
    linked: str  # in words, how many variances could be simulated with their effects
    flagged: bool  # whether a statistic of the entire dataset is flagged as too high
    verdict: str  # in words, on the entire dataset


def funnel_checks(
    tree: xr.DataTree, *, draws: int = 300, seed: int = 1, studies: Studies = "new"
) -> FunnelChecks:
    """Check a funnel against replicates without selection that have the errors of an SMD.

    The mean of an Egger slope's replicates is arithmetic: the variance of an SMD contains the SMD,
    so that a slope arises without any selection (Zwetsloot et al. 2017, doi 10.7554/eLife.24260). A
    statistic that depends on the draw is compared within the draw (Gelman, Meng & Stern 1996);
    effects of new studies make the check a mixed predictive check (Marshall & Spiegelhalter 2003,
    doi 10.1002/sim.1403). A cell's statistics are flagged at .05 / their number. The p-values of
    "egger" and "significant" tend to be low (medians .31 and .34): the weights 1 / v shrink the
    fitted means of an SMD towards zero, and with them the replicates. In 200 tables of preclinical
    size without selection p < .05 in 4 to 8 % by statistic, p < .01 in at most 3 %, and 5 % of the
    tables were flagged. `tree`: a fit: posterior with beta and taus (u, w, d for "fitted"),
    constant_data. `draws`: number of posterior draws and of replicates of the table, a replicate
    per draw; at least 100. `seed`: seed of every random step. `studies`: "new" or "fitted",
    replicates of new studies from the fitted distribution, or of the same studies. Fitted random
    effects take up part of a small-study effect, so that "fitted" is conservative for slopes and
    skewness; "new" is calibrated. Raises BadInput: fewer than 100 draws are requested or in the
    tree; random effects are missing.
    """
    available = tree["posterior"].sizes["chain"] * tree["posterior"].sizes["draw"]
    count = min(draws, available)
    if count < MIN_DRAWS:
        raise BadInput(f"a funnel check needs {MIN_DRAWS} draws or more; got {count}")
    data = funnel_data(tree)
    values, cloud = _simulate(tree, data, count, np.random.default_rng(seed), studies)
    statistics = _statistics(data, values)
    of_all = statistics[statistics["cell"] == ALL]
    observed = _points("observed", data.names, data.direction * (data.yi - data.mean), data.vi)
    return FunnelChecks(
        statistics=statistics,
        replicates=_long(data, values),
        points=pd.concat([observed, cloud], ignore_index=True),
        cells=_cells(data),
        linked=link_note(data),
        flagged=bool((of_all["flag"] == "high").any()),
        verdict=overall(of_all, data),
    )


def _simulate(
    tree: xr.DataTree, data: FunnelData, draws: int, rng: np.random.Generator, studies: Studies
) -> tuple[dict[str, Floats], pd.DataFrame]:
    """Return (draws, cells, statistics) by name of `SOURCES`, and points of the replicates."""
    observed = Replicate(data.yi[None], data.vi[None])
    tables = []
    clouds = []
    for drawn in draw_effects(tree, data, draws=draws, rng=rng, studies=studies):
        linked, naive = replicate(drawn, data, rng)
        values = [funnel_statistics(table, drawn, data) for table in (observed, linked, naive)]
        tables.append(np.broadcast_arrays(*values))
        points = -(-CLOUD_POINTS * len(drawn.theta) // draws)
        draw, effect = (rng.integers(size, size=points) for size in linked.yi.shape)
        residual = data.direction[effect] * (linked.yi - drawn.fitted)[draw, effect]
        clouds.append(_points("replicate", data.names[effect], residual, linked.vi[draw, effect]))
    arrays = [np.concatenate(parts) for parts in zip(*tables, strict=True)]
    return dict(zip(SOURCES, arrays, strict=True)), pd.concat(clouds)


def _points(which: str, cell: np.ndarray, residual: Floats, vi: Floats) -> pd.DataFrame:
    return pd.DataFrame({"which": which, "cell": cell, "residual": residual, "se": np.sqrt(vi)})


def _statistics(data: FunnelData, values: dict[str, Floats]) -> pd.DataFrame:
    records = []
    for i, (cell, members) in enumerate(data.cells.items()):
        for j, (name, title) in enumerate(TITLES.items()):
            labels = {"cell": cell, "statistic": name, "title": title, "k": int(members.sum())}
            if summary := summarise(*(values[source][:, i, j] for source in SOURCES)):
                records.append(labels | summary)
    return verdicts(pd.DataFrame(records))


def summarise(observed: Floats, replicate: Floats, naive: Floats) -> dict[str, float]:
    """Return a row of the table from arrays of the values at all draws (draws,).

    The row is empty if the data or half of the replicates lack the statistic. p = P(replicate >=
    observed) over draws with finite values; two-sided twice the smaller tail, at most 1.
    """
    finite = np.isfinite(observed) & np.isfinite(replicate) & np.isfinite(naive)
    if finite.mean() < 0.5:
        return {}
    observed, replicate, naive = (values[finite] for values in (observed, replicate, naive))
    above = (replicate >= observed).mean()
    below = (replicate <= observed).mean()
    lower, upper = np.quantile(replicate, INTERVAL)
    row = {
        "observed": observed.mean(),
        "replicate_mean": replicate.mean(),
        "replicate_sd": replicate.std(ddof=1),
        "ci_lb": lower,
        "ci_ub": upper,
        "p": above,
        "p_two_sided": min(1, 2 * above, 2 * below),
        "naive_mean": naive.mean(),
        "naive_p": (naive >= observed).mean(),
    }
    return {name: float(value) for name, value in row.items()}


def _long(data: FunnelData, values: dict[str, Floats]) -> pd.DataFrame:
    """Return `FunnelChecks.replicates`."""
    draws = range(len(values["observed"]))
    names = ["draw", "cell", "statistic"]
    index = pd.MultiIndex.from_product([draws, data.cells, TITLES], names=names)
    flat = {source: values[source].ravel() for source in SOURCES}
    return index.to_frame(index=False).assign(**flat)


def _cells(data: FunnelData) -> pd.DataFrame:
    """Return `FunnelChecks.cells`."""
    mean = np.abs(data.mean)
    study = data.unit["study"]
    rows = [
        (cell, int(members.sum()), len(np.unique(study[members])), float(mean[members].mean()))
        for cell, members in data.cells.items()
    ]
    return pd.DataFrame(rows, columns=["cell", "k", "studies", "mean"])
