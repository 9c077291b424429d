"""`bayesmeta lint`: problems of data and model, and the conclusions without them."""

from dataclasses import dataclass, replace

import pandas as pd

from bayesmeta.commands.console.robustness import print_lint
from bayesmeta.commands.options import Options
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.run import Task
from bayesmeta.infrastructure.jobs import run_jobs
from bayesmeta.model.design import named_weights
from bayesmeta.robustness import lint

CONCLUSIONS = "the conclusions without the problems"


@dataclass(frozen=True)
class LintResults:
    """Findings, what was not checked and why, and the tables by file name."""

    findings: list[lint.Finding]
    unchecked: dict[str, str]
    tables: dict[str, pd.DataFrame]


def compute(task: Task[Options]) -> Outcome:
    """Look for problems, and refit without them, a problem at a time."""
    results = find_problems(task)
    refits = results.tables["lint_refits"]
    together = refits[refits["finding"] == lint.ALL]
    effect = lint.effect_of(together) if len(together) else ""
    paragraphs = paragraphs_of(results.findings, refits)
    return Outcome(
        write=lambda folder: folder.write_tables(results.tables),
        show=lambda printer: print_lint(printer, paragraphs, effect, results.unchecked),
        record="provenance-lint.json",
        choices={"unchecked": results.unchecked},
    )


def find_problems(task: Task[Options]) -> LintResults:
    """Return the findings, and the conclusions of refits without a problem."""
    inputs = replace(task.inputs, spec=task.inputs.spec.without_structure())
    subject = lint.LintInput(inputs.frame.reset_index(drop=True), inputs.spec, inputs.design)
    with task.steps("looking for problems"):
        findings, unchecked = lint.run_checks(subject)
    remedies = lint.remedies_of(subject, findings)
    conclusions = named_weights(inputs.design, inputs.spec)
    versions = lint.versions_of(subject, remedies, conclusions)
    jobs = lint.jobs_of(versions) if remedies else []
    title = "refitting without a problem"
    done = run_jobs(jobs, steps=task.steps, title=title, workers=task.workers)
    if done.refused:
        name, reason = next(iter(done.refused.items()))
        count = f"{len(done.refused)} of {len(jobs)} fits refused"
        unchecked = {**unchecked, CONCLUSIONS: f"{count}; {name}: {reason}"}
    tables = {
        "lint": lint.table_of(findings),
        "lint_rows": lint.rows_table(findings),
        "lint_refits": lint.refits_table(findings, remedies, versions, done.tables),
    }
    return LintResults(findings, unchecked, tables)


def paragraphs_of(findings: list[lint.Finding], refits: pd.DataFrame) -> list[tuple[int, str]]:
    """Return rank and text of every finding; successive findings of a code share the reason."""
    paragraphs = []
    previous = ""
    for number, finding in enumerate(findings, 1):
        rows = refits[refits["finding"] == str(number)]
        text = lint.paragraph(number, finding, rows, reasons=finding.code != previous)
        paragraphs.append((finding.rank, text))
        previous = finding.code
    return paragraphs
