"""The page of `bayesmeta compare`: both analyses in prose, then all tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.estimates.text import words
from bayesmeta.output.pages.cells import Cells
from bayesmeta.output.pages.embedded_figures import inline_svg
from bayesmeta.output.pages.rendering import TEMPLATES, records

SECTIONS = {  # file name: heading and explanation of a table
    "comparison": (
        "Every term and tau",
        "Shifts in standard errors (of a tau: in posterior sds under flat priors).",
    ),
    "frequentist": ("Frequentist tests", "By REML, with Bonferroni's correction over all rows."),
    "frequentist_robust": (
        "Cluster-robust",
        "CR2 standard errors by study with Satterthwaite degrees of freedom.",
    ),
    "frequentist_heterogeneity": (
        "Variance by level",
        "REML; I² in percent of the total variance.",
    ),
    "frequentist_profile": ("Profile-likelihood intervals", "95 %, of every tau."),
    "frequentist_fit": (
        "The fit",
        "Residual heterogeneity Q_E, omnibus test Q_M, restricted log-likelihood.",
    ),
    "levels": (
        "Four levels and three",
        "The same model with an effect level; differences from three levels.",
    ),
    "levels_terms": ("Terms under both structures", "Posterior means and 95 % intervals."),
    "egger": ("Egger's test", "As published on a single level, and nested inside the model."),
    "fail_safe_n": (
        "Fail-safe N",
        "Rosenthal's number of effects of zero that would be needed; it ignores nesting.",
    ),
    "corrected": (
        "Suspected data errors",
        "With and without standard errors that were typed as standard deviations.",
    ),
    "comparison_types": ("By type of comparison", "The model refitted to every type alone."),
    "without_influential": (
        "Without outliers and influential effects",
        "By the published, single-level rule.",
    ),
    "risk_of_bias": ("Risk of bias as a moderator", "Of the studies that were assessed."),
}


def comparison_page(
    tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Path], about: Mapping[str, Any]
) -> str:
    """Return the page of `bayesmeta compare`.

    Parameters
    ----------
    tables : mapping
        By file name; `comparison` gives a paragraph per term, and all are shown as tables.
    figures : mapping
        Paths of SVG files: paired, profiles.
    about : mapping
        dataset, model, title, synthetic, notes, k, studies, source.
    """
    shown = [
        (heading, explanation, records(tables[name]))
        for name, (heading, explanation) in SECTIONS.items()
        if len(tables.get(name, ()))
    ]
    return TEMPLATES.get_template("comparison.html.j2").render(
        terms=term_rows(tables["comparison"]),
        cell=Cells(tables, html=False),
        words=words,
        tables=shown,
        **{name: inline_svg(path, name) for name, path in figures.items()},
        **about,
    )


def term_rows(comparison: pd.DataFrame) -> Sequence[dict[Any, Any]]:
    """Return the rows of the terms, without those of the taus."""
    return records(comparison[~comparison["term"].str.startswith("tau_")])
