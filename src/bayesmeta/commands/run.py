"""The skeleton of a command: read, compute, write into a staged folder with provenance, print."""

from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from rich.console import Console

from bayesmeta.commands.console.printer import print_data
from bayesmeta.commands.options import Machine, Options, Output, Request
from bayesmeta.commands.request import Inputs, read_inputs
from bayesmeta.inference.conventions import SMALL_TABLE
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output.folders.protection import refuse_other_results

TAKES_DIRECTIONS = ("fit", "report")  # commands that accept directions without effect sizes


@dataclass(frozen=True)
class Task[O: Options]:
    """A command, the inputs that were read for it, and where it runs and writes."""

    request: Request
    inputs: Inputs
    options: O
    machine: Machine
    out: Path
    steps: Steps
    console: Console

    @property
    def workers(self) -> int | None:
        """Return the processes for refits: 1 for a small table, if the user gives no number."""
        small = self.inputs.design.sizes["effect"] < SMALL_TABLE
        return 1 if small and self.machine.workers is None else self.machine.workers


def run(
    verb: str,
    request: Request,
    options: Options,
    out: Path | None,
    console: Console,
    machine: Machine | None = None,
    output: Output = Output(),  # noqa: B008 (frozen)
) -> int:
    """Run a command that analyses a table; return its exit code.

    It is 0, or 1 if a diagnostic of the sampler failed; everything is written in both cases. The
    module `commands.<verb>` is imported after the table has been read: bad input is refused before
    the heavy libraries are loaded. Raise BadInput, and write nothing, if the request cannot be
    used.
    """
    steps = Steps(console)
    with steps("reading the data"):
        inputs = read_inputs(request, directions=verb in TAKES_DIRECTIONS)
    print_data(console, inputs.design, inputs.frame.attrs, inputs.left_out)
    out = out or default_folder(inputs, options)
    choices = {"seed": None} | asdict(request) | asdict(options) | inputs.choices(out)
    choices["requested_model"] = request.model  # a name or a file; None if it is the default
    choices["requested_dataset"] = request.dataset

    def refuse() -> None:
        if not output.overwrite:
            refuse_other_results(out, choices)

    refuse()
    name = "directions" if verb == "fit" and inputs.has_directions else verb
    with steps("loading libraries"):
        from bayesmeta.commands.outcome import Outcome, finish

        module = import_module(f"bayesmeta.commands.{name}")
    task = Task(request, inputs, options, machine or Machine(), out, steps, console)

    def compute() -> Outcome:
        refuse()  # again, now that no other run writes into the folder
        return module.compute(task)

    return finish(
        compute,
        out,
        choices,
        inputs.frame.attrs,
        steps,
        console,
        as_json=output.as_json,
    )


def default_folder(inputs: Inputs, options: Options) -> Path:
    """Return the folder of results if none is given."""
    return Path("reports") / inputs.dataset / (options.folder or inputs.spec.name)
