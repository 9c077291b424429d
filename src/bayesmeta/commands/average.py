"""`bayesmeta average`: the answer over all models, with inclusion Bayes factors."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayesmeta.commands.console.averages import print_averages
from bayesmeta.commands.options import Averaging
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.design import has_unknowns, is_mean
from bayesmeta.model.design.contrasts import named_weights
from bayesmeta.model.design.labels import INTERCEPT
from bayesmeta.model.design.standardising import standardising_rows
from bayesmeta.model.likelihood import check_engine
from bayesmeta.output.folders.analyses import write_averages
from bayesmeta.robustness import averaging
from bayesmeta.robustness.averaging import EFFECT, HETEROGENEITY, MODERATORS, Member

Combinations = dict[str, np.ndarray]
AT_AVERAGE = "mean at average moderators"


def compute(task: Task[Averaging]) -> Outcome:
    """Evaluate every model, and average over them."""
    tables = average(task.inputs, task.options, task.steps, task.machine.workers, task.machine.dask)
    return Outcome(
        write=lambda folder: write_averages(folder, tables, task.inputs.design.attrs["scale"]),
        show=lambda printer: print_averages(printer, tables),
        record="provenance-average.json",
    )


def average(
    inputs: Inputs,
    options: Averaging,
    steps: Steps,
    workers: int | None = None,
    dask: str | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables of an average by name: see `robustness.averaging`."""
    if has_unknowns(inputs.design):
        check_engine(inputs.design, inputs.spec, "quadrature")
    with steps("coding the models"):
        over = parts_of(options.over, inputs)
        members = averaging.members_of(inputs.frame, inputs.spec, over, options.weights_prior)
    exact = [member for member in members if averaging.is_exact(member)]
    evaluated: dict[str, averaging.Evaluated] = {}
    with steps.counted("evidence by quadrature", len(exact)) as count:
        for member in exact:
            evaluated[member.name] = averaging.exact(member)
            count(member.name)
    others = [member for member in members if member.name not in evaluated]
    jobs = [_job(member, options.seed) for member in others]
    done = run_jobs(jobs, steps=steps, title="evidence by importance", dask=dask, workers=workers)
    left_out = dict(done.refused)
    for member in others:
        table = done.tables.get(member.name)
        if table is None:
            continue
        if reason := averaging.why_uncertain(table):
            left_out[member.name] = reason
        else:
            evaluated[member.name] = averaging.of_draws(member, table)
    pairs = [(member, evaluated[member.name]) for member in members if member.name in evaluated]
    if len(pairs) < 2:
        reasons = "; ".join(left_out.values())
        raise BadInput(f"an average needs two models with an evidence; {reasons}")
    with steps("averages"):
        combinations = combinations_of(inputs)
        tables = {
            "average_models": averaging.models_table(pairs),
            "inclusion": averaging.inclusion_table(pairs),
            "averaged": averaging.averaged_table(pairs, combinations, means_of(inputs)),
            "averaged_taus": averaging.heterogeneity_averaged(pairs, inputs.spec.levels),
            "average_means": averaging.means_by_model(pairs, combinations),
            "average_left_out": pd.DataFrame(list(left_out.items()), columns=["model", "reason"]),
        }
    with steps("Bayes factors under other priors"):
        tables["bayes_factors"] = averaging.sensitivity_table(pairs)
        tables["savage_dickey"] = averaging.savage_dickey_table(pairs, components_of(inputs, over))
    return tables


def parts_of(text: str | None, inputs: Inputs) -> list[str]:
    """Return the parts to average over; by default all that apply but bias."""
    if text is not None:
        return [part.strip() for part in text.split(",") if part.strip()]
    return averaging.parts_of(inputs.frame, inputs.spec)


def _job(member: Member, seed: int) -> Job:
    present = member.present.get(HETEROGENEITY, True)
    return Job(member.name, averaging.drawn, (member.design, member.spec, present, seed))


def combinations_of(inputs: Inputs) -> Combinations:
    """Return the terms, the mean at average moderators, and the contrasts of a model."""
    design = inputs.design
    terms = [str(term) for term in design["term"].values]
    combinations = dict(zip(terms, np.eye(len(terms)), strict=True))
    if "standardised" in design and INTERCEPT in terms:
        combinations[AT_AVERAGE] = standardising_rows(design)[terms.index(INTERCEPT)]
    weights = named_weights(design, inputs.spec)
    contrasts = {str(row["contrast"].values): row.values for row in weights}
    return combinations | {name: row for name, row in contrasts.items() if name not in terms}


def means_of(inputs: Inputs) -> set[str]:
    """Return the combinations that are means, and not slopes, differences or contrasts."""
    terms = inputs.design["term"].values.astype(str)
    return {*terms[is_mean(inputs.design)], AT_AVERAGE}


def components_of(inputs: Inputs, over: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Return the components that are one combination of terms."""
    design = inputs.design
    terms = [str(term) for term in design["term"].values]
    rows = standardising_rows(design)
    effect = rows[terms.index(INTERCEPT)] if INTERCEPT in terms else rows[0]
    components = [(EFFECT, effect)] if EFFECT in over else []
    if INTERCEPT in terms and MODERATORS in over:
        groups = averaging.moderators_of(inputs.frame, inputs.spec.terms)
        single = {name: names[0] for name, names in groups.items() if len(names) == 1}
        components += [(name, rows[terms.index(term)]) for name, term in single.items()]
    return components
