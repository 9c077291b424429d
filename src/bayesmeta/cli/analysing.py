"""Commands that estimate and check: fit, compare, multiverse, check, report."""

from typing import Annotated

import typer

from bayesmeta.cli.app import app
from bayesmeta.cli.options import (
    Chains,
    Columns,
    Dask,
    Dataset,
    Draws,
    Model,
    Moderators,
    Out,
    Sampler,
    Seed,
    Tune,
    Variant,
    Where,
    Workers,
)


@app.command()
def fit(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    columns: Columns = None,
    sampler: Sampler = "numpyro",
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
    out: Out = None,
) -> None:
    """Sample a model's posterior; write posterior.nc, tables, figures, diagnostics and provenance."""
    from rich.console import Console

    from bayesmeta.commands.fit import Sampling, run_fit
    from bayesmeta.commands.request import Request, columns_of

    request = Request(dataset, model, variant, where, moderators, columns_of(model, columns))
    how = Sampling(sampler, draws=draws, tune=tune, chains=chains, seed=seed)
    raise typer.Exit(run_fit(request, how, out, Console()))


@app.command()
def compare(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    columns: Columns = None,
    test: Annotated[str, typer.Option(help="Of the frequentist side: z, t (k - p) or containment.")] = "z",
    out: Out = None,
) -> None:
    """Set the frequentist and the Bayesian answer side by side, and say why they differ: tables, figures, a page."""
    from rich.console import Console

    from bayesmeta.commands.compare import run_compare
    from bayesmeta.commands.request import Request, columns_of

    request = Request(dataset, model, variant, where, moderators, columns_of(model, columns))
    raise typer.Exit(run_compare(request, out, Console(), test=test))


@app.command()
def multiverse(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    columns: Columns = None,
    dask: Dask = None,
    workers: Workers = None,
    out: Out = None,
) -> None:
    """Refit under every reasonable alternative: does each conclusion hold? Tables, a figure, a sentence for each."""
    from rich.console import Console

    from bayesmeta.commands.multiverse import run_multiverse
    from bayesmeta.commands.request import Request, columns_of

    request = Request(dataset, model, variant, where, moderators, columns_of(model, columns))
    raise typer.Exit(run_multiverse(request, out, Console(), dask=dask, workers=workers))


@app.command()
def check(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    columns: Columns = None,
    sampler: Sampler = "numpyro",
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
    workers: Workers = None,
    out: Out = None,
) -> None:
    """Can it be trusted? Draws, funnel, bias models, influence, priors: verdicts, tables, figures, a page."""
    from rich.console import Console

    from bayesmeta.commands.check import run_check
    from bayesmeta.commands.fit import Sampling
    from bayesmeta.commands.request import Request, columns_of

    request = Request(dataset, model, variant, where, moderators, columns_of(model, columns))
    how = Sampling(sampler, draws=draws, tune=tune, chains=chains, seed=seed)
    raise typer.Exit(run_check(request, how, out, Console(), workers=workers))


@app.command()
def report(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    columns: Columns = None,
    sampler: Sampler = "numpyro",
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
    workers: Workers = None,
    out: Out = None,
) -> None:
    """The whole analysis on one page, index.html: runs what is missing of all commands, keeps what is done."""
    from rich.console import Console

    from bayesmeta.commands.fit import Sampling
    from bayesmeta.commands.report import run_report
    from bayesmeta.commands.request import Request, columns_of

    request = Request(dataset, model, variant, where, moderators, columns_of(model, columns))
    how = Sampling(sampler, draws=draws, tune=tune, chains=chains, seed=seed)
    raise typer.Exit(run_report(request, how, out, Console(), workers=workers))
