"""From a table to draws."""

import warnings
from dataclasses import asdict
from importlib.util import find_spec

import pandas as pd
import xarray as xr
from rich.console import Console

from bayesmeta.api.requests import Model, inputs_of, ready_jax
from bayesmeta.commands.fit import QUADRATURE, Sampling, draw_posterior
from bayesmeta.commands.request import Inputs
from bayesmeta.estimates.convergence import diagnose
from bayesmeta.inference.nuts import check_sampler
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.spec import ORDERED

LEAST = {"draws": 10, "tune": 10, "chains": 1, "seed": 0}


def fit(
    frame: pd.DataFrame,
    model: Model = None,
    *,
    moderators: str | None = None,
    where: str | None = None,
    sampler: str = "numpyro",
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int = 1,
    progress: bool = True,
) -> xr.DataTree:
    """Sample a model's posterior, as `bayesmeta fit` does: the same table and seed give the same numbers.

    Parameters
    ----------
    frame : a row per effect: study, and yi with vi (or sei), or m1i, sd1i, n1i, m2i, sd2i, n2i; group where several
        effects share their subjects; moderators. Or what `read` gave.
    model : a model's name (three-level, four-level, robust ...), a TOML file or a ModelSpec. Default: a named dataset's
        own, else three levels with one overall mean.
    moderators : terms in place of the model's: "valence:phase", "1", "1 + dose".
    where : keep effects for which a pandas query holds: "dose > 1".
    sampler : numpyro, nutpie, pymc or quadrature (independent draws without MCMC).
    draws, tune, chains, seed : kept and warm-up draws per chain, chains, seed of every random step.
    progress : show what is being done, on a terminal and in a notebook that has ipywidgets.

    Returns
    -------
    DataTree : what posterior.nc holds (`sampling.sample_posterior`): posterior, posterior_predictive, prior,
        prior_predictive, log_likelihood, log_prior, sample_stats, observed_data, constant_data.

    Raises
    ------
    BadInput
        The table, the model or a choice cannot be used; or JAX runs already with fewer devices than chains.

    Warns
    -----
    UserWarning
        A diagnostic failed; `diagnostics` says which.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", draws=500, tune=500)
    >>> tree["posterior"]["beta"].mean(("chain", "draw")).to_series().round(1)
    term
    fear:learning       0.3
    neutral:learning   -0.1
    fear:memory         0.5
    neutral:memory     -0.5
    Name: beta, dtype: float64
    """
    inputs = inputs_of(frame, model, moderators, where)
    how = Sampling(sampler, draws=draws, tune=tune, chains=chains, seed=seed)
    _check(how)
    ready_jax(chains if sampler == "numpyro" else 1)
    tree = _draw(inputs, how, _steps() if progress else Steps())
    if failures := diagnose(tree)["failures"]:
        warnings.warn(f"the fit finished, but a diagnostic failed: {'; '.join(failures)}", stacklevel=2)
    return tree


def _check(how: Sampling) -> None:
    for name, least in LEAST.items():
        value = getattr(how, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise BadInput(f"{name} is {value!r}; it should be a whole number of at least {least}")
    if how.sampler != QUADRATURE:
        check_sampler(how.sampler)


def _draw(inputs: Inputs, how: Sampling, steps: Steps) -> xr.DataTree:
    if inputs.spec.likelihood == ORDERED:
        from bayesmeta.inference.ordinal import sample_directions

        return sample_directions(inputs.design, inputs.spec, steps=steps, **asdict(how))
    return draw_posterior(inputs.design, inputs.spec, how, steps)


def _steps() -> Steps:
    """Steps that are shown; in a notebook only where it can show what changes."""
    console = Console()
    return Steps() if console.is_jupyter and find_spec("ipywidgets") is None else Steps(console)
