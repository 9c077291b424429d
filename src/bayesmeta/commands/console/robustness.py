"""What check, lint, multiverse and plan print: verdicts and sentences."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from rich.markup import escape
from rich.text import Text

from bayesmeta.commands.console.printer import Printer
from bayesmeta.estimates.text import number_text, probability_statement, probability_text
from bayesmeta.robustness.calibration import sentences

# log Bayes factor, 20 to 1: Kass & Raftery 1995, doi 10.1080/01621459.1995.10476572
STRONG_EVIDENCE = 3.0
SETTLED = (
    "Settled: the sign has a posterior probability above .975. The numbers are averages over "
    "the present posterior: new studies vary like the present ones, have a single group, and "
    "follow this model and its priors."
)
CHECK_STYLES = {
    "passed": "green",
    "review": "yellow",
    "cannot tell": "yellow",
    "failed": "bold red",
    "not done": "dim",
}
STYLES = {"holds": "green", "weakens": "yellow", "changes sign": "red", "overturned": "bold red"}
Paragraphs = Iterable[tuple[int, str]]
RANKS = {
    1: "[bold red]1: almost certain, and can change conclusions[/bold red]",
    2: "[bold yellow]2: examine these[/bold yellow]",
    3: "[bold]3: for information[/bold]",
}


def print_check(printer: Printer, verdicts: Iterable[tuple[str, str, str]]) -> None:
    """Print the verdict of every check."""
    for name, state, sentence in verdicts:
        style = CHECK_STYLES[state]
        printer.markup(f"[bold]{name}[/bold]: [{style}]{state}[/{style}]. {escape(sentence)}")


def print_calibration(printer: Printer, table: pd.DataFrame) -> None:
    """Print bias, coverage and contraction of every parameter, and the verdict."""
    columns = ("parameter", "bias (prior sds)", "coverage", "contraction", "ranks")
    rows = []
    for row in table.to_dict("records"):
        numbers = (number_text(row["bias"]), number_text(row["coverage"]))
        uniform = "uniform" if row["uniform"] else "not uniform"
        rows.append((row["parameter"], *numbers, number_text(row["contraction"]), uniform))
    printer.table("Simulation-based calibration", columns, rows)
    for sentence in sentences(table):
        printer.markup(escape(sentence))


def print_lint(
    printer: Printer, paragraphs: Paragraphs, together: str, unchecked: Mapping[str, str]
) -> None:
    """Print the findings by rank, the effect of all remedies together, and what was not checked."""
    by_rank: dict[int, list[str]] = {rank: [] for rank in RANKS}
    for rank, paragraph in paragraphs:
        by_rank[rank].append(paragraph)
    for rank, heading in RANKS.items():
        printer.markup(heading if by_rank[rank] else f"{heading} (none)")
        for paragraph in by_rank[rank]:
            printer.markup(paragraph)
    if together:
        printer.markup(f"[bold]Taken together[/bold]\n{together}")
    for name, reason in unchecked.items():
        printer.line(f"not checked: {name}: {reason}", "dim")


def print_multiverse(printer: Printer, tables: Mapping[str, pd.DataFrame]) -> None:
    """Print the conclusions with their lowest probability, better alternatives, and sentences."""
    count = len(tables["alternatives"]) - 1
    rows = []
    for row in tables["verdicts"].to_dict("records"):
        sign = ">" if row["direction"] == "positive" else "<"
        verdict = Text(row["verdict"], style=STYLES.get(row["verdict"], "dim"))
        numbers = (probability_text(row["p_base"]), probability_text(row["least"]))
        rows.append((f"{row['contrast']} {sign} 0", *numbers, row["under"], verdict))
    title = f"Does each conclusion hold under {count} alternatives?"
    columns = ("conclusion", "P", "least P", "under", "verdict")
    printer.table(title, columns, rows, left=(0, 3, 4))
    best = tables["alternatives"].sort_values("log_bayes_factor").dropna().tail(1)
    for row in best[best["log_bayes_factor"] > STRONG_EVIDENCE].to_dict("records"):
        evidence = f"log Bayes factor {row['log_bayes_factor']:.1f}"
        text = f"the data support the alternative '{row['alternative']}' better ({evidence})"
        printer.note(text, "yellow")
    for sentence in tables["verdicts"]["sentence"]:
        printer.line(f"- {sentence}")


def print_plan(
    printer: Printer, table: pd.DataFrame, sentences: Mapping[str, str], stratum: str | None
) -> None:
    """Print the largest plan per contrast and size of an arm, and a sentence per contrast."""
    largest = table["studies"].max()
    rows: list[Sequence[object]] = []
    for name, part in table[table["studies"] == largest].groupby("contrast", sort=False):
        today = probability_statement("P(> 0)", part["current_p"].iloc[0])
        first = (name, today, number_text(part["current_width"].iloc[0]))
        for place, row in enumerate(part.to_dict("records")):
            settled = f"{row['p_settled']:.2f} ± {row['p_settled_se']:.2f}"
            start = first if place == 0 else ("", "", "")
            rows.append((*start, row["per_arm"], number_text(row["width"]), settled))
    title = f"After {largest} new {f'{stratum} ' if stratum else ''}studies"
    columns = ("contrast", "today", "width", "per arm", "width", "P(settled)")
    printer.table(title, columns, rows)
    for name, sentence in sentences.items():
        printer.line(f"- {name}: {sentence}")
    printer.line(SETTLED, "dim")
