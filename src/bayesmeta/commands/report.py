"""`bayesmeta report`: the complete analysis on one page, of what other commands wrote."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from bayesmeta.commands.console.estimates import print_report
from bayesmeta.commands.fit import keeping_posteriors
from bayesmeta.commands.options import (
    Averaging,
    Comparison,
    Machine,
    Options,
    Output,
    Reporting,
    Request,
    Sampling,
    Screening,
)
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.report_stamp import RECORD, keep_report
from bayesmeta.commands.request import Inputs, read_inputs
from bayesmeta.commands.run import Task, default_folder, run
from bayesmeta.infrastructure.choices import Likelihood
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Aside
from bayesmeta.output.folders.folder import Folder
from bayesmeta.output.folders.page import write_directions_report, write_report
from bayesmeta.output.folders.protection import page_files
from bayesmeta.output.folders.staging import staging
from bayesmeta.output.pages import read_results
from bayesmeta.robustness.refinements import refinements_table, supported_model

INDISPENSABLE = "fit"
SUPPORTED = "supported"
LIVE = "live"
LABELS = ["effect", "group"]  # of directions, not shown on the page


@dataclass(frozen=True)
class Part:
    """A command as a part of the report, with its table and model.

    Attributes
    ----------
    provenance : the file that the command writes last.
    options : options on which the results depend, as the provenance holds them.
    run : run the command with a console, and return the exit code.
    """

    name: str
    request: Request
    provenance: Path
    options: dict[str, Any]
    run: Callable[[Console], int]

    def outputs(self) -> set[Path]:
        """Return the files that the command left."""
        record = self._record()
        folder = self.provenance.parent
        paths = [
            folder / name for name in record.get("outputs", []) if ".." not in Path(name).parts
        ]
        return {self.provenance, *paths} if record else set()

    def is_fresh(self, sha256: str) -> bool:
        """Return whether complete results of these inputs and options exist."""
        record = self._record()
        expected = json.loads(json.dumps(self.options)) | {"inputs_sha256": sha256}
        if any(record.get(name) != value for name, value in expected.items()):
            return False
        return all(path.is_file() for path in self.outputs())

    def _record(self) -> dict[str, Any]:
        try:
            record = json.loads(self.provenance.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) and "outputs" in record else {}


def compute(task: Task[Reporting]) -> Outcome:
    """Run every part that is missing or outdated, and read the results of all parts.

    Finished parts are kept: the same command continues after it was stopped. The page gives the
    reason why a part cannot be done.
    """
    sampling = task.options.sampling
    parts = parts_of(task.request, sampling, task.out, task.machine, supported_of(task))
    if not task.options.live:
        parts = [part for part in parts if part.name != LIVE]
    if task.inputs.has_directions:
        parts = [part for part in parts if part.name == INDISPENSABLE]
    with keeping_posteriors():
        done = run_parts(parts, task.inputs, task.out, task.console)
    results = read_results(task.out)
    if not task.options.live:  # a page of an earlier run is not linked to
        kept = {name: record for name, record in results.provenance.items() if name != LIVE}
        results = replace(results, provenance=kept)

    def write(folder: Folder) -> None:
        if task.inputs.has_directions:
            write_directions_report(folder, results, done, task.inputs.frame.drop(columns=LABELS))
        else:
            write_report(folder, results, done)

    return Outcome(
        write=write,
        show=lambda printer: print_report(printer, results.diagnostics),
        record=RECORD,
        passed=bool(results.diagnostics.get("passed")),
        after=lambda code: keep_report(
            task.request,
            task.options,
            task.out,
            code,
            is_default=task.out == default_folder(task.inputs, task.options),
            matrices=task.inputs.spec.files,
        ),
    )


def supported_of(task: Task[Reporting]) -> Request | None:
    """Return the request with the model that the data support; None if it is the requested one."""
    if task.inputs.has_directions:
        return None
    frame, design, spec = task.inputs.frame, task.inputs.design, task.inputs.spec
    with task.steps("the model that the data support"):
        supported = supported_model(refinements_table(frame, design, spec), spec)
    if supported == spec:
        return None
    likelihood: Likelihood | None = "t" if supported.likelihood == "t" else None
    return replace(task.request, likelihood=likelihood, levels=",".join(supported.levels))


def parts_of(
    request: Request, sampling: Sampling, out: Path, machine: Machine, supported: Request | None
) -> list[Part]:
    """Return the commands of a report in the order in which they run.

    The model that the data support is fitted beside the requested one, into a folder of its name.
    """

    def part(
        verb: str,
        record: str,
        options: Options,
        request: Request = request,
        out: Path = out,
        name: str = "",
    ) -> Part:
        def start(console: Console) -> int:
            return run(verb, request, options, out, console, machine, Output(overwrite=True))

        return Part(name or verb, request, out / record, asdict(options), start)

    screened = replace(request, model="intercept", moderators=None)
    screening = Screening(seed=sampling.seed)
    beside = []
    if supported is not None:
        drawn = replace(sampling, sampler="quadrature")
        folder = out / SUPPORTED
        beside = [part("fit", "provenance.json", drawn, supported, folder, SUPPORTED)]
    return [
        part("fit", "provenance.json", sampling),
        *beside,
        part("data", "provenance-data.json", Options()),
        part("compare", "provenance-comparison.json", Comparison()),
        part("check", "provenance-check.json", sampling),
        part("lint", "provenance-lint.json", Options()),
        part("multiverse", "provenance-multiverse.json", Options()),
        part("average", "provenance-average.json", Averaging(seed=sampling.seed)),
        part("screen", "provenance-screen.json", screening, screened, out / "screening"),
        part(LIVE, "provenance-live.json", Options()),
    ]


def run_parts(parts: list[Part], inputs: Inputs, out: Path, console: Console) -> pd.DataFrame:
    """Run the parts that are not fresh.

    Files that a part left from other inputs are removed when it has run or was refused. Columns:
    part, state (done, kept, not done), reason, seconds.
    """
    rows = []
    for number, part in enumerate(parts, 1):
        start = time.perf_counter()
        part_inputs = inputs if part.request == parts[0].request else read_inputs(part.request)
        label = f"{number}/{len(parts)} {part.name}"
        state = "kept"
        reason = ""
        if not part.is_fresh(part_inputs.sha256):
            console.print(f"[bold]{label}[/bold]", highlight=False)
            if part.provenance.parent != out:
                _remove_page(out)
            state, reason = run_part(part, out, console)
        seconds = time.perf_counter() - start
        text = ": ".join(filter(None, [label, state, reason]))
        console.print(f"{text} ({seconds:.0f} s)", highlight=False, markup=False)
        rows.append((part.name, state, reason, round(seconds, 1)))
    return pd.DataFrame(rows, columns=["part", "state", "reason", "seconds"])


def _remove_page(out: Path) -> None:
    """Remove the page of a report in a folder, because what it shows changes."""
    if page := page_files(out):
        with staging(out, without=page):
            pass


def run_part(part: Part, out: Path, console: Console) -> tuple[str, str]:
    """Run a part; return its state, and the reason if it is not done, without old results then.

    The output of the command is added to report.log. Raise BadInput if the model cannot be fitted.
    """
    before = part.outputs()
    reason = ""
    printed = StringIO()
    try:
        part.run(Aside(console, printed))
    except BadInput as error:
        if part.name == INDISPENSABLE:
            raise
        reason = str(error)
    else:
        with (out / "report.log").open("a", encoding="utf-8") as log:
            log.write(f"== {part.name}\n{printed.getvalue()}\n")
    folder = part.provenance.parent
    if reason and folder.is_dir():
        with staging(folder, without=before):
            pass
    return "not done" if reason else "done", reason
