"""`bayesmeta plan`: what new studies would add to a contrast."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta import planning
from bayesmeta.commands.console.robustness import print_plan
from bayesmeta.commands.options import Scope
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.inference.quadrature import integrate_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.output.folders.analyses import write_plan
from bayesmeta.planning import Today

REPLICATES_PER_JOB = 50
LEVELS_EXACT = 2  # more levels have more nodes for the taus than the averages need
TOLERANCE = 1e-6
COARSE_TOLERANCE = 1e-2
Jobs = dict[tuple[str, int, int], Job]
Known = Mapping[str, Today]
Measured = Mapping[str, list[str]]


def compute(task: Task[Scope]) -> Outcome:
    """Simulate new studies and refit with them."""
    inputs = task.inputs
    scope = task.options
    refuse_other_scales(inputs)
    design = inputs.design
    weights = planning.chosen_contrasts(design, inputs.spec, scope.contrasts)
    stratum = planning.choose_stratum(design, inputs.spec, scope.stratum)
    skip = not scope.contrasts
    measured = planning.chosen_terms(design, inputs.spec, weights, stratum, skip=skip)
    with task.steps("the present posterior"):
        today = known_today(inputs, weights, measured, scope)
    jobs = jobs_of(today, scope.study_counts, scope.arm_sizes, scope.seed)
    done = run_jobs(list(jobs.values()), steps=task.steps, title="refitting", **vars(task.machine))
    table = planning.plan_table(gather(jobs, done.tables), today)
    sentences = sentences_of(table, stratum, measured, planning.studies_so_far(design))
    return Outcome(
        write=lambda folder: write_plan(folder, table, stratum),
        show=lambda printer: print_plan(printer, table, sentences, stratum),
        record="provenance-plan.json",
        choices={"measured": measured, "new_studies": stratum},
    )


def refuse_other_scales(inputs: Inputs) -> None:
    """Raise BadInput unless effects are SMDs: their variance follows from the size of an arm."""
    scale = str(inputs.design.attrs["scale"])
    if "Hedges' g" not in scale:
        raise BadInput(
            f"--per-arm needs Hedges' g of two arms, but {inputs.dataset} has effects of another "
            f"kind ('{scale}'); use a file with m1i, sd1i, n1i, m2i, sd2i, n2i instead of yi and vi"
        )


def known_today(inputs: Inputs, weights: xr.DataArray, measured: Measured, scope: Scope) -> Known:
    """Return the present posterior of every contrast, and draws of possible truths.

    Raise BadInput if quadrature cannot integrate this model.
    """
    spec = inputs.spec
    if spec.limited:
        got = f"model {spec.name} has lower or upper in the prior of {', '.join(spec.limited)}"
        raise BadInput(f"{got}; a plan needs priors without limits, choose another --model for it")
    tolerance = TOLERANCE if len(spec.levels) <= LEVELS_EXACT else COARSE_TOLERANCE
    try:
        posterior = integrate_posterior(inputs.design, spec, tolerance=tolerance)
    except BadInput as error:
        reason = "but a plan is made by quadrature, so choose another --model for it"
        raise BadInput(f"{error}; {reason}") from error
    draws: dict[str, Any] = {"rho": spec.rho, "replicates": scope.replicates, "seed": scope.seed}
    return {
        name: planning.today_of(posterior, weights.sel(contrast=name), terms, **draws)
        for name, terms in measured.items()
    }


def jobs_of(today: Known, studies: Sequence[int], per_arm: Sequence[int], seed: int) -> Jobs:
    """Return refits by contrast, size of an arm, and first replicate."""
    jobs = {}
    for contrast, known in today.items():
        rho = float(known.start.rho)
        for n in per_arm:
            sizes = (max(studies), n)
            new = planning.simulate_studies(known.tau, known.beta, *sizes, rho=rho, seed=seed)
            for first in range(0, len(new.y), REPLICATES_PER_JOB):
                part = slice(first, first + REPLICATES_PER_JOB)
                arguments = (known.start, new.y[part], new.v[part], studies)
                name = f"{contrast}, {n} per arm, from replicate {first}"
                jobs[contrast, n, first] = Job(name, planning.refit_each, arguments)
    return jobs


def gather(jobs: Jobs, refitted: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the refits of all jobs: contrast, per_arm, replicate, studies, width, p_positive."""
    parts = []
    for (contrast, n, first), job in jobs.items():
        table = refitted[job.name].assign(contrast=contrast, per_arm=n)
        parts.append(table.assign(replicate=table["replicate"] + first))
    return pd.concat(parts, ignore_index=True)


def sentences_of(
    table: pd.DataFrame, stratum: str | None, measured: Measured, studies: Mapping[str, int]
) -> dict[str, str]:
    """Return a sentence per contrast, with the terms that new studies measure."""
    counts = {term: f"{n} {'study' if n == 1 else 'studies'}" for term, n in studies.items()}
    texts = {term: f"{term} ({count} so far)" for term, count in counts.items()}
    return {
        name: f"{sentence} Measured: {', '.join(texts[term] for term in measured[name])}."
        for name, sentence in planning.sentences(table, stratum).items()
    }
