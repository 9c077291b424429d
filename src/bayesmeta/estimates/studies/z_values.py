"""z values of the effects beside those that the model expects, and the expected discovery rate.

A discovery is a result with |z| = |y| / sqrt(v) above 1.96. The expected discovery rate (EDR) is
the share of discoveries among new results of the same design, of studies whose effects vary as the
model says; of a selection model, among all results, published or not. Hedges' g of known sizes is
drawn as the t statistic that it is, and its v follows from it.

Source: Bartos & Schimmack 2022, doi 10.15626/MP.2021.2720, for the rates; Soric 1989,
doi 10.1080/01621459.1989.10478811, for the largest share of false discoveries.
"""

from math import nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.estimates.contrasts import term_draws
from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.estimates.summaries import strata_of, tau_draws
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.t_statistics import why_no_t_statistics
from bayesmeta.model.likelihood import Parameters, Selected, likelihood_of
from bayesmeta.model.likelihood.exact_smd import Statistics, draw_results, statistics_of
from bayesmeta.model.spec import spec_of

WIDTH = 0.49  # of a bin, a quarter of 1.96, so that both limits are edges of bins
BINS = 12  # on each side of zero; the outermost hold all that lies beyond
SIGNIFICANT = 4 * WIDTH
ALPHA = 0.05
DRAWS = 400


class ZValues(NamedTuple):
    """Tables of the z values.

    bins : z (middle of the bin), observed, mean, ci_lb, ci_ub (expected number of published
    results, 95 % equal-tailed, of a new table); of a selection model also before: the number
    before selection, at the same number of discoveries.
    rates : rate (observed, expected, false), mean, ci_lb, ci_ub; false: the largest possible share
    of false discoveries, (1 / EDR - 1) .05 / .95.
    """

    bins: pd.DataFrame
    rates: pd.DataFrame


def z_values(tree: xr.DataTree, *, seed: int = 1) -> ZValues:
    """Compare the z values with those that the model expects of the same design.

    Raises BadInput if the measure has no value of no effect.
    """
    design = tree["constant_data"].to_dataset()
    measure = str(design.attrs.get("measure", ""))
    if measure in MEASURES and MEASURES[measure].null is None:
        raise BadInput(f"a z-plot tests effects against no effect, and {measure} has no such value")
    published, before = _replicates(tree, design, np.random.default_rng(seed))
    observed = design["yi"].values / np.sqrt(design["vi"].values)
    counts = _counts(published)
    low, high = np.quantile(counts, INTERVAL, axis=0)
    bins = pd.DataFrame(
        {
            "z": WIDTH * (np.arange(2 * BINS) - BINS + 0.5),
            "observed": _counts(observed[:, None])[0],
            "mean": counts.mean(0),
            "ci_lb": low,
            "ci_ub": high,
        }
    )
    expected = _discoveries(published)
    if before is not None:
        bins["before"] = _counts(before).mean(0) * expected.mean() / _discoveries(before).mean()
        expected = _discoveries(before)
    false = (1 / np.maximum(expected, ALPHA) - 1) * ALPHA / (1 - ALPHA)
    rows: list[tuple[Any, ...]] = [("observed", _discoveries(observed[:, None])[0], nan, nan)]
    for name, values in (("expected", expected), ("false", false)):
        rows.append((name, values.mean(), *np.quantile(values, INTERVAL)))
    return ZValues(bins, pd.DataFrame(rows, columns=["rate", "mean", "ci_lb", "ci_ub"]))


def _replicates(
    tree: xr.DataTree, design: xr.Dataset, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return z values (k, draws) of new results, and of a selection model before selection."""
    spec = spec_of(tree)
    beta = term_draws(tree).values
    chosen = rng.permutation(beta.shape[1])[:DRAWS]
    taus = [tau_draws(tree, stratum)[level] for stratum in strata_of(tree) for level in spec.levels]
    posterior = tree["posterior"].dataset.stack(sample=("chain", "draw"), create_index=False)
    others = {
        name: posterior[name].transpose(..., "sample").values[..., chosen]
        for name in spec.auxiliary_parameters
    }
    few = Parameters(beta[:, chosen], np.array(taus)[:, chosen], others)
    likelihood = likelihood_of(design, spec)
    statistics = _statistics(design)
    given = design["vi"].values[:, None]

    def z(y: np.ndarray) -> np.ndarray:
        return np.asarray(y / np.sqrt(given if statistics is None else statistics.variance(y)))

    if isinstance(likelihood, Selected):
        published = z(likelihood.replicate_new_studies(rng, few))
        return published, z(likelihood.unselected.replicate_new_studies(rng, few))
    if statistics is None or spec.has_dependent_errors:
        return z(likelihood.replicate_new_studies(rng, few)), None
    new = likelihood.draw_new_effects(rng, few)
    theta = likelihood.x @ few.beta + likelihood.above_effects(new.u, new.w) + new.d
    return z(draw_results(rng, theta, statistics)), None


def _statistics(design: xr.Dataset) -> Statistics | None:
    """Return the t statistics if the effects are Hedges' g of known sizes, whose v contains g."""
    names = [name for name in ("effect", "yi", "vi", "n1i", "n2i", "ni") if name in design]
    reason = why_no_t_statistics(pd.DataFrame({name: design[name].values for name in names}))
    return None if reason else statistics_of(design)


def _discoveries(z: np.ndarray) -> np.ndarray:
    """Return the share of discoveries of every draw (draws,)."""
    return np.asarray((np.abs(z) > SIGNIFICANT).mean(0))


def _counts(z: np.ndarray) -> np.ndarray:
    """Return the number of z values in every bin (draws, bins)."""
    place = np.clip(np.floor(z / WIDTH).astype(int) + BINS, 0, 2 * BINS - 1)
    return np.array([np.bincount(column, minlength=2 * BINS) for column in place.T])
