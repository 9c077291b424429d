"""The whole analysis on one page: run what is missing, keep what is there, write index.html."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta.commands.check import run_check
from bayesmeta.commands.compare import run_compare
from bayesmeta.commands.data import run_characteristics
from bayesmeta.commands.fit import Sampling, of_directions, read_directions, run_fit
from bayesmeta.commands.lint import run_lint
from bayesmeta.commands.multiverse import run_multiverse
from bayesmeta.commands.request import Inputs, Request, read_inputs, show_inputs
from bayesmeta.commands.screen import Screening, run_screen
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Aside, Steps
from bayesmeta.infrastructure.provenance import provenance_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

INDISPENSABLE = "fit"


@dataclass(frozen=True)
class Part:
    """One command as a part of the report.

    Attributes
    ----------
    name : of the command
    request : what is asked of it
    provenance : the file that it writes last
    options : what else its results depend on, as provenance has them
    run : with a console, gives the exit code
    """

    name: str
    request: Request
    provenance: Path
    options: dict[str, Any]
    run: "Callable[[Console], int]"

    def outputs(self) -> set[Path]:
        """Files that it left."""
        said = self._said()
        return {self.provenance, *(self.provenance.parent / name for name in said["outputs"])} if said else set()

    def is_fresh(self, sha256: str) -> bool:
        """Whether it left results of these inputs and options, and all of them are there."""
        said, wanted = self._said(), json.loads(json.dumps(self.options))
        same = said.get("inputs_sha256") == sha256 and all(said.get(name) == value for name, value in wanted.items())
        return same and all(path.is_file() for path in self.outputs())

    def _said(self) -> dict[str, Any]:
        try:
            said = json.loads(self.provenance.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) and "outputs" in said else {}


def run_report(
    request: Request, how: Sampling, out: Path | None, console: "Console", *, workers: int | None = None
) -> int:
    """Run every part that is missing or out of date, then write index.html and provenance-folders.json.

    A part that is done is kept: the same command continues after it was stopped. A part that cannot be done says why,
    on the page too.

    Returns
    -------
    int
        0, or 1 when the sampler's diagnostics failed (all is written and the console says which).

    Raises
    ------
    BadInput
        The model cannot be fitted; nothing is written then.
    """
    from rich.markup import escape

    steps, directions = Steps(console), of_directions(request)
    inputs = read_directions(request) if directions else show_inputs(request, steps, console)
    out = inputs.folder(out)
    with steps("starting JAX and PyMC"):
        from bayesmeta.output import folders, pages

    parts = parts_of(request, how, out, workers)
    done = run_parts([part for part in parts if part.name == "fit" or not directions], inputs, out, console)
    with folders.staging(out) as folder:
        results = pages.read_results(out)
        provenance = provenance_of(asdict(request) | asdict(how) | inputs.choices(out), inputs.frame.attrs)
        if directions:
            own = {"rows": inputs.frame.drop(columns=["effect", "group"]), "parts": done}
            folders.write_directions_report(folder, results, own, provenance, steps)
        else:
            folders.write_report(folder, results, done, provenance, steps)
    console.print(f"written to [bold]{escape(str(out / 'index.html'))}[/bold]; what each part said is in folders.log")
    passed = bool(results.diagnostics.get("passed"))
    if not passed:
        console.print(f"[bold red]diagnostics failed[/bold red]: {'; '.join(results.diagnostics.get('failures', []))}")
    return 0 if passed else 1


def parts_of(request: Request, how: Sampling, out: Path, workers: int | None) -> list[Part]:
    """The commands of a report in the order in which they run."""
    screened, screening = replace(request, model="intercept", moderators=None), Screening(seed=how.seed)
    apart = out / "screening"
    refitting: dict[str, Any] = {"workers": workers}

    def part(name: str, noun: str, run: "Callable[[Console], int]", **options: Any) -> Part:
        return Part(name, request, out / f"provenance{noun}.json", options, run)

    return [
        part("fit", "", lambda told: run_fit(request, how, out, told), **asdict(how)),
        part("data", "-data", lambda told: run_characteristics(request, out, told)),
        part("compare", "-comparison", lambda told: run_compare(request, out, told), test="z"),
        part("check", "-check", lambda told: run_check(request, how, out, told, **refitting), **asdict(how)),
        part("lint", "-lint", lambda told: run_lint(request, out, told, **refitting)),
        part("multiverse", "-multiverse", lambda told: run_multiverse(request, out, told, **refitting)),
        replace(
            part("screen", "-screen", lambda told: run_screen(screened, screening, apart, told, **refitting)),
            request=screened,
            provenance=apart / "provenance-screen.json",
            options=asdict(screening),
        ),
    ]


def run_parts(parts: list[Part], inputs: Inputs, out: Path, console: "Console") -> "pd.DataFrame":
    """Run what is not fresh; part, state (done, kept, not done), reason, seconds.

    What a part left from other inputs is removed once it is run or refused.
    """
    import pandas as pd

    rows = []
    for number, part in enumerate(parts, 1):
        begun, before, state, reason = time.perf_counter(), part.outputs(), "done", ""
        own = inputs if part.request == parts[0].request else read_inputs(part.request)
        if part.is_fresh(own.sha256):
            state = "kept"
        else:
            console.print(f"[bold]{number}/{len(parts)} {part.name}[/bold]", highlight=False)
            try:
                _run_aside(part, out, console)
            except BadInput as error:
                if part.name == INDISPENSABLE:
                    raise
                state, reason = "not done", str(error)
            for path in before - (part.outputs() if state == "done" else set()):
                path.unlink(missing_ok=True)
        seconds = time.perf_counter() - begun
        told = f"{state}{': ' if reason else ''}{reason}"
        console.print(f"{number}/{len(parts)} {part.name}: {told} ({seconds:.0f} s)", highlight=False, markup=False)
        rows.append({"part": part.name, "state": state, "reason": reason, "seconds": round(seconds, 1)})
    return pd.DataFrame(rows)


def _run_aside(part: Part, out: Path, console: "Console") -> None:
    """Run a part; what it says is added to folders.log."""
    said = StringIO()
    part.run(Aside(console, said))
    with (out / "report.log").open("a", encoding="utf-8") as log:
        log.write(f"== {part.name}\n{said.getvalue()}\n")
