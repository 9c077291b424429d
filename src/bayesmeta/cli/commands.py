"""Every command with its options; the heavy modules are imported when a command runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bayesmeta.cli.app import command
from bayesmeta.commands.options import (
    Averaging,
    Calibration,
    Catalogue,
    Cluster,
    Comparison,
    Draft,
    Interpretation,
    Listing,
    Machine,
    Options,
    Output,
    Plotting,
    Prediction,
    Reporting,
    Request,
    Sampling,
    Scope,
    Screening,
    ScreenRequest,
    Search,
    Shown,
)

UNWRAPPED = 100_000  # columns


def folder(default: str) -> Any:
    """Return the option of a folder to write."""
    return typer.Option(help=f"Folder to write. Default: {default}.")


Out = Annotated[Path | None, folder("<model> in reports/<dataset>")]
Plots = Annotated[Path | None, folder("plots in the folder of results")]
Beside = Annotated[Path | None, folder("the folder of results")]
DataFolder = Annotated[Path | None, folder("data in reports/<dataset>")]
CalibrationFolder = Annotated[Path | None, folder("calibration in reports/<dataset>")]
ScreeningFolder = Annotated[Path | None, folder("screening in reports/<dataset>")]


def console(shown: Shown) -> Console:
    """Return the console of a command: errors and JSON come from elsewhere.

    Outside a terminal no line is folded.
    """
    file = sys.stderr if shown.as_json else sys.stdout
    return Console(file=file, quiet=shown.quiet, width=None if file.isatty() else UNWRAPPED)


def analyse(
    verb: str,
    request: Request,
    options: Options,
    output: Output,
    out: Path | None,
    machine: Machine | None = None,
) -> int:
    """Run a command that analyses a table; return the exit code."""
    from bayesmeta.commands.run import run

    return run(verb, request, options, out, console(output), machine or Machine(), output)


@command
def fit(request: Request, options: Sampling, output: Output, out: Out = None) -> int:
    """Sample a model's posterior: posterior.nc, tables, figures, diagnostics and provenance."""
    return analyse("fit", request, options, output, out)


@command
def compare(request: Request, options: Comparison, output: Output, out: Out = None) -> int:
    """Compare frequentist and Bayesian estimates, and explain the differences."""
    return analyse("compare", request, options, output, out)


@command
def multiverse(request: Request, machine: Cluster, output: Output, out: Out = None) -> int:
    """Refit under every reasonable alternative, and report which conclusions hold."""
    return analyse("multiverse", request, Options(), output, out, machine)


@command
def average(
    request: Request, options: Averaging, machine: Cluster, output: Output, out: Out = None
) -> int:
    """Average over models with and without effect, heterogeneity, bias, moderators."""
    return analyse("average", request, options, output, out, machine)


@command
def check(
    request: Request, options: Sampling, machine: Machine, output: Output, out: Out = None
) -> int:
    """Fit and check: convergence, funnel, bias models, influence of studies, priors."""
    return analyse("check", request, options, output, out, machine)


@command
def report(
    request: Request, options: Reporting, machine: Machine, output: Output, out: Out = None
) -> int:
    """Write the complete analysis as one page, index.html; run only missing or outdated parts."""
    from bayesmeta.commands.report_stamp import repeat_report

    code = repeat_report(request, options, out, output, console(output))
    if code is not None:
        return code
    return analyse("report", request, options, output, out, machine)


@command
def live(request: Request, output: Output, out: Out = None) -> int:
    """Write a page, live.html, in which readers change the analysis and see what it changes."""
    return analyse("live", request, Options(), output, out)


@command
def screen(
    request: ScreenRequest,
    options: Screening,
    machine: Machine,
    output: Output,
    out: ScreeningFolder = None,
) -> int:
    """Screen moderators by random forest and meta-tree, and propose a model to test them."""
    return analyse("screen", request, options, output, out, machine)


@command
def lint(request: Request, machine: Machine, output: Output, out: Out = None) -> int:
    """Find problems in data and model, and show the conclusions without each of them."""
    return analyse("lint", request, Options(), output, out, machine)


@command
def plan(
    request: Request, options: Scope, machine: Cluster, output: Output, out: Out = None
) -> int:
    """Simulate new studies and refit: width of intervals, probability of a settled sign."""
    return analyse("plan", request, options, output, out, machine)


@command
def calibrate(
    request: Request,
    options: Calibration,
    machine: Cluster,
    output: Output,
    out: CalibrationFolder = None,
) -> int:
    """Simulate data from the prior, refit them, and test whether true values are recovered."""
    return analyse("calibrate", request, options, output, out, machine)


@command
def predict(options: Prediction, shown: Shown, out: Beside = None) -> int:
    """Predict means and the true effects of new studies, for a reference grid or for new rows."""
    from bayesmeta.commands.predict import run_predict

    return run_predict(options, out, console(shown), as_json=shown.as_json)


@command
def plot(options: Plotting, shown: Shown, out: Plots = None) -> int:
    """Draw a forest, bubble, funnel, cumulative or other plot of a fitted model."""
    from bayesmeta.commands.plot import run_plot

    return run_plot(options, out, console(shown), as_json=shown.as_json)


@command
def flow(
    options: Search,
    shown: Shown,
    out: Annotated[Path | None, folder("the name of the file in reports")] = None,
) -> int:
    """Draw the flow of a search (PRISMA 2020) from a file with its counts."""
    from bayesmeta.commands.flow import run_flow

    return run_flow(options, out, console(shown), as_json=shown.as_json)


@command
def data(options: Listing, shown: Shown, out: DataFolder = None) -> int:
    """Print the sizes of a dataset; write its effect table as CSV and Parquet."""
    from bayesmeta.commands.data import run_data

    return run_data(options, out, console(shown), as_json=shown.as_json)


@command
def priors(options: Catalogue, shown: Shown) -> int:
    """List informed priors from earlier meta-analyses, and draw them."""
    from bayesmeta.commands.priors import run_priors

    return run_priors(options, console(shown), as_json=shown.as_json)


@command
def init(
    options: Draft,
    shown: Shown,
    out: Annotated[Path | None, typer.Option(help="Model file. Default: <table>.toml.")] = None,
) -> int:
    """Write a model file for a table: columns, levels, priors, possible moderators."""
    from bayesmeta.commands.init import run_init

    return run_init(options, out, console(shown), as_json=shown.as_json)


@command
def interpret(
    options: Interpretation,
    shown: Shown,
    out: Annotated[
        Path | None, typer.Option(help="Folder for supplement.md, LaTeX and CSV. Default: none.")
    ] = None,
) -> int:
    """Print the conclusions of a folder of results; write the supplement of a paper."""
    from bayesmeta.commands.interpret import run_interpret

    return run_interpret(options, out, console(shown), as_json=shown.as_json)
