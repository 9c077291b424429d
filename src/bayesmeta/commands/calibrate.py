"""`bayesmeta calibrate`: a test of the model on data that it simulates itself."""

from bayesmeta.commands.console.robustness import print_calibration
from bayesmeta.commands.options import Calibration
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.model.design import has_unknowns
from bayesmeta.model.design.t_statistics import check_t_statistics
from bayesmeta.model.likelihood import check_engine, check_independent
from bayesmeta.output.folders.analyses import write_calibration
from bayesmeta.robustness import calibration

SETS_PER_JOB = 10


def compute(task: Task[Calibration]) -> Outcome:
    """Simulate sets from the prior, refit them, and rank the true values."""
    if has_unknowns(task.inputs.design):
        check_engine(task.inputs.design, task.inputs.spec, "quadrature")
    check_independent(task.inputs.design, task.inputs.spec)
    if task.options.simulator and task.inputs.spec.is_structured:
        raise BadInput("--simulator changes the likelihood of nested levels; leave it out here")
    if task.options.simulator == "t":
        check_t_statistics(task.inputs.frame)
    jobs = jobs_of(task.inputs, task.options)
    done = run_jobs(jobs, steps=task.steps, title="simulating and refitting", **vars(task.machine))
    sets = calibration.joined(done.tables, done.refused)
    tables = {
        "calibration": calibration.calibration_table(sets),
        "calibration_sets": sets,
        "curves": calibration.curves_table(sets),
    }
    return Outcome(
        write=lambda folder: write_calibration(folder, tables),
        show=lambda printer: print_calibration(printer, tables["calibration"]),
        record="provenance-calibration.json",
    )


def jobs_of(inputs: Inputs, options: Calibration) -> list[Job]:
    """Return the sets by batches, each of which is kept when it is done."""
    jobs = []
    for first in range(0, options.sets, SETS_PER_JOB):
        count = min(SETS_PER_JOB, options.sets - first)
        numbers = (options.seed, first, count, options.draws)
        arguments = (inputs.design, inputs.spec, options.simulator or "", *numbers)
        jobs.append(Job(f"sets {first + 1} to {first + count}", calibration.refit_sets, arguments))
    return jobs
