"""`bayesmeta plot`: a picture of a fitted model, from a folder with posterior.nc."""

from pathlib import Path

from rich.console import Console

from bayesmeta.commands.options import Plotting
from bayesmeta.commands.outcome import Outcome, finish
from bayesmeta.commands.predict import provenance_of_fit, read_posterior
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output.figures.saving import FORMATS
from bayesmeta.output.folders.folder import Folder, title_of
from bayesmeta.output.pictures import draw_picture, heading_of


def run_plot(
    options: Plotting, out: Path | None, console: Console, *, as_json: bool = False
) -> int:
    """Draw a picture and write it with its tables; return the exit code, 0.

    Raise BadInput, and write nothing, if the folder or an option cannot be used.
    """
    steps = Steps(console)
    with steps("reading the posterior"):
        tree = read_posterior(options.results)
    folder = options.results if options.results.is_dir() else options.results.parent
    choices, attrs = provenance_of_fit(tree)
    title = options.title or f"{heading_of(options.kind)}: {title_of(choices)}"

    def compute() -> Outcome:
        with steps(f"drawing the {options.kind}"):
            picture = draw_picture(tree, options.kind, title, **options.of_kind())
        formats = (options.format,) if options.format else FORMATS

        def write(to: Folder) -> None:
            to.write_pages(".", options.kind, *picture, formats=formats, dpi=options.dpi)

        return Outcome(
            write=write,
            show=lambda printer: None,
            record=f"provenance-plot-{options.kind}.json",
        )

    given = {name: str(x) if isinstance(x, Path) else x for name, x in vars(options).items()}
    out = out or folder / "plots"
    return finish(
        compute, out, choices | given | {"out": str(out)}, attrs, steps, console, as_json=as_json
    )
