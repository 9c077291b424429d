"""`bayesmeta fit`: the posterior of a model, by NUTS or by quadrature."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from math import ceil
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.commands.console.estimates import print_fit
from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.options import Sampling
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.estimates.convergence import diagnose, interval_error
from bayesmeta.estimates.transformed import shown_tables
from bayesmeta.inference.conventions import LARGE_TABLE
from bayesmeta.inference.independent import independent_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs.fingerprint import fingerprint
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.design import has_unknowns
from bayesmeta.model.likelihood import check_independent, refusal
from bayesmeta.model.spec import ORDERED, ModelSpec
from bayesmeta.output.folders.fit import Tables, fit_tables, write_fit, write_fit_figures
from bayesmeta.output.folders.folder import Folder
from bayesmeta.robustness.refinements import extreme_effects, refinements_table

HALF_DIGIT = 0.005  # half a unit of the second decimal, the last one that is printed
_kept = ContextVar[dict[str, xr.DataTree] | None]("kept posteriors", default=None)
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
    sampling = with_sampler(task.options, task.inputs.design, task.inputs.spec)
    tree = draw_posterior(task.inputs.design, task.inputs.spec, sampling, task.steps)
    with task.steps("diagnostics"):
        diagnostics = diagnose(tree) | precision(tree, sampling, task.inputs)
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


def with_sampler(sampling: Sampling, design: xr.Dataset, spec: ModelSpec) -> Sampling:
    """Return the choices with a sampler in place of "auto"."""
    if sampling.sampler != "auto":
        return sampling
    large = spec.likelihood != ORDERED and design.sizes["effect"] > LARGE_TABLE
    exact = (
        spec.is_structured
        or has_unknowns(design)
        or (large and not refusal(design, spec, "quadrature"))
    )
    return replace(sampling, sampler="quadrature" if exact else "numpyro")


def precision(tree: xr.DataTree, sampling: Sampling, inputs: Inputs) -> dict[str, Any]:
    """Return sampler, draws, `interval_error`, and options with which printed ends are stable."""
    sampler = sampling.sampler
    sizes = tree["posterior"].sizes
    mcse = interval_error(tree)
    more = (mcse["interval_mcse"] / HALF_DIGIT) ** 2
    per_chain = 100 * ceil(sampling.draws * more / 100)
    advice = "" if more <= 1 or per_chain > MAX_DRAWS else f"--draws {per_chain}"
    if advice and sampler != "quadrature" and inputs.spec.likelihood != ORDERED:
        with suppress(BadInput):
            check_independent(inputs.design, inputs.spec)
            advice = f"--sampler quadrature {advice}"
    drawn = {"sampler": sampler, "draws": sizes["chain"] * sizes["draw"]}
    return drawn | mcse | {"stable_by": advice}


def draw_posterior(
    design: xr.Dataset, spec: ModelSpec, sampling: Sampling, steps: Steps
) -> xr.DataTree:
    """Return draws by NUTS, or independent draws, in the same tree.

    Within `keeping_posteriors` equal arguments give the same draws without sampling again. Raise
    BadInput if the sampler is not installed, or independent draws are not possible.
    """
    kept = _kept.get()
    if kept is None:
        return _draw(design, spec, sampling, steps)
    key = fingerprint((design, spec, sampling.of_draws))
    if key not in kept:
        kept[key] = _draw(design, spec, sampling, steps)
    return kept[key].copy()


@contextmanager
def keeping_posteriors() -> Iterator[None]:
    """Keep the draws of the commands that run within, which fit and check of a report share."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def _draw(design: xr.Dataset, spec: ModelSpec, sampling: Sampling, steps: Steps) -> xr.DataTree:
    if spec.likelihood == ORDERED:
        from bayesmeta.inference.ordinal import sample_directions

        return sample_directions(design, spec, steps=steps, **sampling.of_draws)
    if sampling.sampler != "quadrature":
        from bayesmeta.inference.nuts import sample_posterior  # PyMC and JAX

        return sample_posterior(design, spec, steps=steps, **sampling.of_draws)
    kept = {name: getattr(sampling, name) for name in ("draws", "chains", "seed")}
    return independent_posterior(design, spec, steps=steps, **kept)
