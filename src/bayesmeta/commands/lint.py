"""What is wrong with data and model, and does it matter? From a dataset's name or a file to tables and a report."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bayesmeta.commands.request import Inputs, Request, show_inputs
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from bayesmeta.robustness.lint import Finding

RANKS = {
    1: "[bold red]1: all but certain, and able to change conclusions[/bold red]",
    2: "[bold yellow]2: look at these[/bold yellow]",
    3: "[bold]3: know about these[/bold]",
}
CONCLUSIONS = "the conclusions without each problem"


@dataclass(frozen=True)
class Report:
    """What the lint found: findings, what was not checked and why, and the tables of the contract."""

    findings: "list[Finding]"
    unchecked: dict[str, str]
    tables: "dict[str, pd.DataFrame]"


def run_lint(request: Request, out: Path | None, console: "Console", *, workers: int | None = None) -> int:
    """Look for problems, refit without each; write tables/lint*.csv and provenance-lint.json; gives 0.

    Parameters
    ----------
    request, out, console : Request, Path or None, Console
        What is asked, where results go, who is told.
    workers : int, optional
        Processes that refit.

    Raises
    ------
    BadInput
        Nothing is written then.
    """
    steps = Steps(console)
    inputs = show_inputs(request, steps, console)
    attrs, out = inputs.frame.attrs, inputs.folder(out)
    with steps("starting JAX"):
        from bayesmeta.inference.nuts import start_jax
        from bayesmeta.output import folders

        start_jax(devices=1)
    with folders.staging(out) as folder:
        found = report_of(inputs, steps, workers=workers)
        provenance = provenance_of(asdict(request) | inputs.choices(out, seed=None), attrs)
        folders.write_tables(folder, found.tables)
        told = provenance | {"unchecked": found.unchecked}
        folders.write_provenance(folder / "provenance-lint.json", told, steps)
    print_lint(console, found, out, synthetic=provenance["synthetic"])
    return 0


def report_of(inputs: Inputs, steps: Steps, *, workers: int | None = None) -> Report:
    """Look, refit without each problem, and put both into tables."""
    from bayesmeta.infrastructure.jobs import run_jobs
    from bayesmeta.model.design import named_weights
    from bayesmeta.robustness import lint

    subject = lint.LintInput(inputs.frame.reset_index(drop=True), inputs.spec, inputs.design)
    with steps("looking"):
        findings, unchecked = lint.run_checks(subject)
    remedies = lint.remedies_of(subject, findings)
    versions = lint.versions_of(subject, remedies, named_weights(inputs.design, inputs.spec))
    jobs = lint.jobs_of(versions) if remedies else []
    done = run_jobs(jobs, steps=steps, title="refitting without each problem", workers=workers)
    if done.refused:
        name, why = next(iter(done.refused.items()))
        unchecked[CONCLUSIONS] = f"{len(done.refused)} of {len(jobs)} fits refused; {name}: {why}"
    refits = lint.refits_table(findings, remedies, versions, done.tables)
    tables = {"lint": lint.table_of(findings), "lint_rows": lint.rows_table(findings), "lint_refits": refits}
    return Report(findings, unchecked, tables)


def print_lint(console: "Console", found: Report, out: Path, *, synthetic: bool) -> None:
    """The findings by rank, a paragraph each; what was not checked; where the files are."""
    from rich.markup import escape

    from bayesmeta.robustness.lint import ALL, effect_of, paragraph

    refits, last = found.tables["lint_refits"], ""
    if synthetic:
        console.print("[bold red]SYNTHETIC[/bold red]")
    for rank, heading in RANKS.items():
        ranked = [(number, one) for number, one in enumerate(found.findings, 1) if one.rank == rank]
        console.print(f"{heading}{'' if ranked else ' (none)'}", highlight=False)
        for number, one in ranked:
            own = refits[refits["finding"] == str(number)]
            console.print(paragraph(number, one, own, reasons=one.code != last), highlight=False)
            last = one.code
    if len(together := refits[refits["finding"] == ALL]):
        console.print(f"[bold]Taken together[/bold]\n{effect_of(together)}", highlight=False)
    for what, why in found.unchecked.items():
        console.print(f"[dim]not checked: {escape(f'{what}: {why}')}[/dim]", highlight=False)
    files = "tables/lint.csv, tables/lint_rows.csv, tables/lint_refits.csv, provenance-lint.json"
    console.print(f"written to [bold]{escape(str(out))}[/bold]: {files}")
