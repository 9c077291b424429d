"""`bayesmeta check`: convergence, funnel, bias models, influence of studies, and priors."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.commands.console.robustness import print_check
from bayesmeta.commands.fit import draw_posterior, with_sampler
from bayesmeta.commands.options import Sampling
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.run import Task
from bayesmeta.estimates.contrasts import contrasts_of
from bayesmeta.estimates.conventions import MAX_K_HAT
from bayesmeta.estimates.convergence import diagnose, diagnostics_table
from bayesmeta.inference import quadrature
from bayesmeta.inference.reml import fit_reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.model.design import caution, double_use, has_unknowns
from bayesmeta.model.likelihood import check_engine
from bayesmeta.output.folders.check import write_check
from bayesmeta.robustness import bias, influence, sensitivity, varying_tau
from bayesmeta.robustness.funnel import funnel_checks

MIN_STUDIES_OF_FUNNEL = 10  # with fewer, asymmetry is hard to see: doi 10.1136/bmj.d4002
FEW_FOR_FUNNEL = f"Fewer than {MIN_STUDIES_OF_FUNNEL} studies cannot show asymmetry of usual size."
Verdict = tuple[str, str, str]  # check; passed, review, failed or not done; sentence


@dataclass
class CheckResults:
    """Verdicts of the checks, and tables by file name."""

    verdicts: list[Verdict] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def add(self, name: str, state: str | bool, sentence: str, **tables: pd.DataFrame) -> None:
        """Add a verdict and its tables; True is the state `passed`, False `review`."""
        if isinstance(state, bool):
            state = "passed" if state else "review"
        self.verdicts.append((name, state, sentence))
        self.tables |= tables


def compute(task: Task[Sampling]) -> Outcome:
    """Sample the posterior and check it."""
    inputs = task.inputs
    sampling = with_sampler(task.options, inputs.design, inputs.spec)
    tree = draw_posterior(inputs.design, inputs.spec, sampling, task.steps)
    diagnostics = diagnose(tree)
    results = run_checks(task, tree, diagnostics)
    return Outcome(
        write=lambda folder: write_check(folder, results.tables, results.verdicts, inputs.design),
        show=lambda printer: print_check(printer, results.verdicts),
        record="provenance-check.json",
        passed=diagnostics["passed"],
    )


def run_checks(task: Task[Sampling], tree: xr.DataTree, diagnosis: dict[str, Any]) -> CheckResults:
    """Return the results of every check; a check that cannot be done has its reason as sentence."""
    results = CheckResults()
    results.tables["convergence"] = diagnostics_table(diagnosis)
    problems = "; ".join([*diagnosis["failures"], *diagnosis["warnings"]])
    state = "passed" if diagnosis["passed"] else "failed"
    sentence = problems or "the chains agree and have enough draws"
    results.verdicts.append(("convergence", state, sentence))
    checks: dict[str, Callable[[CheckResults, Task[Sampling], xr.DataTree], None]] = {
        "funnel": check_funnel,
        "bias models": check_bias,
        "influence": check_influence,
        "heterogeneity": check_heterogeneity,
        "prior sensitivity": check_priors,
    }
    for name, check in checks.items():
        try:
            check(results, task, tree)
        except BadInput as error:
            results.verdicts.append((name, "not done", str(error)))
    return results


def check_funnel(results: CheckResults, task: Task[Sampling], tree: xr.DataTree) -> None:
    """Compare the funnel with replicates without selection."""
    with task.steps("funnel: replicates without selection"):
        funnel = funnel_checks(tree, seed=task.options.seed)
    parts = {f"funnel_{part}": getattr(funnel, part) for part in ("replicates", "points", "cells")}
    tables = {"funnel": funnel.statistics, **parts}
    few = task.inputs.design.sizes["study"] < MIN_STUDIES_OF_FUNNEL
    state = "cannot tell" if few and not funnel.flagged else not funnel.flagged
    sentence = f"{funnel.verdict} {FEW_FOR_FUNNEL}" if few else funnel.verdict
    results.add("funnel", state, sentence, **tables)


def check_bias(results: CheckResults, task: Task[Sampling], tree: xr.DataTree) -> None:
    """Compare PET, PEESE and selection with the unadjusted model."""
    inputs = task.inputs
    versions, missing = bias.versions(inputs.frame, inputs.spec, contrasts_of(tree))
    jobs = [Job(name, bias.refit, version) for name, version in versions.items()]
    done = run_jobs(jobs, steps=task.steps, title="bias models", workers=task.workers)
    refused = missing | done.refused
    if len(done.tables) < 2 or bias.UNADJUSTED in done.refused:
        raise BadInput("; ".join(f"{name}: {reason}" for name, reason in refused.items()))
    of_bias = versions.get(bias.TITLES["selection"]) or list(versions.values())[-1]
    cells = bias.cells_table(done.tables)
    parameters = bias.parameters_table(done.tables)
    models = bias.models_table(done.tables)
    sentences = [bias.sentence(cells, parameters, models)]
    sentences += filter(None, [double_use(*of_bias[:2]), caution(inputs.frame)])
    sentences += [f"{name} left out: {reason}" for name, reason in refused.items()]
    tables = {"bias_cells": cells, "bias_parameters": parameters, "bias_models": models}
    state = bias.verdict(cells, parameters, models)
    results.add("bias models", state, "; ".join(sentences), **tables)


def check_influence(results: CheckResults, task: Task[Sampling], tree: xr.DataTree) -> None:
    """Leave out every study: prediction of the study, and change of the conclusions."""
    design = task.inputs.design
    spec = task.inputs.spec
    weights = contrasts_of(tree)
    seed = task.options.seed
    if has_unknowns(design):  # log-likelihoods are given the unknown moderators of a study
        check_engine(design, spec, "quadrature")
    if spec.is_structured:
        check_influence_of_structure(results, task, tree)
        return
    with task.steps("leaving out every study"):
        left_out = None
        refusal = ""
        try:
            left_out = quadrature.leave_one_study_out(design, spec, weights=weights)
        except BadInput as error:
            refusal = str(error)
        refits: dict[str, Any] = {
            "left_out": left_out,
            "seed": seed,
            "workers": task.workers,
        }
        studies = influence.leave_studies_out(tree, design, spec, **refits)
    results.tables["influence_studies"] = studies
    if left_out is None:
        raise BadInput(refusal)
    with task.steps("changes by leaving out a study"):
        changes = influence.changes_table(design, spec, weights, left_out)
        baujat = influence.baujat_table(design, spec, left_out)
    with task.steps("subsets of studies"):
        gosh = influence.gosh_table(design, spec, weights, seed=seed, left_out=left_out)
    sentences = influence.sentences(influence.unsettled(changes))
    text = "; ".join(f"{contrast} {sentence}" for contrast, sentence in sentences.items())
    conclusion = text or "no single study changes a conclusion"
    sentence = f"{conclusion}; {poorly_predicted(studies)}"
    tables = {"influence_changes": changes, "baujat": baujat, "gosh": gosh}
    results.add("influence", not sentences, sentence, **tables)


def check_influence_of_structure(
    results: CheckResults, task: Task[Sampling], tree: xr.DataTree
) -> None:
    """Leave out every study of a dependence structure; it has no figures of subsets."""
    weights = contrasts_of(tree)
    options: dict[str, Any] = {"seed": task.options.seed, "workers": task.workers}
    with task.steps("leaving out every study"):
        left = influence.leave_out(tree, task.inputs.design, task.inputs.spec, weights, **options)
    sentences = influence.sentences(influence.unsettled(left.changes))
    text = "; ".join(f"{contrast} {sentence}" for contrast, sentence in sentences.items())
    conclusion = text or "no single study changes a conclusion"
    sentence = f"{conclusion}; {poorly_predicted(left.studies)}"
    tables = {"influence_studies": left.studies, "influence_changes": left.changes}
    results.add("influence", not sentences, sentence, **tables)


def check_heterogeneity(results: CheckResults, task: Task[Sampling], tree: xr.DataTree) -> None:
    """Test whether a tau depends on a moderator of the terms."""
    design = task.inputs.design
    spec = task.inputs.spec
    if spec.is_structured or spec.tau_by:
        raise BadInput("the test needs one tau for each of the levels study, group and effect")
    with task.steps("does heterogeneity depend on a moderator?"):
        tests = varying_tau.tau_tests(fit_reml(design, replace(spec, likelihood="normal")))
    clear = bool((tests["p_bonferroni"] < varying_tau.ALPHA).any())
    tables = {"varying_tau": tests} if len(tests) else {}
    results.add("heterogeneity", not clear, varying_tau.sentence(tests), **tables)


def poorly_predicted(studies: pd.DataFrame) -> str:
    """Return a phrase with the studies whose Pareto k-hat is too large."""
    poor = studies[~(studies["k_hat"] <= MAX_K_HAT)]
    return f"k-hat above {MAX_K_HAT} for {', '.join(poor['study']) or 'no study'}"


def check_priors(results: CheckResults, task: Task[Sampling], tree: xr.DataTree) -> None:
    """Scale the powers of prior and likelihood, and refit under other priors."""
    design = task.inputs.design
    spec = task.inputs.spec
    with task.steps("power-scaling"):
        psense = sensitivity.psense_table(tree)
    workers = task.workers
    given = (design, spec, contrasts_of(tree))
    refits = sensitivity.refit_priors(*given, steps=task.steps, workers=workers)
    sensitive = psense[psense["diagnosis"] != "neither"]
    text = "{contrast}: {diagnosis} ({prior:.2f})"
    sentences = [text.format_map(row) for row in sensitive.to_dict("records")]
    if not sentences:
        limit = sensitivity.THRESHOLD
        sentences = [f"no conclusion is sensitive to its prior (all sensitivities below {limit})"]
    sentence = "; ".join([*sentences, largest_shift(refits)])
    tables = {"psense": psense, "prior_refits": refits.table}
    results.add("prior sensitivity", sensitive.empty, sentence, **tables)


def largest_shift(refits: sensitivity.PriorRefits) -> str:
    """Return a phrase with the largest shift under another prior."""
    table = refits.table
    if table.empty:
        return f"no refits under other priors: {next(iter(refits.refused.values()))}"
    row = table.iloc[int(table["shift"].abs().to_numpy().argmax())]
    shift = f"{row['contrast']} {row['shift']:+.2f} sd ({row['label']})"
    return f"largest shift under another prior: {shift}"
