"""The command line: `bayesmeta <command>`; scripts/<command>.py call the same functions."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bayesmeta.errors import BadInput

app = typer.Typer(
    help="Bayesian hierarchical meta-analysis, from raw tables to named contrasts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Dataset = Annotated[
    str | None,
    typer.Option(
        help="A dataset's name (preclinical, clinical, clinical-all, translational, preclinical-twin, clinical-twin) "
        "or a file (.csv, .tsv, .xlsx, .parquet). Default: preclinical, or its twin where the data cannot be had."
    ),
]
Model = Annotated[
    str | None, typer.Option(help="A model of models/ by name (three-level, four-level, robust ...) or a TOML file.")
]
Variant = Annotated[str, typer.Option(help="Of the named datasets: strict, extended or calibrated.")]
Where = Annotated[str | None, typer.Option(help="Keep effects for which a pandas query holds: \"comparison == 'C'\".")]
Moderators = Annotated[
    str | None, typer.Option(help="Terms in place of the model's: 'valence:phase', '1', '1 + dose'.")
]
Sampler = Annotated[str, typer.Option(help="numpyro, nutpie, pymc or quadrature.")]
Draws = Annotated[int, typer.Option(min=10, help="Kept draws per chain.")]
Tune = Annotated[int, typer.Option(min=10, help="Warm-up draws per chain.")]
Chains = Annotated[int, typer.Option(min=1, help="Chains.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of every random step.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes on this machine; default one per core.")]
Dask = Annotated[str | None, typer.Option(help="Address of a Dask scheduler to refit on: tcp://host:8786.")]
Out = Annotated[Path | None, typer.Option(help="Folder to write; default reports/<dataset>/<model>.")]


@app.command()
def fit(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    sampler: Sampler = "numpyro",
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
    out: Out = None,
) -> None:
    """Sample a model's posterior; write posterior.nc, tables, figures, diagnostics and provenance."""
    from rich.console import Console

    from bayesmeta.fitting import Sampling, run_fit
    from bayesmeta.inputs import Request

    request = Request(dataset, model, variant, where, moderators)
    how = Sampling(sampler, draws=draws, tune=tune, chains=chains, seed=seed)
    raise typer.Exit(run_fit(request, how, out, Console()))


@app.command()
def compare(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    test: Annotated[str, typer.Option(help="Of the frequentist side: z, t (k - p) or containment.")] = "z",
    out: Out = None,
) -> None:
    """Set the frequentist and the Bayesian answer side by side, and say why they differ: tables, figures, a page."""
    from rich.console import Console

    from bayesmeta.comparing import run_compare
    from bayesmeta.inputs import Request

    request = Request(dataset, model, variant, where, moderators)
    raise typer.Exit(run_compare(request, out, Console(), test=test))


@app.command()
def survive(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    dask: Dask = None,
    workers: Workers = None,
    out: Out = None,
) -> None:
    """Refit under every reasonable alternative: does each conclusion survive? Tables, a figure, a sentence for each."""
    from rich.console import Console

    from bayesmeta.inputs import Request
    from bayesmeta.surviving import run_survive

    request = Request(dataset, model, variant, where, moderators)
    raise typer.Exit(run_survive(request, out, Console(), dask=dask, workers=workers))


@app.command()
def plan(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    contrast: Annotated[
        list[str] | None, typer.Option(help="A name in the model file, or 'a:b - c:d'; may be repeated. Default: all.")
    ] = None,
    studies: Annotated[str, typer.Option(help="Numbers of new studies: 1:20, or 5,10,20.")] = "1:20",
    per_arm: Annotated[str, typer.Option(help="Sizes of each of a study's two arms.")] = "20,40,80",
    stratum: Annotated[str | None, typer.Option(help="Whose studies; default human, where the model has it.")] = None,
    replicates: Annotated[int, typer.Option(min=10, help="Simulated futures per size of an arm.")] = 400,
    seed: Seed = 1,
    dask: Dask = None,
    workers: Workers = None,
    out: Out = None,
) -> None:
    """Simulate studies still to be done and refit: how narrow would an interval get, would the sign be settled?"""
    from rich.console import Console

    from bayesmeta.inputs import Request
    from bayesmeta.planning import Scope, run_plan

    request = Request(dataset, model, variant, where, moderators)
    scope = Scope(tuple(contrast or ()), studies, per_arm, stratum, replicates, seed)
    raise typer.Exit(run_plan(request, scope, out, Console(), dask=dask, workers=workers))


