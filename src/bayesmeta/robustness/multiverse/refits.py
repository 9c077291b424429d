"""How one analysis is refitted: exactly, without its worst study, or by sampling; each gives a row per contrast."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summarise
from bayesmeta.estimates.convergence import refuse_failed
from bayesmeta.inference.quadrature import contrasts_table, integrate_posterior, leave_one_study_out
from bayesmeta.model.likelihood import nesting_of
from bayesmeta.model.spec import ModelSpec

Refit = Callable[[xr.Dataset, ModelSpec, xr.DataArray], pd.DataFrame]

COLUMNS = ["contrast", "mean", "sd", "ci_lb", "ci_ub", "p_positive"]
CANDIDATES = (
    3  # studies refitted exactly per contrast: near ties may change places under the approximation
)


def integrated(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit by quadrature.

    Columns: contrast, mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive, and log_evidence, log
    p(y), in every row.

    Parameters
    ----------
    design, spec : as for `quadrature.integrate_posterior`
    weights : dims (contrast, term), as from `design.contrast_weights`
    """
    posterior = integrate_posterior(design, spec)
    return contrasts_table(posterior, weights)[COLUMNS].assign(
        log_evidence=posterior.log_marginal_likelihood
    )


def worst_study(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit without the one study that costs each contrast's conclusion most; parameters as for `integrated`.

    The conclusion is the sign that all studies favour. Candidates have the lowest mean / sd in that
    direction when left out; of these, refitted by quadrature, the least probable conclusion is
    exact.

    Columns: contrast, mean, sd, ci_lb, ci_ub, p_positive, note: which study, and which of the
    contrast's terms rest on it alone (they have their prior then).
    """
    base = integrated(design, spec, weights)
    sign = xr.DataArray(
        np.where(base["p_positive"] >= 0.5, 1, -1), {"contrast": base["contrast"]}, ["contrast"]
    )
    left_out = leave_one_study_out(design, spec, weights=weights)
    score = (sign * left_out["contrast_mean"] / left_out["contrast_sd"]).transpose(
        "study", "contrast"
    )
    nearest = score["study"].values[np.argsort(score.values, axis=0)[:CANDIDATES]]
    refitted = [
        without(str(study), design, spec, weights[(nearest == study).any(0)])
        for study in np.unique(nearest)
    ]
    rows = pd.concat(refitted, ignore_index=True)
    against = rows["p_positive"] * rows["contrast"].map(sign.to_series())
    least = against.groupby(rows["contrast"]).idxmin()
    return rows.loc[least[base["contrast"]]].reset_index(drop=True)


def without(study: str, design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit by quadrature without one study; a table as from `worst_study`."""
    rows = contrasts_table(integrate_posterior(design, spec, without=[study]), weights)[COLUMNS]
    of_study = design["study"].values[nesting_of(design).study_of_effect] == study
    alone = design["term"].values[~(design["X"].values[~of_study] != 0).any(0)]
    lost = [", ".join(alone[row.sel(term=alone).values != 0]) for row in weights]
    notes = [
        f"without {study}" + (f", the only study of {terms}" if terms else "") for terms in lost
    ]
    return rows.assign(note=notes)


def sampled(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Refit by NUTS, for a model that quadrature does not take; as `integrated`, but without log_evidence.

    Raises BadInput: a diagnostic of the sampler failed.
    """
    from bayesmeta.inference.nuts import sample_posterior  # PyMC and JAX, for these models alone

    tree = sample_posterior(design, spec)
    refuse_failed(tree)
    beta = tree["posterior"].dataset["beta"]
    return summarise(xr.dot(weights, beta, dim="term"))[COLUMNS]
