"""Tables to a self-contained HTML page: prose in templates, numbers from tables, figures inside."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

TEMPLATES = Environment(
    loader=PackageLoader("bayesmeta"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def number(value: float, digits: int = 2) -> str:
    """A number as it is read: a true minus sign, never a negative zero, small ones by their power, a dash for none."""
    if value != value:
        return "–"
    small = digits > 2 and 0 < abs(value) < 0.5 * 10**-digits
    return (f"{value:.1e}" if small else f"{value:z.{digits}f}").replace("-", "−")


TEMPLATES.globals["number"] = number

SECTIONS = {
    "comparison": ("Every term and tau", "Shifts in standard errors (of a tau: in posterior sds under flat priors)."),
    "frequentist": ("Frequentist tests", "REML, z tests, Bonferroni over all rows."),
    "frequentist_robust": ("Cluster-robust", "CR2 standard errors by study with Satterthwaite degrees of freedom."),
    "frequentist_heterogeneity": ("Variance by level", "REML; I² in percent of the total variance."),
    "frequentist_profile": ("Profile-likelihood intervals", "95 %, of each tau."),
    "frequentist_fit": ("The fit", "Residual heterogeneity Q_E, omnibus test Q_M, restricted log-likelihood."),
    "levels": ("Four levels against three", "The same model with an effect level; differences against three levels."),
    "levels_terms": ("Terms under both structures", "Posterior means and 95 % intervals."),
    "egger": ("Egger's test", "As published on a single level, and nested inside the model."),
    "fail_safe_n": ("Fail-safe N", "Rosenthal's: effects of zero that would be needed; it ignores nesting."),
    "corrected": ("Suspected data errors", "With and without standard errors that were typed as standard deviations."),
    "comparison_types": ("By type of comparison", "The model refitted to each type alone."),
    "without_influential": ("Without outliers and influential effects", "By the published, single-level rule."),
    "risk_of_bias": ("Risk of bias as a moderator", "Search 1 only: the other searches were not assessed."),
}


def comparison_page(tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Path], about: Mapping[str, Any]) -> str:
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
    terms = tables["comparison"]
    shown = terms[~terms["term"].str.startswith("tau_")]
    return TEMPLATES.get_template("comparison.html.j2").render(
        terms=records(shown),
        tables=[(*SECTIONS[name], records(tables[name])) for name in SECTIONS if name in tables and len(tables[name])],
        **{name: _inline(path) for name, path in figures.items()},
        **about,
    )


def records(table: pd.DataFrame) -> Sequence[dict[Any, Any]]:
    """Rows as dictionaries of plain Python values."""
    return table.astype(object).where(table.notna(), float("nan")).to_dict("records")


def _inline(svg: Path) -> str:
    """An SVG without its XML header, to stand inside a page."""
    text = svg.read_text(encoding="utf-8")
    return text[text.index("<svg") :]
