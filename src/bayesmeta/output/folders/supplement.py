"""The supplement of a paper: answer, methods, checklist; tables as Markdown, LaTeX and CSV."""

from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.estimates.text import number_text, probability_text
from bayesmeta.output.folders.folder import source_of
from bayesmeta.output.folders.markup import latex_of, markdown_of
from bayesmeta.output.pages.answers import answer
from bayesmeta.output.pages.checklist import checklist_table
from bayesmeta.output.pages.methods import methods_text
from bayesmeta.output.pages.prose import phrase
from bayesmeta.output.pages.rendering import PLAIN
from bayesmeta.output.pages.results import Results
from bayesmeta.output.pages.sections import SUPPLEMENT

LABELS = {"term", "contrast", "level"}  # names that are printed in words
PROBABILITY = -1  # in place of digits: never 0 or 1


def write_supplement(folder: Path, results: Results) -> None:
    """Write supplement.md, and tables as LaTeX (booktabs) and CSV (UTF-8 with BOM), or BadInput."""
    tables = printed_tables(results)
    checklist = checklist_table(results)
    synthetic = bool(results.about.get("synthetic"))
    marked = ("Reporting checklist", _mark(checklist, synthetic))
    for name, (caption, table) in {**tables, "checklist": marked}.items():
        latex = latex_of(table, f"SYNTHETIC: {caption}" if synthetic else caption, name)
        (folder / f"{name}.tex").write_text(latex, encoding="utf-8")
        table.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8-sig")
    text = PLAIN.get_template("answer_supplement.j2").render(
        dataset=results.about["dataset"],
        model=results.about["model"],
        synthetic=synthetic,
        answer=answer(results, html=False),
        methods=methods_text(results, html=False),
        tables=[(caption, markdown_of(table)) for caption, table in tables.values()],
        checklist=markdown_of(checklist),
        source=source_of(results.about),
    )
    (folder / "supplement.md").write_text(text.strip() + "\n", encoding="utf-8")


def printed_tables(results: Results) -> dict[str, tuple[str, pd.DataFrame]]:
    """Return caption and text of main tables: rounded, in words, intervals beside their numbers."""
    synthetic = bool(results.about.get("synthetic"))
    printed = {}
    for name, form in SUPPLEMENT.items():
        if len(results.tables.get(name, ())):
            table = _print_columns(results.tables[name], form["columns"])
            printed[name] = (form["caption"], _mark(table, synthetic))
    return printed


def _print_columns(table: pd.DataFrame, columns: list[list[Any]]) -> pd.DataFrame:
    in_words = {name: list(map(phrase, table[name])) for name in LABELS & set(table.columns)}
    rows = table.assign(**in_words)
    printed = {}
    for heading, sources, digits in columns:
        if set(sources) <= set(table.columns):
            cells = rows[list(sources)].astype(object).to_numpy().tolist()
            printed[heading] = [_print_cell(cell, digits) for cell in cells]
    return pd.DataFrame(printed)


def _mark(table: pd.DataFrame, synthetic: bool) -> pd.DataFrame:
    """Return the table; of simulated data the first heading says SYNTHETIC, which no copy loses."""
    first = table.columns[0]
    return table.rename(columns={first: f"{first} (SYNTHETIC)"}) if synthetic else table


def _print_cell(values: list[object], digits: int) -> str:
    """Return `−0.94 [−1.24, −0.65]`, `[−1.24, −0.65]`, `−0.94`, or the text itself."""
    texts = [value for value in values if isinstance(value, str)]
    missing = any(value != value for value in values)
    if texts or missing:
        return ", ".join(texts)
    numbers = [float(str(value)) for value in values]
    if digits == PROBABILITY:
        return probability_text(*numbers)
    *before, last = (number_text(number, digits) for number in numbers)
    if not before:
        return last
    *estimate, lower = before
    return " ".join([*estimate, f"[{lower}, {last}]"])
