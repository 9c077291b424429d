"""The page of `bayesmeta check`: verdicts first, then what each rests on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bayesmeta.output.pages.rendering import PICTURES, TEMPLATES, inline
from bayesmeta.output.pages.tables import shown_table


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
STATES = {"passed": "passed", "review": "review", "not done": "not done", "failed": "failed"}


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
        links to, or another), `passed`, `review` or `failed`, and a sentence.

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
        shown_table(name, heading, tables[name])
        for name, heading in section.tables.items()
        if len(tables.get(name, ()))
    ]
    drawn = [{"svg": inline(figures[name], name), "alt": PICTURES[name]} for name in section.figures if name in figures]
    if not shown and not drawn:
        return None
    return section._asdict() | {"key": section.name.replace(" ", "-"), "tables": shown, "figures": drawn}
