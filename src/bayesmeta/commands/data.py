"""What a dataset holds: sizes by cell, species and comparison, its studies, and where its rows came from."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bayesmeta.commands.request import Request, show_inputs
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import hashes, provenance_of, write_json

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

CELLS = ["valence", "phase"]


def run_data(dataset: str, variant: str, out: Path | None, console: "Console") -> int:
    """Print a dataset's sizes; write its effects, its tables and figures, and provenance; gives 0.

    effects.csv, effects.parquet, sizes.csv, flow.csv (of the raw sheets, by search), provenance.json; tables/,
    figures/ and provenance-data.json as `report.write_data` does.
    """
    from bayesmeta.commands import console as summary
    from bayesmeta.data import datasets
    from bayesmeta.output.folders import staging, write_data

    frame = datasets.read(dataset, variant=variant)
    out = out or Path("reports") / dataset / "data"
    steps = Steps(console)
    tables = data_tables(frame, dataset, variant)
    flow = datasets.flow(dataset, variant=variant) if "flow" in tables else None
    provenance = provenance_of({"dataset": dataset, "variant": variant}, frame.attrs)
    with staging(out) as folder:
        write_data(folder, tables, provenance, steps)
        frame.to_csv(folder / "effects.csv", index=False)
        frame.to_parquet(folder / "effects.parquet", index=False)
        tables["sizes"].to_csv(folder / "sizes.csv", index=False)
        if flow is not None:
            flow.to_csv(folder / "flow.csv", index=False)
        write_json(folder / "provenance.json", provenance | {"outputs": hashes(folder)})
    summary.print_sizes(console, tables["sizes"], flow, frame.attrs, out)
    return 0


def run_characteristics(request: Request, out: Path | None, console: "Console") -> int:
    """Write the tables and figures of what is analysed beside its results, as a part of a report; gives 0.

    Raises
    ------
    BadInput
        Anything about the data cannot be used; nothing is written then.
    """
    from rich.markup import escape

    from bayesmeta.output.folders import staging, write_data

    steps = Steps(console)
    inputs = show_inputs(request, steps, console)
    out = inputs.folder(out)
    provenance = provenance_of(asdict(request) | inputs.choices(out, seed=None), inputs.frame.attrs)
    with steps("counting studies and rows"):
        tables = data_tables(inputs.frame, inputs.dataset, inputs.frame.attrs.get("variant"))
    with staging(out) as folder:
        write_data(folder, tables, provenance, steps)
    console.print(f"written to [bold]{escape(str(out))}[/bold]: tables/, figures/, provenance-data.json")
    return 0


def data_tables(frame: "pd.DataFrame", dataset: str, variant: str | None) -> dict[str, "pd.DataFrame"]:
    """What can be said of an effect table before any model, by the name of the file.

    Parameters
    ----------
    frame : DataFrame
        Effect table, whole or the rows that a query keeps.
    dataset : str
        Its name, or a file's.
    variant : str, optional
        Of a TRACE dataset.

    Returns
    -------
    dict
        `sizes` (`sizes_by` cell, species and comparison; without these by each moderator that is a category) and
        `characteristics`; of the TRACE record also `flow` and, where any study was assessed, `risk_of_bias_items`
        (`risk_of_bias` is a table of `bayesmeta compare`).

    Raises
    ------
    BadInput
        A raw file is absent or not as expected.
    """
    from bayesmeta.data.characteristics import characteristics_table
    from bayesmeta.data.datasets import DATASETS

    moderators = _moderators(frame)
    named = [CELLS, ["species"], ["comparison"]]
    if not any(set(names) <= set(frame) for names in named):
        named = [[name] for name in moderators if frame[name].dtype == "category"]
    tables = {"sizes": sizes_by(frame, named)}
    known = DATASETS.get(dataset)
    if known and known.tables:
        tables |= known.tables(frame, variant or known.default_variant or "")
    words = known.words if known else {}
    first = [name for name in ("species",) if name in frame and name not in moderators]
    return tables | {"characteristics": characteristics_table(frame, [*first, *moderators], words)}


def _moderators(frame: "pd.DataFrame") -> list[str]:
    """Those that a screening would look at; none where the table has none."""
    from bayesmeta.screening import choose_moderators

    try:
        return choose_moderators(frame)[0]
    except BadInput:
        return []


def sizes_by(frame: "pd.DataFrame", groupings: list[list[str]]) -> "pd.DataFrame":
    """Effects k, groups and studies for each value of each grouping that the table has, and in all.

    Returns
    -------
    DataFrame
        by (`valence:phase`), value (`fear:memory`), k, groups, studies.
    """
    import pandas as pd

    rows = []
    for names in (names for names in groupings if set(names) <= set(frame.columns)):
        for values, part in frame.groupby(names, observed=True):
            rows.append(_sizes(part, ":".join(names), ":".join(map(str, values))))
    return pd.DataFrame([*rows, _sizes(frame, "all", "all")])


def _sizes(part: "pd.DataFrame", by: str, value: str) -> dict[str, object]:
    return {
        "by": by,
        "value": value,
        "k": len(part),
        "groups": part["group"].nunique(),
        "studies": part["study"].nunique(),
    }
