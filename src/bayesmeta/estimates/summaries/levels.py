"""Random-effect levels of a posterior: draws of the taus and of the sds of new studies."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.estimates.summaries.components import has_structure, mean_variances
from bayesmeta.inference.quadrature import Mixture
from bayesmeta.model.design import of_stratum
from bayesmeta.model.priors import prior_moments_of_tau
from bayesmeta.model.spec import LEVELS, spec_of
from bayesmeta.model.structure import components_of


def levels_of(tree: xr.DataTree) -> list[str]:
    """Return the random-effect levels of the model, highest first; the taus of a structure."""
    posterior = tree["posterior"].to_dataset()
    if has_structure(tree):
        return [str(level) for level in posterior["level"].values]
    return [level for level in LEVELS if f"tau_{level}" in posterior]


def strata_of(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Return the designs by stratum of the taus; `{"": design}` for a single stratum."""
    design = tree["constant_data"].to_dataset()
    if "stratum" not in design.dims:
        return {"": design}
    return {str(name): of_stratum(design, name) for name in design["stratum"].values}


def tau_draws(tree: xr.DataTree, stratum: str, *, which: str = "posterior") -> pd.DataFrame:
    """Return the draws of the taus in a stratum, chain after chain: a column per level."""
    if has_structure(tree):
        draws = tree[which].to_dataset()["tau"].values
        return pd.DataFrame(draws.reshape(-1, draws.shape[-1]), columns=levels_of(tree))
    taus = tree[which].to_dataset()[[f"tau_{level}" for level in levels_of(tree)]]
    taus = taus.sel(stratum=stratum) if stratum else taus
    return pd.DataFrame({level: taus[f"tau_{level}"].values.ravel() for level in levels_of(tree)})


def contractions(tree: xr.DataTree, stratum: str) -> dict[str, float]:
    """Return 1 - posterior variance / prior variance of every level's tau; nan without a prior."""
    spec = spec_of(tree)
    contractions = {}
    for level, variance in tau_draws(tree, stratum).var().items():
        _, prior = prior_moments_of_tau(spec, str(level))
        contractions[str(level)] = 1 - variance / prior if np.isfinite(prior) else np.nan
    return contractions


def variance_draws(tree: xr.DataTree, stratum: str) -> pd.DataFrame:
    """Return the draws of the variance of every level's effects (draws,), a column per level.

    That of a Student distribution is nu / (nu - 2) times its squared scale, infinite up to nu = 2.
    """
    variances = tau_draws(tree, stratum).pow(2)
    posterior = tree["posterior"].dataset
    if "nu" in posterior and "study" in variances:
        nu = posterior["nu"].values.ravel()
        with np.errstate(divide="ignore"):
            variances["study"] *= np.where(nu > 2, nu / np.abs(nu - 2), np.inf)
    return variances


def predictive_sds(tree: xr.DataTree, stratum: str) -> pd.DataFrame:
    """Return draws of the sd of a new true effect around the mean of its term.

    In a Student model every draw has a scale for the new study, sqrt(nu / chi2_nu), so that the
    mixture over the draws is the t distribution. The chi-squared values come from a fixed seed.
    There is a column per level (draws,): of a new study's mean, of a new group's mean in it, and so
    on; the square root of the sum of tau^2 from the highest level down to this level. A dependence
    structure has a column per random effect, as an average over the means.
    """
    posterior = tree["posterior"].dataset
    if has_structure(tree):
        return mean_variances(tree).cumsum(axis=1).pow(0.5)
    variances = tau_draws(tree, stratum).pow(2)
    if "nu" in posterior and "study" in variances:
        nu = posterior["nu"].values.ravel()
        variances["study"] *= nu / np.random.default_rng(1).chisquare(nu)
    return variances.cumsum(axis=1).pow(0.5)


def prediction_levels(tree: xr.DataTree) -> list[str]:
    """Return the levels that have prediction intervals: those of the model, highest first.

    A dependence structure has its random effects, each with those before it.
    """
    spec = spec_of(tree)
    if not spec.is_structured:
        return levels_of(tree)
    return [part.name for part in components_of(tree["constant_data"].to_dataset(), spec)]


def prediction_interval(mean: np.ndarray, sd: np.ndarray) -> tuple[float, float]:
    """Return the 95 % equal-tailed interval of an equal mixture of normals (draws,)."""
    mixture = Mixture(np.full(len(mean), 1 / len(mean)), mean, sd)
    return mixture.quantile(INTERVAL[0]), mixture.quantile(INTERVAL[1])


def level_label(level: str, stratum: str) -> str:
    """Return the name of a level in a stratum, `rat:study`; without strata that of the level."""
    return f"{stratum}:{level}" if stratum else level
