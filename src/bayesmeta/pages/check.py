"""The page of `bayesmeta check`: verdicts first, then what each rests on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bayesmeta.figures import interval_text
from bayesmeta.pages.rendering import PICTURES, TEMPLATES, inline, number, records


class Section(NamedTuple):
    """A section of the check's page: name, heading, what is asked and how to read the answer, figures, tables."""

    name: str
    heading: str
    asks: str
    figures: tuple[str, ...]
    tables: dict[str, str]


CHECKS = (
    Section(
        "convergence",
        "Are the draws to be trusted?",
        "R-hat below 1.01, bulk and tail effective sample sizes of at least 400, no divergences.",
        (),
        {"convergence": "Diagnostics"},
    ),
    Section(
        "funnel",
        "Is the funnel more skewed than arithmetic makes it?",
        "An SMD and its standard error are tied by arithmetic, so that a funnel leans without any bias. Here effects "
        "and standard errors are simulated together; p is the share of replicates that reach the observed statistic.",
        ("funnel",),
        {"funnel": "Statistics of the funnel"},
    ),
    Section(
        "bias models",
        "What would small-study effects or selection change?",
        "PET and PEESE take out what grows with the standard error or the variance; the selection model weighs results "
        "by how significant they are. The fit that predicts left-out studies best has the highest elpd.",
        ("bias",),
        {"bias_cells": "Means with 95 % intervals", "bias_models": "Prediction of left-out studies"},
    ),
    Section(
        "influence",
        "Does one study decide?",
        "Each study left out in turn; shifts are in posterior standard deviations of the fit to all studies.",
        ("studies", "baujat", "gosh"),
        {"influence_changes": "Conclusions without each study"},
    ),
    Section(
        "prior sensitivity",
        "Do the priors decide?",
        "Prior and likelihood are raised to powers near one. A prior whose sensitivity reaches .05 is felt: it "
        "conflicts with the data where the likelihood is felt, too, and dominates where it is not.",
        ("sensitivity",),
        {"psense": "Sensitivity to power-scaling", "prior_refits": "Means with 95 % intervals under other priors"},
    ),
)
STATES = {"passed": "passed", "look": "look closer", "not done": "not done", "failed": "failed"}
SIDE_BY_SIDE = {"bias_cells": "model", "prior_refits": "label"}  # tables drawn as rows by this column
COLUMNS = {"ci_lb": "from", "ci_ub": "to", "p_positive": "P(> 0)", "p_two_sided": "p, two-sided", "k_hat": "k-hat"}
SHORT, MOST = 12, 200  # rows of a table that is not folded, and of one that is shown whole


def check_page(tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Path], about: Mapping[str, Any]) -> str:
    """The page of `bayesmeta check`; a section without tables and figures is left out.

    Parameters
    ----------
    tables : mapping
        By file name, as in CHECKS. `bias_cells` has contrast (or term), model, mean, ci_lb, ci_ub in long form;
        `prior_refits` is as from `sensitivity.refit_priors`.
    figures : mapping
        Paths of SVG files: funnel, bias, studies, baujat, gosh, sensitivity.
    about : mapping
        dataset, model, title, synthetic, notes, k, studies, source; verdicts: triples of a name (a section's, which it
        links to, or another), `passed`, `look` or `failed`, and a sentence.

    Raises
    ------
    KeyError
        A verdict in another word.
    """
    sections = [made for section in CHECKS if (made := _section(section, tables, figures))]
    there = {section["name"]: section["key"] for section in sections}
    verdicts = [
        {"name": name, "state": state, "words": STATES[state], "sentence": sentence, "link": there.get(name)}
        for name, state, sentence in about["verdicts"]
    ]
    counts = {words: sum(each["words"] == words for each in verdicts) for words in reversed(STATES.values())}
    return TEMPLATES.get_template("check.html.j2").render(
        {**about, "verdicts": verdicts},
        sections=sections,
        summary=", ".join(f"{words}: {count}" for words, count in counts.items() if count).capitalize(),
    )


def _section(
    section: Section, tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Path]
) -> dict[str, Any] | None:
    """What the template shows of a section; None where there is nothing."""
    shown = [
        _shown(name, heading, tables[name]) for name, heading in section.tables.items() if len(tables.get(name, ()))
    ]
    drawn = [{"svg": inline(figures[name], name), "alt": PICTURES[name]} for name in section.figures if name in figures]
    if not shown and not drawn:
        return None
    return section._asdict() | {"key": section.name.replace(" ", "-"), "tables": shown, "figures": drawn}


def _shown(name: str, heading: str, table: pd.DataFrame) -> dict[str, Any]:
    """A table as the template shows it: intervals side by side, long ones folded, very long ones cut."""
    if (across := SIDE_BY_SIDE.get(name)) in table:
        table = side_by_side(table, str(across))
    rows = [[_cell(value) for value in row.values()] for row in records(table[:MOST])]
    columns = [
        {"shown": COLUMNS.get(str(column), str(column).replace("_", " ")), "text": any(row[at]["text"] for row in rows)}
        for at, column in enumerate(table.columns)
    ]
    left_out, folded = max(0, len(table) - MOST), len(table) > SHORT
    return {"name": name, "heading": heading, "columns": columns, "rows": rows, "folded": folded, "left_out": left_out}


def side_by_side(table: pd.DataFrame, across: str) -> pd.DataFrame:
    """A row per contrast (or term) and a column for each value of another column: `mean [ci_lb, ci_ub]`, in order."""
    rows = "contrast" if "contrast" in table else "term"
    texts = table.assign(text=list(map(interval_text, table["mean"], table["ci_lb"], table["ci_ub"])))
    texts["text"] = texts["text"].str.replace(" ", "\N{NO-BREAK SPACE}")
    wide = texts.pivot_table(index=rows, columns=across, values="text", aggfunc="first")
    return wide.loc[table[rows].unique(), table[across].unique()].reset_index()


def _cell(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"shown": "yes" if value else "no", "text": True}
    if isinstance(value, int | float):
        whole = isinstance(value, int)
        return {"shown": str(value) if whole else number(value, 1 if abs(value) >= 100 else 3), "text": False}
    return {"shown": value, "text": True}
