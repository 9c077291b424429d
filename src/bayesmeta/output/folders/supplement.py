"""The supplement of a paper: answer, methods, checklist and tables as Markdown, LaTeX and CSV for a word processor."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bayesmeta.estimates.text import number_text, probability_text
from bayesmeta.output.folders.staging import labels_of
from bayesmeta.output.pages.answers import answer
from bayesmeta.output.pages.checklist import checklist_table
from bayesmeta.output.pages.methods import methods_text
from bayesmeta.output.pages.prose import phrase
from bayesmeta.output.pages.rendering import PLAIN
from bayesmeta.output.pages.results import Results

CHECKLIST = "checklist"
LABELS = {"term", "contrast", "level"}  # names that are printed in words
PROBABILITY = -1  # in place of digits: never 0 or 1


class Column(NamedTuple):
    """A column as it is printed: its heading; what it is made of, one, or a number and its limits; digits."""

    heading: str
    made_of: tuple[str, ...]
    digits: int = 2


NAME = Column("term", ("term",))
MEAN = Column("mean [95 % interval]", ("mean", "ci_lb", "ci_ub"))
POSITIVE = Column("P(> 0)", ("p_positive",), PROBABILITY)
CONTRAST = Column("contrast", ("contrast",))
TABLES: Mapping[str, tuple[str, tuple[Column, ...]]] = {
    "terms": (
        "Posterior means",
        (
            NAME,
            MEAN,
            Column("sd", ("sd",)),
            POSITIVE,
            Column("bulk ESS", ("ess_bulk",), 0),
            Column("R-hat", ("r_hat",), 3),
        ),
    ),
    "contrasts": (
        "Contrasts",
        (CONTRAST, MEAN, Column("sd", ("sd",)), POSITIVE, Column("P(negligible)", ("p_rope",), PROBABILITY)),
    ),
    "heterogeneity": (
        "Heterogeneity",
        (
            Column("level", ("level",)),
            Column("τ [95 % interval]", ("tau_mean", "tau_ci_lb", "tau_ci_ub")),
            Column("I² in % [95 % interval]", ("i2_mean", "i2_ci_lb", "i2_ci_ub"), 1),
        ),
    ),
    "prediction": (
        "Where the true effect of a new study or group would lie",
        (NAME, Column("of a new", ("level",)), Column("95 % prediction interval", ("pi_lb", "pi_ub"))),
    ),
    "comparison": (
        "Frequentist and Bayes",
        (
            NAME,
            Column("REML [95 % interval]", ("estimate", "ci_lb", "ci_ub")),
            Column("Bayes [95 % interval]", ("mean", "cri_lb", "cri_ub")),
            Column("shift in standard errors", ("shift",)),
            Column("why", ("why",)),
        ),
    ),
    "discrepancies": (
        "Discrepancies between sides",
        (
            CONTRAST,
            Column("first side [95 % interval]", ("first_mean", "first_ci_lb", "first_ci_ub")),
            Column("second side [95 % interval]", ("second_mean", "second_ci_lb", "second_ci_ub")),
            Column("difference [95 % interval]", ("mean", "ci_lb", "ci_ub")),
            POSITIVE,
            Column("P(opposite signs)", ("p_opposite",), PROBABILITY),
        ),
    ),
    "check": ("Checks", (Column("check", ("check",)), Column("state", ("state",)), Column("finding", ("sentence",)))),
    "verdicts": (
        "Conclusions under the alternatives",
        (
            CONTRAST,
            Column("P", ("p_base",), PROBABILITY),
            Column("least P", ("least",), PROBABILITY),
            Column("under", ("under",)),
            Column("verdict", ("verdict",)),
        ),
    ),
}
ESCAPES = {letter: f"\\{letter}" for letter in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": "$-$",
    "τ": r"$\tau$",
    "²": r"\textsuperscript{2}",
    "–": "--",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
}


def write_supplement(folder: Path, results: Results) -> list[str]:
    """Write supplement.md, and each table as LaTeX (*.tex, booktabs) and CSV (*.csv, UTF-8 with BOM); gives the names.

    Raises
    ------
    BadInput
        posterior.nc cannot be read.
    """
    shown, checklist = printed_tables(results), checklist_table(results)
    synthetic = bool(results.about.get("synthetic"))
    every = shown | {CHECKLIST: ("Reporting checklist", _marked(checklist, synthetic))}
    for name, (caption, table) in every.items():
        latex = latex_of(table, f"SYNTHETIC: {caption}" if synthetic else caption, name)
        (folder / f"{name}.tex").write_text(latex, encoding="utf-8")
        table.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8-sig")
    text = PLAIN.get_template("answer_supplement.j2").render(
        dataset=results.about["dataset"],
        model=results.about["model"],
        synthetic=synthetic,
        answer=answer(results, html=False),
        methods=methods_text(results, html=False),
        tables=[(caption, markdown_of(table)) for caption, table in shown.values()],
        checklist=markdown_of(checklist),
        source=labels_of(results.about)[0],
    )
    (folder / "supplement.md").write_text(text.strip() + "\n", encoding="utf-8")
    return sorted(path.name for path in folder.iterdir())


def printed_tables(results: Results) -> dict[str, tuple[str, pd.DataFrame]]:
    """Caption and text of each main table that is there: rounded, in words, a number and its interval in one column."""
    synthetic = bool(results.about.get("synthetic"))
    return {
        name: (caption, _marked(_printed(results.tables[name], columns), synthetic))
        for name, (caption, columns) in TABLES.items()
        if len(results.tables.get(name, ()))
    }


def _printed(table: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    rows = table.assign(**{name: list(map(phrase, table[name])) for name in LABELS & set(table.columns)}).to_dict(
        "records"
    )
    return pd.DataFrame(
        {
            column.heading: [_text([row[name] for name in column.made_of], column.digits) for row in rows]
            for column in columns
            if set(column.made_of) <= set(table.columns)
        }
    )


def _marked(table: pd.DataFrame, synthetic: bool) -> pd.DataFrame:
    """Simulated data say so in the first heading, which no copy loses."""
    return table.rename(columns={table.columns[0]: f"{table.columns[0]} (SYNTHETIC)"}) if synthetic else table


def _text(values: list[object], digits: int) -> str:
    """`−0.94 [−1.24, −0.65]`, `[−1.24, −0.65]`, `−0.94`, or the text itself."""
    if any(isinstance(value, str) for value in values) or not all(value == value for value in values):
        return ", ".join(str(value) for value in values if isinstance(value, str))
    numbers = [probability_text(float(str(v))) if digits == PROBABILITY else number_text(float(str(v)), digits) for v in values]
    if len(numbers) == 1:
        return numbers[0]
    return " ".join([*numbers[:-2], f"[{', '.join(numbers[-2:])}]"])


def markdown_of(table: pd.DataFrame) -> str:
    """A table in Markdown; bars within a cell are escaped."""
    lines = [list(map(str, table.columns)), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def latex_of(table: pd.DataFrame, caption: str, label: str) -> str:
    """A LaTeX table with the rules of booktabs; long texts are set in a column of their own width."""
    long = [table[name].astype(str).str.len().max() > 40 for name in table.columns]
    width = f"p{{{0.8 / max(1, sum(long)):.2f}\\linewidth}}"
    columns = "".join(width if wide else "l" if place == 0 else "r" for place, wide in enumerate(long))
    rows = [" & ".join(map(latex_text, line)) + r" \\" for line in table.astype(str).to_numpy().tolist()]
    head = " & ".join(map(latex_text, table.columns)) + r" \\"
    begin = [r"\begin{table}", rf"\caption{{{latex_text(caption)}}}", rf"\label{{tab:{label}}}"]
    body = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"]
    return "\n".join([*begin, *body, r"\end{table}", ""])


def latex_text(text: object) -> str:
    """Text with LaTeX's own characters escaped and minus signs set as such."""
    return re.sub(".", lambda match: ESCAPES.get(match[0], match[0]), str(text), flags=re.DOTALL)
