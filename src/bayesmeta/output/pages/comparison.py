"""The page of `bayesmeta compare`: both schools' answers in prose, then every table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.output.pages.cells import Cells
from bayesmeta.output.pages.rendering import TEMPLATES, inline, records
from bayesmeta.output.pages.tables import in_words

SECTIONS = {
    "comparison": (
        "Every term and tau",
        "Shifts in standard errors (of a tau: in posterior sds under flat priors).",
    ),
    "frequentist": ("Frequentist tests", "REML, z tests, Bonferroni over all rows."),
    "frequentist_robust": (
        "Cluster-robust",
        "CR2 standard errors by study with Satterthwaite degrees of freedom.",
    ),
    "frequentist_heterogeneity": (
        "Variance by level",
        "REML; I² in percent of the total variance.",
    ),
    "frequentist_profile": ("Profile-likelihood intervals", "95 %, of each tau."),
    "frequentist_fit": (
        "The fit",
        "Residual heterogeneity Q_E, omnibus test Q_M, restricted log-likelihood.",
    ),
    "levels": (
        "Four levels against three",
        "The same model with an effect level; differences against three levels.",
    ),
    "levels_terms": ("Terms under both structures", "Posterior means and 95 % intervals."),
    "egger": ("Egger's test", "As published on a single level, and nested inside the model."),
    "fail_safe_n": (
        "Fail-safe N",
        "Rosenthal's: effects of zero that would be needed; it ignores nesting.",
    ),
    "corrected": (
        "Suspected data errors",
        "With and without standard errors that were typed as standard deviations.",
    ),
    "comparison_types": ("By type of comparison", "The model refitted to each type alone."),
    "without_influential": (
        "Without outliers and influential effects",
        "By the published, single-level rule.",
    ),
    "risk_of_bias": (
        "Risk of bias as a moderator",
        "Search 1 only: the other searches were not assessed.",
    ),
}


def comparison_page(
    tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Path], about: Mapping[str, Any]
) -> str:
    """The page of `bayesmeta compare`.

    Parameters
    ----------
    tables : mapping
        By file name; `comparison` gives a paragraph per term, all of them a table each.
    figures : mapping
        Paths of SVG files: paired, profiles.
    about : mapping
        dataset, model, title, synthetic, notes, k, studies, source.
    """
    return TEMPLATES.get_template("comparison.html.j2").render(
        terms=term_rows(tables["comparison"]),
        cell=Cells(tables, html=False),
        in_words=in_words,
        tables=[
            (*SECTIONS[name], records(tables[name]))
            for name in SECTIONS
            if name in tables and len(tables[name])
        ],
        **{name: inline(path, name) for name, path in figures.items()},
        **about,
    )


def term_rows(comparison: pd.DataFrame) -> Sequence[dict[Any, Any]]:
    """The rows of the terms, without those of the taus."""
    return records(comparison[~comparison["term"].str.startswith("tau_")])
