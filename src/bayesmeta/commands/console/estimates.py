"""What fit and compare print: estimates, heterogeneity, diagnostics."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.markup import escape

from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.console.scales import DASH, has_null, scale_cells, scale_heading
from bayesmeta.estimates.discrepancy import OF_EACH_SIDE, UNITS
from bayesmeta.estimates.text import (
    estimate_text,
    fine_digits,
    interval_text,
    number_text,
    probability_text,
    signed_text,
)
from bayesmeta.inference.reml import FEW_DF
from bayesmeta.robustness.refinements import sentences

Tables = Mapping[str, pd.DataFrame]


def print_fit(printer: Printer, tables: Tables, diagnostics: Mapping[str, Any]) -> None:
    """Print means, contrasts, discrepancies, heterogeneity, parameters and the diagnostics."""
    terms = tables["terms"]
    print_estimates(printer, "Means with 95 % credible intervals", "term", terms)
    contrasts = tables["contrasts"]
    differences = contrasts[~contrasts["contrast"].isin(terms["term"])]
    if len(differences):
        print_estimates(printer, "Contrasts", "contrast", differences)
    if "discrepancies" in tables:
        print_sides(printer, tables)
    print_heterogeneity(printer, tables["heterogeneity"])
    if "parameters" in tables:
        print_estimates(printer, "Other parameters", "parameter", tables["parameters"])
    print_diagnostics(printer, diagnostics)
    for sentence in sentences(tables["refinements"]) if "refinements" in tables else []:
        printer.markup(escape(sentence))


def print_estimates(printer: Printer, title: str, key: str, table: pd.DataFrame) -> None:
    """Print mean, sd and interval of the rows, and the probability of a positive value if known.

    Beside them stand the transformed median and interval if the table has a scale.
    """
    records = table.to_dict("records")
    signed = "p_positive" in table and any(map(has_null, records))
    columns = [key, "mean", "sd", "95 % interval", *(["P(> 0)"] if signed else [])]
    columns += scale_heading(table)
    rows = []
    for row in records:
        ends = (row["ci_lb"], row["ci_ub"])
        digits = fine_digits(*ends)
        numbers = [number_text(row[name], digits) for name in ("mean", "sd")]
        cells = [row[key], *numbers, interval_text(*ends)]
        if signed:
            cells.append(probability_text(row["p_positive"]) if has_null(row) else DASH)
        rows.append([*cells, *scale_cells(row)])
    printer.table(title, columns, rows)


def print_heterogeneity(printer: Printer, table: pd.DataFrame) -> None:
    """Print tau and I^2 of every level."""
    columns = ("level", "tau", "95 % interval", "I² (%)", "95 % interval")
    rows = []
    for row in table.to_dict("records"):
        tau = (number_text(row["tau_mean"]), interval_text(row["tau_ci_lb"], row["tau_ci_ub"]))
        i2 = (number_text(row["i2_mean"], 1), interval_text(row["i2_ci_lb"], row["i2_ci_ub"], 1))
        rows.append((row["level"], *tau, *i2))
    printer.table("Heterogeneity", columns, rows)


def print_sides(printer: Printer, tables: Tables) -> None:
    """Print a sentence per discrepancy, and the probability of a phenotype on all sides."""
    for row in tables["discrepancies"].to_dict("records"):
        printer.markup(f"[bold]{escape(row['contrast'])}[/bold]: {escape(row['conclusion'])}")
    if OF_EACH_SIDE in set(tables["discrepancies"]["unit"]):
        printer.note(UNITS)
    if "concordance" in tables:
        joint = tables["concordance"].query("statement in ('both', 'all') or p.isna()")
        pairs = zip(joint["p"], joint["statement"], strict=True)
        texts = [probability_text(p) if pd.notna(p) else statement for p, statement in pairs]
        rows = zip(joint["phenotype"], texts, strict=True)
        printer.table("Concordance", ("phenotype", "probability on every side"), rows)


def print_diagnostics(printer: Printer, diagnostics: Mapping[str, Any]) -> None:
    """Print warnings, failures and the numbers of the diagnostics."""
    for warning in diagnostics["warnings"]:
        printer.note(warning, "yellow")
    for failure in diagnostics["failures"]:
        printer.line(f"failed: {failure}", "bold red")
    passed = diagnostics["passed"]
    verdict = "[green]diagnostics passed[/green]" if passed else "[red]diagnostics failed[/red]"
    printer.markup(
        f"{verdict}: {diagnostics['divergences']} divergences, R-hat at most "
        f"{diagnostics['max_r_hat']:.4f}, bulk ESS at least {diagnostics['min_ess_bulk']:.0f}, "
        f"tail ESS at least {diagnostics['min_ess_tail']:.0f}"
    )
    if "interval_mcse" in diagnostics:
        printer.line(precision_text(diagnostics))


def precision_text(diagnostics: Mapping[str, Any]) -> str:
    """Return which draws these are, and the Monte-Carlo error of the ends of their intervals."""
    sampler = diagnostics["sampler"]
    kind = "independent draws" if sampler == "quadrature" else f"draws by NUTS ({sampler})"
    error = f"Monte-Carlo error of interval ends at most {diagnostics['interval_mcse']:.2g}"
    text = f"{diagnostics['draws']} {kind}; {error} ({diagnostics['interval_of']})"
    if advice := diagnostics["stable_by"]:
        text += f"; for ends that are stable to the second decimal: {advice}"
    return text


def print_directions(printer: Printer, tables: Tables, diagnostics: Mapping[str, Any]) -> None:
    """Print the probabilities of the best direction, then what `print_fit` prints."""
    for line in direction_lines(tables):
        printer.line(line)
    print_fit(printer, tables, diagnostics)


def direction_lines(tables: Tables) -> list[str]:
    """Return the probability of the best direction on every side, and the count of the review."""
    table = tables["directions"]
    best = table["direction"].iloc[-1]
    lines = []
    for row in table[table["direction"] == best].to_dict("records"):
        probability = f"P({best} | {row[table.columns[0]]}) {with_prior(row)}"
        lines.append(f"{probability}; {row['rows']} of {row['of']} rows")
    for row in tables.get("aggregate", pd.DataFrame()).to_dict("records"):
        count = f"beside it, {row['enhanced']} of {row['studies']} reviewed studies"
        share = estimate_text(row["mean"], row["ci_lb"], row["ci_ub"])
        lines.append(f"{count}: share {share}, prior {row['prior']}")
    return lines


def with_prior(row: Mapping[Any, Any]) -> str:
    """Return the posterior and the prior estimate of a row."""
    posterior = estimate_text(row["mean"], row["ci_lb"], row["ci_ub"])
    prior = estimate_text(row["prior_mean"], row["prior_ci_lb"], row["prior_ci_ub"])
    return f"{posterior}, prior {prior}"


NORMAL_BESIDE = (
    "REML needs a normal likelihood: both estimates come from the normal model. Columns exact_* of "
    "tables/comparison.csv are the posterior under the exact likelihood of Hedges' g."
)


def print_comparison(printer: Printer, tables: Tables, *, normal: bool) -> None:
    """Print both estimates of terms and taus, and the comparison of three and four levels.

    normal : whether the normal model stands in for one with the exact likelihood.
    """
    comparison = tables["comparison"]
    print_both(printer, comparison)
    print_on_scale(printer, comparison)
    robust = tables["frequentist_robust"]
    if few := robust.loc[robust["caution"] != "", "term"].tolist():
        printer.note(f"{FEW_DF}: {', '.join(few)}", "yellow")
    if "levels" in tables:
        printer.frame("Four levels against three", tables["levels"].round(2))
    if normal:
        printer.line(NORMAL_BESIDE, "bold")


def print_both(printer: Printer, comparison: pd.DataFrame) -> None:
    """Print both estimates of terms, taus and other parameters."""
    columns = ("term", "REML", "95 % interval", "Bayes", "95 % interval", "shift", "why")
    rows = []
    for row in comparison.to_dict("records"):
        reml = (number_text(row["estimate"]), interval_text(row["ci_lb"], row["ci_ub"]))
        bayes = (number_text(row["mean"]), interval_text(row["cri_lb"], row["cri_ub"]))
        rows.append((row["term"], *reml, *bayes, signed_text(row["shift"]), row["why"]))
    title = "Frequentist and Bayesian estimates (shift in standard errors)"
    printer.table(title, columns, rows, left=(0, 6))


def print_on_scale(printer: Printer, comparison: pd.DataFrame) -> None:
    """Print both estimates of the terms on the scale of the measure, if it has one."""
    columns = ("term", "", "REML [95 %]", "Bayes, median [95 %]")
    rows = []
    for row in comparison.to_dict("records"):
        bayes = scale_cells(row, ends=("cri_lb", "cri_ub"))
        if scale := row.get("scale"):
            rows.append((row["term"], scale, *scale_cells(row, middle="estimate"), *bayes))
    if rows:
        printer.table("The same, transformed back", columns, rows, left=(0, 1))


def print_report(printer: Printer, diagnostics: Mapping[str, Any]) -> None:
    """Print the diagnostics that failed, and where the output of the parts is."""
    if not diagnostics.get("passed"):
        failures = "; ".join(diagnostics.get("failures", []))
        printer.line(f"diagnostics failed: {failures}", "bold red")
    printer.line("The output of the parts is in report.log.")
