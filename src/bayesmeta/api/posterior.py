"""From a table to draws."""

import warnings
from importlib.util import find_spec

import pandas as pd
import xarray as xr
from rich.console import Console

from bayesmeta.api.requests import Columns, Model, Priors, inputs_of, start_devices
from bayesmeta.api.wording import in_python_words, python_errors
from bayesmeta.commands.console.estimates import print_fit
from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.fit import draw_posterior, with_sampler
from bayesmeta.commands.options import Sampling
from bayesmeta.commands.request import REDUNDANT
from bayesmeta.estimates.convergence import diagnose
from bayesmeta.infrastructure.choices import Missing, Sampler
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output.folders.fit import fit_tables


@python_errors
def fit(
    frame: pd.DataFrame,
    model: Model = None,
    *,
    moderators: str | None = None,
    where: str | None = None,
    priors: Priors = None,
    measure: str | None = None,
    columns: Columns = None,
    missing: Missing | None = None,
    sampler: Sampler = "auto",
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int = 1,
    progress: bool = True,
) -> xr.DataTree:
    """Sample the posterior of a model, as `bayesmeta fit` does.

    The same table and seed give the same numbers as the command line. Raise BadInput if the table,
    the model or a choice cannot be used, or JAX runs already with fewer devices than chains. Warn
    if a diagnostic failed; see `diagnostics`.

    Parameters
    ----------
    frame : DataFrame
        A row per effect: study, and yi with vi (or sei), or m1i, sd1i, n1i, m2i, sd2i, n2i; group
        if effects share their subjects; moderators. A table from `read` is also accepted.
    model : str, Path or ModelSpec, optional
        A formula, "~ dose + species"; or the name of a model (three-level, four-level, robust
        ...), a TOML file or a ModelSpec. The default is the model of a named dataset, else three
        levels with an overall mean.
    moderators : str, optional
        Terms that replace those of the model: "valence:phase", "1", "1 + dose".
    where : str, optional
        Keep the effects that match a pandas query: "dose > 1".
    priors : mapping, optional
        Priors in place of the model's: {"terms": "Normal(0, 1)", "tau": "HalfNormal(0.5)"}.
    measure : str, optional
        The effect size to compute from the frame's columns: "SMD", "OR" ...
    columns : str or mapping, optional
        Map from the package's names to the frame's names: {"study": "district", "yi": "es"}.
    missing : {"joint", "complete", "refuse"}, optional
        What is done with blank moderators: unknown values are part of the model; their rows are
        left out; they are refused. The default is the model's, which is joint.
    sampler : {"auto", "numpyro", "nutpie", "pymc", "quadrature"}
        Implementation of NUTS, or quadrature (independent draws without MCMC). Auto is numpyro, but
        quadrature above 50,000 effects.
    draws, tune, chains, seed : int
        Draws to keep and warm-up draws, per chain; number of chains; seed of every random step.
    progress : bool
        Show progress, on a terminal and in a notebook with ipywidgets; in a notebook also the
        estimates and diagnostics.

    Returns
    -------
    DataTree
        The content of posterior.nc: posterior, posterior_predictive, prior, prior_predictive,
        log_likelihood, log_prior, sample_stats, observed_data, constant_data.

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.example()
    >>> tree = bayesmeta.fit(frame, moderators="valence:phase", draws=500, tune=500)
    >>> tree["posterior"]["beta"].mean(("chain", "draw")).to_series().round(1)
    term
    fear:learning       0.3
    neutral:learning   -0.1
    fear:memory         0.5
    neutral:memory     -0.5
    Name: beta, dtype: float64
    """
    inputs = inputs_of(
        frame,
        model,
        moderators,
        where,
        priors=priors,
        measure=measure,
        columns=columns,
        missing=missing,
    )
    sampling = Sampling(sampler, draws=draws, tune=tune, chains=chains, seed=seed)
    sampling = with_sampler(sampling, inputs.design, inputs.spec)
    if sampling.sampler == "numpyro":
        start_devices(chains)
    steps = shown_steps() if progress else Steps()
    tree = draw_posterior(inputs.design, inputs.spec, sampling, steps)
    if redundant := inputs.design.attrs.get("redundant"):
        warnings.warn(f"{REDUNDANT}: {redundant}", stacklevel=3)
    diagnosis = diagnose(tree)
    if progress and (console := Console()).is_jupyter:
        print_fit(Printer(console), fit_tables(tree), diagnosis)
    if failures := diagnosis["failures"]:
        reasons = in_python_words("; ".join(failures))
        warnings.warn(f"the fit finished, but a diagnostic failed: {reasons}", stacklevel=3)
    return tree


def shown_steps() -> Steps:
    """Return steps that show progress; a notebook without ipywidgets cannot show any."""
    console = Console()
    shown = not console.is_jupyter or find_spec("ipywidgets") is not None
    return Steps(console) if shown else Steps()
