"""`bayesmeta fit`: the posterior of a model, by NUTS or by quadrature."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from math import ceil
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.commands.console.estimates import print_fit
from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.options import Sampling
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.run import Task
from bayesmeta.estimates.convergence import diagnose, interval_error
from bayesmeta.estimates.transformed import shown_tables
from bayesmeta.inference.independent import independent_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.likelihood import check_independent
from bayesmeta.model.spec import ORDERED, ModelSpec
from bayesmeta.output.folders.fit import Tables, fit_tables, write_fit, write_fit_figures
from bayesmeta.output.folders.folder import Folder
from bayesmeta.robustness.refinements import extreme_effects, refinements_table

HALF_DIGIT = 0.005  # half a unit of the second decimal, the last one that is printed
MAX_DRAWS = 20_000  # per chain; a scale that needs more is not read to two decimals


def compute(task: Task[Sampling]) -> Outcome:
    """Sample the posterior and summarise it."""
    return sample(task, fit_tables, write_fit_figures, print_fit)


def sample(
    task: Task[Sampling],
    make_tables: Callable[[xr.DataTree], dict[str, pd.DataFrame]],
    write_figures: Callable[[Folder, xr.DataTree, Tables], None],
    show: Callable[[Printer, Tables, Mapping[str, Any]], None],
) -> Outcome:
    """Sample the posterior, and summarise it by the tables and figures of its kind of model."""
    tree = draw_posterior(task.inputs.design, task.inputs.spec, task.options, task.steps)
    with task.steps("diagnostics"):
        diagnostics = diagnose(tree) | precision(tree, task)
    tables = shown_tables(make_tables(tree), task.options.transform)
    with task.steps("what refinements would change"):
        refined = refinements_table(task.inputs.frame, task.inputs.design, task.inputs.spec)
    if len(refined):
        tables |= {"refinements": refined}
    if task.inputs.spec.likelihood == "t":
        extreme = extreme_effects(task.inputs.frame)
        tables |= {"extreme_effects": extreme} if len(extreme) else {}
    return Outcome(
        write=lambda folder: write_fit(folder, tree, tables, diagnostics, write_figures),
        show=lambda printer: show(printer, tables, diagnostics),
        record="provenance.json",
        passed=diagnostics["passed"],
    )


def precision(tree: xr.DataTree, task: Task[Sampling]) -> dict[str, Any]:
    """Return sampler, draws, `interval_error`, and options with which printed ends are stable."""
    sampler = task.options.sampler
    sizes = tree["posterior"].sizes
    found = interval_error(tree)
    more = (found["interval_mcse"] / HALF_DIGIT) ** 2
    per_chain = 100 * ceil(task.options.draws * more / 100)
    advice = "" if more <= 1 or per_chain > MAX_DRAWS else f"--draws {per_chain}"
    if advice and sampler != "quadrature" and task.inputs.spec.likelihood != ORDERED:
        with suppress(BadInput):
            check_independent(task.inputs.design, task.inputs.spec)
            advice = f"--sampler quadrature {advice}"
    drawn = {"sampler": sampler, "draws": sizes["chain"] * sizes["draw"]}
    return drawn | found | {"stable_by": advice}


def draw_posterior(
    design: xr.Dataset, spec: ModelSpec, sampling: Sampling, steps: Steps
) -> xr.DataTree:
    """Return draws by NUTS, or independent draws, in the same tree.

    Raise BadInput if the sampler is not installed, or independent draws are not possible.
    """
    if spec.likelihood == ORDERED:
        from bayesmeta.inference.ordinal import sample_directions

        return sample_directions(design, spec, steps=steps, **sampling.of_draws)
    if sampling.sampler != "quadrature":
        from bayesmeta.inference.nuts import sample_posterior  # PyMC and JAX

        return sample_posterior(design, spec, steps=steps, **sampling.of_draws)
    kept = {name: getattr(sampling, name) for name in ("draws", "chains", "seed")}
    return independent_posterior(design, spec, steps=steps, **kept)
