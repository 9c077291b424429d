"""What every page shares: templates, numbers as they are read, pictures inside the page."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

TEMPLATES = Environment(
    loader=PackageLoader("bayesmeta.output"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def number(value: float, digits: int = 2) -> str:
    """A number as it is read: a true minus sign, never a negative zero, small ones by their power, a dash for none."""
    if value != value:
        return "–"
    small = digits > 2 and 0 < abs(value) < 0.5 * 10**-digits
    return (f"{value:.1e}" if small else f"{value:z.{digits}f}").replace("-", "−")


TEMPLATES.globals["number"] = number

PICTURES = {
    "paired": "Means of each term by REML and by the posterior, with 95 % intervals, below each other.",
    "profiles": "Profile likelihood and posterior density of each tau.",
    "funnel": "Residuals of the effects against their standard errors, over the cloud of effects that the fitted model "
    "gives without selection, with lines of significance; and each statistic of the funnel among its replicates.",
    "bias": "Means with 95 % intervals of each cell and contrast, unadjusted and under each bias model.",
    "studies": "k-hat of each study, above .7 where importance sampling fails, and how well the others predict it.",
    "baujat": "Each study by how badly the others predict it, and by how far it moves the terms.",
    "gosh": "Means of each contrast on random subsets of studies against their heterogeneity, coloured by whether its "
    "most influential study is among them.",
    "sensitivity": "Left, 95 % intervals of each contrast under each prior; right, its sensitivity to power-scaling of "
    "the prior (dots) and of the likelihood (diamonds), with the threshold of .05.",
    "flow": "Flow of the data: records found, studies and rows taken in, and how many were left out at each step.",
    "risk_of_bias": "Share of the studies with low, unclear and high risk of bias on each item.",
    "forest": "Mean of each term with its 95 % credible interval and, fainter, its 95 % prediction interval.",
    "orchard": "Every effect of each term, larger where it is more precise, behind the mean of the term with its 95 % "
    "credible and prediction intervals.",
    "bubble": "Mean along a moderator with its 95 % credible and prediction bands, over the effects, larger where they "
    "are more precise.",
    "caterpillar": "Mean true effect of each study with its 95 % credible interval, in order of size.",
    "taus": "Prior and posterior density of each tau.",
    "discrepancies": "Posterior density of each difference between the two kinds, with the range of negligible ones.",
    "mirrored": "Means of each term with 95 % intervals, one kind on each side.",
    "quadrants": "Mean of each term in one kind against its mean in the other, with 95 % intervals; in two of the "
    "quadrants they agree in sign.",
    "multiverse": "How probable each conclusion stays under each alternative analysis: a row per conclusion, a column "
    "per alternative.",
    "chains": "Draws of each chain in order, and how evenly the ranks of the draws spread over the chains.",
    "importance": "Increase of the squared error in unseen studies when each moderator is permuted, with 95 % "
    "intervals over resampled studies.",
    "dependence": "What the forest predicts at each level of each moderator, with 95 % intervals.",
    "pairs": "What the forest predicts at each pair of levels of two moderators.",
    "convergence": "Squared error of the forest against its number of trees.",
    "tree": "The meta-tree: how it splits the effects, and the mean effect in each leaf.",
}


def records(table: pd.DataFrame) -> Sequence[dict[Any, Any]]:
    """Rows as dictionaries of plain Python values."""
    return table.astype(object).where(table.notna(), float("nan")).to_dict("records")


def inline(svg: Path, name: str) -> str:
    """An SVG to stand inside a page: no XML header, told to those who cannot see it, ids of its own."""
    text = svg.read_text(encoding="utf-8")
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text[text.index("<svg") :])
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(PICTURES[name])}"', 1)
