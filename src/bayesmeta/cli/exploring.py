"""Commands that look further: screen, lint, plan, predict."""

from pathlib import Path
from typing import Annotated

import typer

from bayesmeta.cli.app import app
from bayesmeta.cli.options import Columns, Dask, Dataset, Model, Moderators, Out, Seed, Variant, Where, Workers


@app.command()
def screen(
    dataset: Dataset = None,
    variant: Variant = "calibrated",
    where: Where = None,
    columns: Columns = None,
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

    from bayesmeta.commands.request import Request, columns_of
    from bayesmeta.commands.screen import Screening, run_screen

    request = Request(dataset, "intercept", variant, where, columns=columns_of(None, columns))
    how = Screening(target, tuple(moderator or ()), folds, impute, imputations, coding, draws, resamples, seed)
    raise typer.Exit(run_screen(request, how, out, Console(), workers=workers))


@app.command()
def lint(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    columns: Columns = None,
    workers: Workers = None,
    out: Out = None,
) -> None:
    """Find problems of data and model that change conclusions: what, where, why, and each conclusion without it."""
    from rich.console import Console

    from bayesmeta.commands.lint import run_lint
    from bayesmeta.commands.request import Request, columns_of

    request = Request(dataset, model, variant, where, moderators, columns_of(model, columns))
    raise typer.Exit(run_lint(request, out, Console(), workers=workers))


@app.command()
def plan(
    dataset: Dataset = None,
    model: Model = None,
    variant: Variant = "calibrated",
    where: Where = None,
    moderators: Moderators = None,
    columns: Columns = None,
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

    from bayesmeta.commands.plan import Scope, run_plan
    from bayesmeta.commands.request import Request, columns_of

    request = Request(dataset, model, variant, where, moderators, columns_of(model, columns))
    scope = Scope(tuple(contrast or ()), studies, per_arm, stratum, replicates, seed)
    raise typer.Exit(run_plan(request, scope, out, Console(), dask=dask, workers=workers))


@app.command()
def predict(
    results: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that bayesmeta fit wrote.")],
    at: Annotated[
        str | None, typer.Option(help="Values of moderators in the reference grid: 'dose=1,2,5; species=rat'.")
    ] = None,
    new: Annotated[Path | None, typer.Option(help="A file with the moderators' columns, in place of the grid.")] = None,
    weights: Annotated[
        str, typer.Option(help="Of the combinations that marginal means average over: equal or frequency.")
    ] = "equal",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default the same folder.")] = None,
) -> None:
    """What would a study of this kind find? Means and prediction intervals for a grid or new rows, and a picture."""
    from rich.console import Console

    from bayesmeta.commands.predict import run_predict

    raise typer.Exit(run_predict(results, out, Console(), at=at, new=new, weights=weights))
