"""What the console says: the data first, then the estimates, the verdict, and where the files are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bayesmeta.estimates.text import interval_text, number_text, probability_text

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def print_data(console: Console, design: "xr.Dataset", attrs: Mapping[Any, Any], left_out: Sequence[str]) -> None:
    """One line that says what is analysed and whether it is real, then what a reader must know about it."""
    sizes = design.sizes
    real = "[bold red]SYNTHETIC[/bold red] " if attrs.get("synthetic") else ""
    dataset = escape(str(attrs["dataset"]))
    places = sorted({source["found_in"] for source in attrs.get("sources", [])})
    found = f", from {', '.join(places)}" if places else ""
    variant = f" ({attrs['variant']})" if attrs.get("variant") else ""
    console.print(
        f"{real}[bold]{dataset}[/bold]{variant}: {sizes['effect']} effects, {sizes['group']} groups, "
        f"{sizes['study']} studies, {sizes['term']} terms{found}",
        highlight=False,
    )
    for note in attrs.get("notes", []):
        console.print(f"[dim]note: {escape(note)}[/dim]", highlight=False)
    if left_out:
        names = escape(", ".join(left_out))
        console.print(f"[yellow]left out, their cells are empty here: {names}[/yellow]", highlight=False)


def print_sizes(
    console: Console, sizes: "pd.DataFrame", flow: "pd.DataFrame | None", attrs: Mapping[Any, Any], out: Path
) -> None:
    """Sizes of a dataset by cell, species and comparison, and how many raw rows each step left out."""
    title = f"{'SYNTHETIC  ' if attrs.get('synthetic') else ''}{attrs['title']}"
    console.print(_whole(sizes, title))
    if flow is not None:
        console.print(_whole(flow.groupby(["step", "reason"], sort=False)["rows"].sum().reset_index(), "Rows by step"))
    for note in attrs.get("notes", []):
        console.print(f"[dim]note: {escape(note)}[/dim]", highlight=False)
    console.print(
        f"written to [bold]{escape(str(out))}[/bold]: effects.csv, effects.parquet, sizes.csv, provenance.json"
    )


def _whole(rows: "pd.DataFrame", title: str) -> Table:
    table = Table(*rows.columns, title=title, title_justify="left")
    for row in rows.itertuples(index=False):
        table.add_row(*map(str, row))
    return table


def print_fit(
    console: Console,
    tables: Mapping[str, "pd.DataFrame"],
    diagnostics: Mapping[str, Any],
    out: Path,
    *,
    synthetic: bool,
) -> None:
    """Cells, contrasts, taus and I^2, the verdict, the files."""
    mark = "SYNTHETIC  " if synthetic else ""
    console.print(_estimates(tables["terms"], "term", f"{mark}Means with 95 % credible intervals"))
    differences = tables["contrasts"][~tables["contrasts"]["contrast"].isin(tables["terms"]["term"])]
    if len(differences):
        console.print(_estimates(differences, "contrast", f"{mark}Contrasts"))
    if "discrepancies" in tables:
        _print_sides(console, tables)
    console.print(_heterogeneity(tables["heterogeneity"], f"{mark}Heterogeneity"))
    if "parameters" in tables:
        console.print(_parameters(tables["parameters"], f"{mark}Other parameters"))
    for warning in diagnostics["warnings"]:
        console.print(f"[yellow]note: {warning}[/yellow]", highlight=False)
    for failure in diagnostics["failures"]:
        console.print(f"[bold red]failed: {escape(failure)}[/bold red]", highlight=False)
    verdict = "[green]diagnostics passed[/green]" if diagnostics["passed"] else "[red]diagnostics failed[/red]"
    console.print(
        f"{verdict}: {diagnostics['divergences']} divergences, R-hat at most {diagnostics['max_r_hat']:.4f}, bulk ESS "
        f"at least {diagnostics['min_ess_bulk']:.0f}, tail ESS at least {diagnostics['min_ess_tail']:.0f}",
        highlight=False,
    )
    files = "posterior.nc, tables/, figures/, diagnostics.json, provenance.json"
    console.print(f"written to [bold]{escape(str(out))}[/bold]: {files}")


def print_comparison(console: Console, tables: Mapping[str, "pd.DataFrame"], out: Path, *, synthetic: bool) -> None:
    """Both schools by term and tau, the level structures, the files."""
    mark = "SYNTHETIC  " if synthetic else ""
    table = Table("term", "REML", "95 % interval", "Bayes", "95 % interval", "shift", "why", title_justify="left")
    table.title = f"{mark}Two schools (shift in standard errors)"
    for row in tables["comparison"].to_dict("records"):
        reml = interval_text(row["ci_lb"], row["ci_ub"])
        bayes = interval_text(row["cri_lb"], row["cri_ub"])
        shift = f"{row['shift']:+.2f}"
        table.add_row(
            row["term"], number_text(row["estimate"]), reml, number_text(row["mean"]), bayes, shift, row["why"]
        )
    console.print(table)
    console.print(_whole(tables["levels"].round(2), f"{mark}Four levels against three"))
    console.print(
        f"written to [bold]{escape(str(out))}[/bold]: comparison.html, tables/, figures/, provenance-comparison.json"
    )


def _print_sides(console: Console, tables: Mapping[str, "pd.DataFrame"]) -> None:
    """A sentence per discrepancy, and how probable each phenotype is on both sides."""
    for row in tables["discrepancies"].to_dict("records"):
        console.print(
            f"[bold]{row['contrast']}[/bold]: {row['conclusion'].replace('[', chr(92) + '[')}", highlight=False
        )
    if "concordance" in tables:
        joint = tables["concordance"].query("statement in ('both', 'all') or p.isna()")
        table = Table("phenotype", "probability on every side", title="Concordance", title_justify="left")
        for row in joint.to_dict("records"):
            table.add_row(row["phenotype"], _certainty(row))
        console.print(table)


def _certainty(row: Mapping[Any, Any]) -> str:
    """A probability that never rounds to certainty, or what is missing."""
    if row["p"] != row["p"]:
        return str(row["statement"])
    return probability_text(row["p"])


def _estimates(rows: "pd.DataFrame", key: str, title: str) -> Table:
    table = Table(key, "mean", "sd", "95 % interval", "P(> 0)", title=title, title_justify="left")
    for row in rows.to_dict("records"):
        interval = interval_text(row["ci_lb"], row["ci_ub"])
        p = probability_text(row["p_positive"])
        table.add_row(escape(row[key]), number_text(row["mean"]), number_text(row["sd"]), interval, p)
    return _right_aligned(table)


def _heterogeneity(rows: "pd.DataFrame", title: str) -> Table:
    table = Table("level", "tau", "95 % interval", "I² (%)", "95 % interval", title=title, title_justify="left")
    for row in rows.to_dict("records"):
        tau = interval_text(row["tau_ci_lb"], row["tau_ci_ub"])
        i2 = interval_text(row["i2_ci_lb"], row["i2_ci_ub"], 1)
        table.add_row(row["level"], number_text(row["tau_mean"]), tau, number_text(row["i2_mean"], 1), i2)
    return _right_aligned(table)


def _parameters(rows: "pd.DataFrame", title: str) -> Table:
    table = Table("parameter", "mean", "sd", "95 % interval", title=title, title_justify="left")
    for row in rows.to_dict("records"):
        interval = interval_text(row["ci_lb"], row["ci_ub"])
        table.add_row(escape(row["parameter"]), number_text(row["mean"]), number_text(row["sd"]), interval)
    return _right_aligned(table)


def _right_aligned(table: Table) -> Table:
    for column in table.columns[1:]:
        column.justify = "right"
    return table
