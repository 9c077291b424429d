"""What data, init, predict, screen and interpret print."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.console.scales import scale_cells, scale_heading, scale_interval
from bayesmeta.estimates.text import estimate_text, interval_text, number_text, probability_text

MAX_ROWS = 20  # predictions on the console; the file has all
MAX_COLUMNS = 40  # columns of a file on the console


def print_sizes(
    printer: Printer, sizes: pd.DataFrame, flow: pd.DataFrame | None, attrs: Mapping[Any, Any]
) -> None:
    """Print the sizes of a dataset by its groupings, and the raw rows left out at every step."""
    printer.frame(attrs["title"], sizes)
    if flow is not None:
        steps = flow.groupby(["step", "reason"], sort=False)["rows"].sum().reset_index()
        printer.frame("Rows by step", steps)
    for note in attrs.get("notes", []):
        printer.note(note)


def print_columns(printer: Printer, title: str, table: pd.DataFrame, notes: Iterable[str]) -> None:
    """Print the role of every column of a file, and notes."""
    places = [place for place, name in enumerate(table.columns) if name != "missing"]
    rows = table.head(MAX_COLUMNS).itertuples(index=False)
    printer.table(title, list(table.columns), rows, left=places)
    if len(table) > MAX_COLUMNS:
        printer.line(f"and {len(table) - MAX_COLUMNS} more columns")
    for note in notes:
        printer.note(note)


def print_predictions(
    printer: Printer, table: pd.DataFrame, missing: int, absolute: pd.DataFrame | None = None
) -> None:
    """Print means and prediction intervals of the first rows, warnings, and persons per 1000."""
    columns = [str(name) for name in table]
    names = columns[: columns.index("mean")]
    lower = [name for name in columns if name.startswith("pi_") and name.endswith("_lb")]
    heads = [f"new {name.removeprefix('pi_').removesuffix('_lb')}" for name in lower]
    scaled = scale_heading(table)
    rows = []
    for row in table[:MAX_ROWS].to_dict("records"):
        texts = label_cells(row, names)
        mean = estimate_text(row["mean"], row["ci_lb"], row["ci_ub"])
        limits = [interval_text(row[name], row[f"{name[:-3]}_ub"]) for name in lower]
        transformed = scale_cells(row)
        if transformed:
            transformed += [scale_interval(row, name, f"{name[:-3]}_ub") for name in lower]
        rows.append((*texts, mean, *limits, *transformed))
    columns = [*names, "mean [95 %]", *heads, *scaled, *(heads if scaled else [])]
    printer.table("Predicted", columns, rows, left=range(len(names)))
    if len(table) > MAX_ROWS:
        printer.line(f"and {len(table) - MAX_ROWS} more rows")
    if missing:
        text = f"not predicted, because the model has no effects in these cells: {missing} rows"
        printer.line(text, "yellow")
    outside = table["outside"][table["outside"] != ""]
    if len(outside):
        numbers = ", ".join(sorted(set(", ".join(outside).split(", "))))
        text = f"beyond the range of the data in {numbers}: {len(outside)} rows"
        printer.line(text, "yellow")
    if absolute is not None:
        print_absolute(printer, absolute)


def label_cells(row: Mapping[Any, Any], names: Iterable[str]) -> list[str]:
    """Return the moderators of a row, numbers with four digits."""
    values = [row[name] for name in names]
    return [f"{value:.4g}" if isinstance(value, float) else str(value) for value in values]


def print_absolute(printer: Printer, table: pd.DataFrame) -> None:
    """Print persons with an event per 1000 at baseline risks."""
    names = list(map(str, table))
    labels = names[: names.index("k")]
    rows = []
    for row in table[:MAX_ROWS].to_dict("records"):
        texts = label_cells(row, labels)
        counts = [str(row["studies"]), f"{row['baseline_per_1000']:.0f}"]
        treated = persons(row, "per_1000")
        new = f"[{row['per_1000_pi_lb']:.0f}, {row['per_1000_pi_ub']:.0f}]"
        rows.append((*texts, *counts, treated, new, persons(row, "difference_per_1000", sign="+")))
    heads = ["studies", "without", "with treatment [95 %]", "new study", "difference [95 %]"]
    title = "Persons with an event per 1000, without and with treatment"
    printer.table(title, [*labels, *heads], rows, left=range(len(labels)))


def persons(row: Mapping[Any, Any], name: str, sign: str = "") -> str:
    """Return whole persons with their interval."""
    numbers = [f"{row[column]:{sign}.0f}" for column in (name, f"{name}_ci_lb", f"{name}_ci_ub")]
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]"


def print_screen(
    printer: Printer, tables: Mapping[str, pd.DataFrame], target: str, folds: str, command: str
) -> None:
    """Print the best forest, the importance, the leaves of the tree, and the command to follow."""
    best = tables["r2cv"].iloc[0]
    printer.line(
        f"forest of {target}, folds by {folds}: R2_cv {best['r2']:.2f} (sd {best['r2_sd']:.2f}), "
        f"1 - SSE/SST {best['r2_sse']:.2f}; {best['weights']} weights, {best['max_features']} "
        f"features, leaves of {best['min_samples_leaf']}"
    )
    rows = []
    for row in tables["importance"].to_dict("records"):
        numbers = (number_text(row["mean"], 3), interval_text(row["ci_lb"], row["ci_ub"], 3))
        rows.append((row["moderator"], *numbers, probability_text(row["p_rank_1"])))
    printer.table("Importance", ("moderator", "importance", "95 % interval", "P(first)"), rows)
    for row in tables["tree"][tables["tree"]["leaf"]].to_dict("records"):
        mean = estimate_text(row["estimate"], row["ci_lb"], row["ci_ub"])
        size = f"{row['k']} effects of {row['studies']} studies"
        printer.line(f"leaf {row['node']}: {row['split']}: {mean}, {size}")
    printer.line(f"to test them with the hierarchical model: {command}")
