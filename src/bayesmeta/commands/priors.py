"""`bayesmeta priors`: informed priors, listed and drawn."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
from rich.console import Console

from bayesmeta import __version__
from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.options import Catalogue
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec.informed import Informed, informed_priors

if TYPE_CHECKING:
    from bayesmeta.output.figures.saving import Format

MOST_DRAWN = 12


def run_priors(options: Catalogue, console: Console, *, as_json: bool = False) -> int:
    """Print the informed priors whose names, fields or sources hold a text; draw them.

    Return the exit code. Raise BadInput if there are none, or too many to draw.
    """
    entries = entries_matching(options.search)
    table = pd.DataFrame(entries)
    if options.draw is not None:
        draw(entries, options.draw)
    printer = Printer(console)
    if as_json:
        print(table.to_json(orient="records"))
        return 0
    columns = ("name", "effect", "tau", "source")
    rows = [(x.name, *texts_of(x), f"{x.source}, doi {x.doi}") for x in entries]
    printer.table(f"{len(entries)} informed priors", columns, rows)
    printer.line(f"Use one: bayesmeta fit --prior {entries[0].name}")
    if options.draw is not None:
        printer.line(f"written to {options.draw}")
    return 0


def texts_of(entry: Informed) -> tuple[str, ...]:
    """Return the priors of effect and tau as text, a dash where there is none."""
    priors = entry.priors()
    return tuple(str(priors.get(key, "-")) for key in ("effect", "tau"))


def entries_matching(search: str | None) -> list[Informed]:
    """Return the priors with a text in name, field or source; all without one."""
    text = (search or "").lower()
    entries = [
        x for x in informed_priors() if text in " ".join((x.name, x.field, x.source)).lower()
    ]
    if not entries:
        raise BadInput(f"no informed prior has '{search}' in its name; bayesmeta priors lists all")
    return entries


def draw(entries: list[Informed], path: Path) -> None:
    """Draw the densities of some priors into a PNG, SVG or PDF file."""
    if len(entries) > MOST_DRAWN:
        most = f"{len(entries)} priors are too many to draw; at most {MOST_DRAWN}"
        raise BadInput(f"{most}: bayesmeta priors cochrane:smd:schizophrenia --draw {path}")
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise BadInput(f"--draw is {path}; it should be a file .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise BadInput(f"the folder of --draw {path} does not exist; make it first")
    from bayesmeta.output.figures.informed import draw_informed
    from bayesmeta.output.figures.saving import save

    figure = draw_informed(entries, title="Informed priors")
    kind = cast("Format", path.suffix[1:])
    about: dict[str, Any] = {"synthetic": False, "source": f"bayesmeta {__version__}"}
    save(figure, path.with_suffix(""), pd.DataFrame(entries), formats=(kind,), **about)
