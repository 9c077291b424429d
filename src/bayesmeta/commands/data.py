"""`bayesmeta data`: sizes and studies of a dataset, and the origin of its rows."""

from pathlib import Path

import pandas as pd
from rich.console import Console

from bayesmeta.commands.console.tables import print_sizes
from bayesmeta.commands.options import Listing, Options
from bayesmeta.commands.outcome import Outcome, finish
from bayesmeta.commands.run import Task
from bayesmeta.data import datasets
from bayesmeta.data.characteristics import characteristics_table
from bayesmeta.data.datasets import DATASETS
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output.folders.data import write_data, write_listing
from bayesmeta.screening import choose_moderators

Tables = dict[str, pd.DataFrame]


def run_data(options: Listing, out: Path | None, console: Console, *, as_json: bool = False) -> int:
    """Print the sizes of a dataset and write its effects; return the exit code, 0.

    Written are effects.csv, effects.parquet, sizes.csv, flow.csv (of raw sheets, by search) and
    provenance.json; tables/, figures/ and provenance-data.json as `compute` has them.
    """
    name = options.dataset
    frame = datasets.read(name, variant=options.variant)
    variant = frame.attrs["variant"]

    def compute() -> Outcome:
        tables = data_tables(frame, name, variant)
        flow = datasets.flow(name, variant=variant) if "flow" in tables else None
        return Outcome(
            write=lambda folder: write_listing(folder, tables, frame, flow),
            show=lambda printer: print_sizes(printer, tables["sizes"], flow, frame.attrs),
            record="provenance.json",
        )

    choices = {"dataset": name, "variant": variant}
    out = out or Path("reports") / name / "data"
    return finish(compute, out, choices, frame.attrs, Steps(console), console, as_json=as_json)


def compute(task: Task[Options]) -> Outcome:
    """Describe the table that is analysed; a part of a report."""
    inputs = task.inputs
    with task.steps("counting studies and rows"):
        tables = data_tables(inputs.frame, inputs.dataset, inputs.frame.attrs.get("variant"))
    return Outcome(
        write=lambda folder: write_data(folder, tables),
        show=lambda printer: None,
        record="provenance-data.json",
    )


def data_tables(frame: pd.DataFrame, dataset: str, variant: str | None) -> Tables:
    """Return the tables that describe an effect table before any model, by file name.

    They are `sizes` (by the groupings of a named dataset, else by categorical moderators) and
    `characteristics`; of the TRACE record also `flow` and, if studies were assessed,
    `risk_of_bias_items` (`risk_of_bias` is a table of `bayesmeta compare`). `frame` is complete or
    has the rows that a query keeps. Raise BadInput if a raw file is absent or not as expected.
    """
    moderators = moderators_of(frame)
    categories = [[name] for name in moderators if frame[name].dtype == "category"]
    known = DATASETS.get(dataset)
    if known is None:
        studies = characteristics_table(frame, moderators)
        return {"sizes": sizes_by(frame, categories), "characteristics": studies}
    groupings = [list(names) for names in known.groupings if set(names) <= set(frame.columns)]
    tables = {"sizes": sizes_by(frame, groupings or categories)}
    if known.tables:
        tables |= known.tables(frame, str(variant or known.default_variant))
    kinds = [known.kind] if known.kind and known.kind in frame.columns else []
    columns = list(dict.fromkeys([*kinds, *moderators]))
    return tables | {"characteristics": characteristics_table(frame, columns, known.words)}


def moderators_of(frame: pd.DataFrame) -> list[str]:
    """Return the moderators that a screening would use; an empty list if there are none."""
    try:
        return choose_moderators(frame)[0]
    except BadInput:
        return []


def sizes_by(frame: pd.DataFrame, groupings: list[list[str]]) -> pd.DataFrame:
    """Return by (`valence:phase`), value (`fear:memory`), k (effects), groups, studies.

    The last column is groups_percent, of all groups of the table; a group may be in several values.
    """
    parts = [
        (":".join(names), ":".join(map(str, values)), part)
        for names in groupings
        if set(names) <= set(frame.columns)
        for values, part in frame.groupby(names, observed=True)
    ]
    rows = []
    for by, value, part in [*parts, ("all", "all", frame)]:
        rows.append((by, value, len(part), part["group"].nunique(), part["study"].nunique()))
    table = pd.DataFrame(rows, columns=["by", "value", "k", "groups", "studies"])
    return table.assign(groups_percent=(100 * table["groups"] / table["groups"].iloc[-1]).round(1))
