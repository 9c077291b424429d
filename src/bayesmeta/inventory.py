"""What a dataset holds: sizes by cell, species and comparison, and where its rows came from."""

from pathlib import Path
from typing import TYPE_CHECKING

from bayesmeta.provenance import hashes, provenance_of, write_json

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

CELLS = ["valence", "phase"]


def run_data(dataset: str, variant: str, out: Path | None, console: "Console") -> int:
    """Print a dataset's sizes; write effects.csv, effects.parquet, sizes.csv, flow.csv and provenance.json; gives 0."""
    from bayesmeta import studies, summary
    from bayesmeta.report import staging

    frame = studies.read(dataset, variant=variant)
    out = out or Path("reports") / dataset / "data"
    sizes = sizes_by(frame, [CELLS, ["species"], ["comparison"]])
    flow = None if frame.attrs["synthetic"] else studies.flow(dataset, variant=variant)
    with staging(out) as folder:
        frame.to_csv(folder / "effects.csv", index=False)
        frame.to_parquet(folder / "effects.parquet", index=False)
        sizes.to_csv(folder / "sizes.csv", index=False)
        if flow is not None:
            flow.to_csv(folder / "flow.csv", index=False)
        provenance = provenance_of({"dataset": dataset, "variant": variant}, frame.attrs)
        write_json(folder / "provenance.json", provenance | {"outputs": hashes(folder)})
    summary.print_sizes(console, sizes, flow, frame.attrs, out)
    return 0


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