@app.command()
def lint(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    workers: Workers = None,
    out: Out = None,
) -> None:
    """Find problems of data and model that change conclusions: what, where, why, and each conclusion without it."""
    from rich.console import Console

    from bayesmeta.inputs import Request
    from bayesmeta.linting import run_lint

    request = Request(dataset, model, variant, where, moderators)
    raise typer.Exit(run_lint(request, out, Console(), workers=workers))


@app.command()
def check(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
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

    from bayesmeta.checking import run_check
    from bayesmeta.fitting import Sampling
    from bayesmeta.inputs import Request

    request = Request(dataset, model, variant, where, moderators)
    how = Sampling(sampler, draws=draws, tune=tune, chains=chains, seed=seed)
    raise typer.Exit(run_check(request, how, out, Console(), workers=workers))


@app.command()
def screen(
    dataset: Dataset = None,
    variant: Variant = "calibrated",
    where: Where = None,
    target: Annotated[str, typer.Option(help="means or draws of the true effects, or raw.")] = "means",
    moderator: Annotated[
        list[str] | None, typer.Option(help="A column; may be repeated. Default: what the table offers.")
    ] = None,
    folds: Annotated[str, typer.Option(help="By study, or by group as the paper did, which leaks.")] = "study",
    impute: Annotated[
        str, typer.Option(help="Missing values from rows alike in this column; across: from all, as the paper did.")
    ] = "species",
    imputations: Annotated[int, typer.Option(min=1, help="1: mode or median; more: random ones, averaged over.")] = 1,
    coding: Annotated[str, typer.Option(help="Categories as levels, or by the alphabet as the paper did.")] = "levels",
    draws: Annotated[int, typer.Option(min=2, help="Of the target draws.")] = 50,
    resamples: Annotated[int, typer.Option(min=2, help="Of the studies, for intervals.")] = 100,
    seed: Seed = 1,
    workers: Workers = None,
    out: Annotated[Path | None, typer.Option(help="Folder; default reports/<dataset>/screening.")] = None,
) -> None:
    """Which moderators matter? Forest and meta-tree: importance, dependence, a tree, a model to judge them."""
    from rich.console import Console

    from bayesmeta.inputs import Request
    from bayesmeta.screening import Screening, run_screen

    request = Request(dataset, "intercept", variant, where)
    how = Screening(target, tuple(moderator or ()), folds, impute, imputations, coding, draws, resamples, seed)
    raise typer.Exit(run_screen(request, how, out, Console(), workers=workers))


@app.command()
def report(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
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

    from bayesmeta.fitting import Sampling
    from bayesmeta.inputs import Request
    from bayesmeta.reporting import run_report

    request = Request(dataset, model, variant, where, moderators)
    how = Sampling(sampler, draws=draws, tune=tune, chains=chains, seed=seed)
    raise typer.Exit(run_report(request, how, out, Console(), workers=workers))


@app.command()
def data(
    dataset: Annotated[str, typer.Argument(help="A dataset's name: preclinical, clinical, clinical-all ...")],
    variant: Variant = "calibrated",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default reports/<dataset>/data.")] = None,
) -> None:
    """Print a dataset's sizes by cell, species and comparison; write its effect table as CSV and Parquet."""
    from rich.console import Console

    from bayesmeta.inventory import run_data

    raise typer.Exit(run_data(dataset, variant, out, Console()))


@app.command()
def interpret(
    results: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that bayesmeta fit and others wrote.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for supplement.md and the tables as LaTeX and CSV; default none.")
    ] = None,
) -> None:
    """Print what a folder of results says, in five sentences; write a paper's supplement from it."""
    from rich.console import Console

    from bayesmeta.interpreting import run_interpret

    raise typer.Exit(run_interpret(results, out, Console()))


def main(arguments: list[str] | None = None) -> None:
    """Run a command; bad input ends with one message and exit code 2, never a traceback."""
    try:
        app(arguments, prog_name="bayesmeta")
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
