"""The page of `bayesmeta check`: the verdicts, then the tables and figures behind them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bayesmeta.output.pages.captions import CAPTIONS
from bayesmeta.output.pages.embedded_figures import inline_svg
from bayesmeta.output.pages.rendering import TEMPLATES
from bayesmeta.output.pages.tables import shown_table


class Section(NamedTuple):
    """A section of the page: name, heading, explanation, figures, and headings of tables."""

    name: str
    heading: str
    explanation: str
    figures: tuple[str, ...]
    tables: dict[str, str]


CHECKS = (
    Section(
        "convergence",
        "Did the chains converge?",
        "R-hat is below 1.01, bulk and tail effective sample sizes are at least 400, and there are "
        "no divergences.",
        (),
        {"convergence": "Diagnostics"},
    ),
    Section(
        "funnel",
        "Is the funnel more skewed than expected without bias?",
        "The standard error of an SMD depends on the SMD, so that a funnel is skewed even "
        "without bias. Here effects and standard errors are simulated together; p is the share of "
        "replicates that reach the observed statistic.",
        ("funnel",),
        {"funnel": "Statistics of the funnel"},
    ),
    Section(
        "bias models",
        "How do small-study effects or selection change the results?",
        "PET and PEESE subtract a part that grows with the standard error or the variance; the "
        "selection model weighs results by their significance. The fit that predicts left-out "
        "studies best has the highest elpd.",
        ("bias",),
        {
            "bias_cells": "Means with 95 % intervals",
            "bias_models": "Prediction of left-out studies",
        },
    ),
    Section(
        "influence",
        "Does a single study decide?",
        "Every study was left out in turn. Shifts are in posterior standard deviations of the fit "
        "to all studies.",
        ("studies", "baujat", "gosh"),
        {"influence_changes": "Conclusions without a study"},
    ),
    Section(
        "prior sensitivity",
        "Do the priors decide?",
        "Prior and likelihood are raised to powers near 1. A sensitivity of .05 or more to the "
        "prior is a prior-data conflict if the sensitivity to the likelihood is also .05 or more; "
        "otherwise the prior dominates.",
        ("sensitivity",),
        {
            "psense": "Sensitivity to power-scaling",
            "prior_refits": "Means with 95 % intervals under other priors",
        },
    ),
)
STATES = {
    "passed": "passed",
    "review": "look closer",
    "not done": "not done",
    "failed": "failed",
}


def check_page(
    tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Path], about: Mapping[str, Any]
) -> str:
    """Return the page of `bayesmeta check`; a section without tables and figures is left out.

    Parameters
    ----------
    tables : mapping
        By file name, as in CHECKS. `bias_cells` has contrast (or term), model, mean, ci_lb, ci_ub
        in long form; `prior_refits` is as from `sensitivity.refit_priors`.
    figures : mapping
        Paths of SVG files: funnel, bias, studies, baujat, gosh, sensitivity.
    about : mapping
        dataset, model, title, synthetic, notes, k, studies, source; verdicts: triples of a name
        (of a section, to which it is linked, or another name), a state of STATES, and a sentence.

    Raises
    ------
    KeyError
        A verdict has another state.
    """
    sections = [rendered for section in CHECKS if (rendered := _section(section, tables, figures))]
    keys = {section["name"]: section["key"] for section in sections}
    verdicts = [
        {
            "name": name,
            "state": state,
            "words": STATES[state],
            "sentence": sentence,
            "link": keys.get(name),
        }
        for name, state, sentence in about["verdicts"]
    ]
    return TEMPLATES.get_template("check.html.j2").render(
        {**about, "verdicts": verdicts}, sections=sections, summary=_summary(verdicts)
    )


def _summary(verdicts: list[dict[str, Any]]) -> str:
    """Return the number of verdicts by state: `Failed: 1, look closer: 1, passed: 2`."""
    states = [verdict["words"] for verdict in verdicts]
    counts = {words: states.count(words) for words in reversed(STATES.values())}
    text = ", ".join(f"{words}: {count}" for words, count in counts.items() if count)
    return text.capitalize()


def _section(
    section: Section, tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Path]
) -> dict[str, Any] | None:
    """Return a section in the form that the template shows; None without content."""
    shown = [
        shown_table(name, heading, tables[name])
        for name, heading in section.tables.items()
        if len(tables.get(name, ()))
    ]
    drawn = [
        {"svg": inline_svg(figures[name], name), "alt": CAPTIONS[name]}
        for name in section.figures
        if name in figures
    ]
    if not shown and not drawn:
        return None
    key = section.name.replace(" ", "-")
    return section._asdict() | {"key": key, "tables": shown, "figures": drawn}
