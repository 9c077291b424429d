"""Sets of data that are simulated from the prior, and refitted.

A set has parameters drawn from the prior, and results of new studies with the design of the table:
its nesting, sizes, strata and terms. Where the draws of the posterior are exact, the rank of a true
value among them is uniform.

Source: Talts et al. 2018, doi 10.48550/arXiv.1804.06788.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.convergence import reported
from bayesmeta.inference.independent import independent_posterior
from bayesmeta.inference.predictive import by_level, parameters_of, prior_draws
from bayesmeta.inference.structured import structured_prior
from bayesmeta.model.likelihood import likelihood_of
from bayesmeta.model.likelihood.exact_smd import statistics_of
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.structure import Structured

BOUNDS = (0.025, 0.975)


def refit_sets(
    design: xr.Dataset,
    spec: ModelSpec,
    simulator: str,
    seed: int,
    first: int,
    count: int,
    draws: int,
) -> pd.DataFrame:
    """Simulate and refit `count` sets, the first of which has the number `first`.

    simulator : likelihood that the data come from, `normal` or `t`, or "" for that of the model.
    Columns: set, parameter, truth, mean, sd, rank (number of draws below the truth), draws, ci_lb,
    ci_ub (95 % equal-tailed, for so few draws), prior_sd, k_hat (nan where draws are not by
    importance).
    """
    truth_spec = replace(spec, likelihood=simulator) if simulator else spec
    tables = []
    for number in range(first, first + count):
        rng = np.random.default_rng([seed, number])
        known, simulated = _simulated(design, truth_spec, rng)
        once = {"draws": draws, "chains": 1, "seed": number, "parameters_only": True}
        tree = independent_posterior(simulated, spec, wide_grid=False, **once)
        tables.append(_ranks(tree, known).assign(set=number))
    return pd.concat(tables, ignore_index=True)


def _simulated(
    design: xr.Dataset, spec: ModelSpec, rng: np.random.Generator
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return draws of the prior, under the names of a tree, and a set from the first of them."""
    if spec.is_structured:
        known, results = structured_prior(design, Structured(design, spec), rng)
        return known, design.assign(yi=("effect", results[0]))
    prior = prior_draws(design, spec, rng)
    return by_level(prior, design, spec), simulate(design, spec, prior.isel(draw=[0]), rng)


def simulate(
    design: xr.Dataset, spec: ModelSpec, prior: xr.Dataset, rng: np.random.Generator
) -> xr.Dataset:
    """Return the design with results of new studies at a draw of the prior."""
    draws = parameters_of(prior, spec)
    y = likelihood_of(design, spec).replicate_new_studies(rng, draws)[:, 0]
    v = design["vi"].values
    if spec.likelihood == "t":
        v = statistics_of(design).variance(y)
    return design.assign(yi=("effect", y), vi=("effect", v))


def _ranks(tree: xr.DataTree, known: xr.Dataset) -> pd.DataFrame:
    """Return the rows of a set; `known` has the draws of the prior, the first of them true."""
    k_hat = tree["posterior"].attrs.get("k_hat", np.nan)
    rows = []
    for name, values in reported(tree).data_vars.items():
        dims = [dim for dim in values.dims if dim not in ("chain", "draw")]
        label = dims[0] if dims else None
        labels = [str(x) for x in values[label].values] if label else [""]
        flat = values.stack(sample=("chain", "draw"), create_index=False).values.reshape(
            len(labels), -1
        )
        of_prior = known[name].stack(sample=("chain", "draw"), create_index=False)
        prior = of_prior.transpose(*dims, "sample").values.reshape(len(labels), -1)
        for position, text in enumerate(labels):
            part = flat[position]
            truth = prior[position, 0]
            low, high = np.quantile(part, BOUNDS, method="weibull")
            parameter = text if name == "beta" else f"{name}[{text}]" if text else str(name)
            numbers = (truth, part.mean(), part.std(ddof=1), int((part < truth).sum()), len(part))
            rows.append((parameter, *numbers, low, high, prior[position].std(), k_hat))
    names = ["parameter", "truth", "mean", "sd", "rank", "draws", "ci_lb", "ci_ub", "prior_sd"]
    return pd.DataFrame(rows, columns=[*names, "k_hat"])
