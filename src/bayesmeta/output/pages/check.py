"""The page of `bayesmeta check`: the verdicts, then the tables and figures behind them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayesmeta.output.pages.embedded_figures import inline_svg
from bayesmeta.output.pages.facts import Tables
from bayesmeta.output.pages.rendering import TEMPLATES
from bayesmeta.output.pages.sections import CAPTIONS, CHECKS, Section
from bayesmeta.output.pages.tables import shown_table

STATES = ("passed", "review", "cannot tell", "not done", "failed")


def check_page(tables: Tables, figures: Mapping[str, Path], about: Mapping[str, Any]) -> str:
    """Return the page of `bayesmeta check`; a section without tables and figures is left out.

    `tables` are by file name, as in CHECKS: `bias_cells` in long form has contrast (or term),
    model, mean, ci_lb, ci_ub; `prior_refits` is as from `sensitivity.refit_priors`. `figures` are
    paths of SVG files: funnel, bias, studies, baujat, gosh, sensitivity. `about` has dataset,
    model, title, synthetic, notes, k, studies, source; verdicts: triples of a name (linked if of a
    section), a state of STATES (KeyError for another state), and a sentence.
    """
    sections = [rendered for section in CHECKS if (rendered := _parts(section, tables, figures))]
    keys = {section["name"]: section["key"] for section in sections}
    verdicts = [
        {"name": name, "state": state, "sentence": sentence, "link": keys.get(name)}
        for name, state, sentence in about["verdicts"]
    ]
    counts = dict.fromkeys(reversed(STATES), 0)
    for verdict in verdicts:
        counts[verdict["state"]] += 1
    summary = ", ".join(f"{state}: {count}" for state, count in counts.items() if count)
    context = {**about, "verdicts": verdicts, "sections": sections}
    return TEMPLATES.get_template("check.html.j2").render(context, summary=summary.capitalize())


def _parts(section: Section, tables: Tables, figures: Mapping[str, Path]) -> dict[str, Any] | None:
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
    key = section.name.replace(" ", "-")
    content = section._asdict() | {"key": key, "tables": shown, "figures": drawn}
    return content if shown or drawn else None
