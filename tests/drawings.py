"""Figures of data, estimates and two sides: small with short names, large with long names."""

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesmeta.estimates.text import words
from bayesmeta.output import figures

LABELS = {
    "title": "preclinical, three-level",
    "xlabel": "Hedges' g (positive: better performance in PTSD)",
}


class Size(NamedTuple):
    """How much is drawn, and what it is called."""

    studies: int
    terms: int
    long: bool

    def names(self, count: int, kind: str = "fear") -> list[str]:
        """Names of a cell, `fear 1:memory`; long ones have 40 characters."""
        if not self.long:
            return [f"{kind} {at}:memory" for at in range(count)]
        return [
            f"{kind}_of_a_distant_noise_{at}".ljust(24, "x") + ":memory_of_a_day"
            for at in range(count)
        ]

    def authors(self) -> list[str]:
        """Names of the studies."""
        end = " and three others, second report" if self.long else ""
        return [f"Author {at}{end}"[:40] for at in range(self.studies)]


SIZES = [Size(10, 2, False), Size(300, 12, True)]
DRAW: dict[str, Callable[[Size], Figure]] = {}


def drawn(make: Callable[[Size], Figure]) -> Callable[[Size], Figure]:
    DRAW[make.__name__] = make
    return make


def intervals(names: list[str], key: str, spread: float = 1.0) -> pd.DataFrame:
    mean = spread * np.sin(np.arange(len(names)))
    ends = {
        "ci_lb": mean - 0.3,
        "ci_ub": mean + 0.3,
        "pi_lb": mean - 1.5,
        "pi_ub": mean + 1.5,
        "pi_level": "group",
    }
    return pd.DataFrame({key: names, "mean": mean, **ends, "k": 1234, "studies": 300})


def crossed(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(list(product(*columns.values())), columns=list(columns))


@drawn
def means(size: Size) -> Figure:
    return figures.draw_means(intervals(size.names(size.terms), "term"), **LABELS)


@drawn
def orchard(size: Size) -> Figure:
    names = size.names(size.terms)
    terms = intervals(names, "term").rename(columns={"mean": "estimate"}).assign(part="term")
    effects = crossed(term=names, study=size.authors()).assign(part="effect", se=0.3)
    effects["estimate"] = np.tan(np.arange(len(effects)) % 300 / 100)
    return figures.draw_orchard(pd.concat([terms, effects]), **LABELS)


@drawn
def caterpillar(size: Size) -> Figure:
    table = crossed(term=size.names(size.terms), study=size.authors())
    cell = {"term_mean": 0.1, "term_ci_lb": -0.1, "term_ci_ub": 0.3}
    mean = intervals(table["study"].tolist(), "study").drop(columns="study")
    return figures.draw_caterpillar(pd.concat([table, mean], axis=1).assign(**cell), **LABELS)


@drawn
def trace(size: Size) -> Figure:
    parameters = size.names(size.terms)
    traces = crossed(parameter=parameters, chain=range(4), draw=range(20)).assign(
        value=lambda rows: rows.index % 7
    )
    ranks = crossed(parameter=parameters, chain=range(4), bin=range(20)).assign(count=4, expected=5)
    return figures.draw_trace(traces, ranks, title=LABELS["title"])


@drawn
def prior_posterior(size: Size) -> Figure:
    strata = [f"{name.split(':')[0]}:study" for name in size.names(4 if size.long else 1)]
    table = crossed(level=strata, which=["prior", "posterior"], tau=np.linspace(0, 2, 9)).assign(
        density=1.0
    )
    return figures.draw_prior_posterior(table, title=LABELS["title"])


@drawn
def paired(size: Size) -> Figure:
    sources = ["REML, z test", "REML, cluster-robust (CR2)", "Bayes, other priors", "Bayes"]
    table = crossed(term=size.names(size.terms), source=sources).assign(
        estimate=0.3, ci_lb=-0.2, ci_ub=0.9
    )
    return figures.draw_paired(table, **LABELS)


@drawn
def comparison_types(size: Size) -> Figure:
    analyses = [f"comparison {name}" for name in "ABC"]
    table = crossed(term=size.names(size.terms), analysis=analyses)
    sizes = {"k": 1653, "studies": 184} if size.long else {"k": 4, "studies": 2}
    table = table.assign(estimate=-12.34, pval=0.01, **sizes)
    return figures.draw_comparison_types(table, **LABELS)


@drawn
def tau_along(size: Size) -> Figure:
    panels = product(size.names(2 if size.long else 1), ["study", "district"])
    parts = [
        pd.DataFrame({"level": level, "moderator": moderator, "x": np.linspace(0, 1, 9)})
        for moderator, level in panels
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(tau_mean=0.3, tau_ci_lb=0.1, tau_ci_ub=0.7)
    return figures.draw_tau_along(table, title=LABELS["title"])


@drawn
def profiles(size: Size) -> Figure:
    levels = [f"{name.split(':')[0]}:study" for name in size.names(4 if size.long else 2)]
    which = ["profile likelihood", "posterior"]
    table = crossed(level=levels, which=which, tau=np.linspace(0, 2, 9)).assign(height=0.5)
    return figures.draw_profiles(table, title=LABELS["title"])


@drawn
def mirrored(size: Size) -> Figure:
    cells = intervals(size.names(size.terms), "cell")
    sides = [cells.assign(side="human"), cells.assign(side="animal")[:-1]]
    return figures.draw_mirrored(pd.concat(sides, ignore_index=True), **LABELS)


@drawn
def quadrants(size: Size) -> Figure:
    cells = intervals(size.names(size.terms), "cell", 3).rename(
        columns=lambda name: {"cell": "cell"}.get(name, name)
    )
    x = cells[["mean", "ci_lb", "ci_ub"]].add_prefix("x_")
    y = (x.rename(columns=lambda name: name.replace("x_", "y_")) * 0.7)[::-1].reset_index(drop=True)
    table = pd.concat([cells[["cell"]], x, y], axis=1).assign(
        p_same=0.9876, studies_x=9, studies_y=3
    )
    return figures.draw_quadrants(table, ylabel="animal", **LABELS)


@drawn
def ridge(size: Size) -> Figure:
    names = [f"human - animal: {name}" for name in size.names(size.terms)]
    table = intervals(names, "contrast").assign(p_positive=0.99999, exploratory=True)
    densities = crossed(contrast=names, value=np.linspace(-1, 1, 9)).assign(density=1.0)
    return figures.draw_ridge(densities, table, rope=0.2, **LABELS)


@drawn
def flow(size: Size) -> Figure:
    reasons = size.names(size.terms)
    rows = [("screening", "screened", True, "records screened")]
    rows += [
        ("screening", "included", True, f"{kind} studies included")
        for kind in ("clinical", "preclinical")
    ]
    rows += [("effects", "read", True, "rows of the sheets")]
    rows += [("effects", "set", False, words(reason)) for reason in reasons]
    rows += [("effects", "set", True, "effects of 300 groups in 184 studies")]
    table = pd.DataFrame(rows, columns=["part", "step", "kept", "what"]).assign(count=123456)
    return figures.draw_flow(table, title=LABELS["title"])


@drawn
def risk_of_bias(size: Size) -> Figure:
    table = crossed(
        form=["SYRCLE, animals", "Newcastle-Ottawa, persons"], item=size.names(size.terms)
    )
    counts = {
        "yes": size.studies - 6,
        "unclear": 5,
        "no": 1,
        "assessed": size.studies,
        "studies": 300,
    }
    return figures.draw_risk_of_bias(
        table.assign(**counts, basis="search 1 only: no more"), title=LABELS["title"]
    )


@drawn
def conditional(size: Size) -> Figure:
    names = [name.split(":")[0] for name in size.names(6 if size.long else 1)]
    lines = crossed(line=names, x=[0.0, 5.0, 10.0]).assign(pi_level="study")
    lines["mean"] = lines["x"] / 10 + lines.groupby("line", sort=False).ngroup()
    ends = {"ci_lb": -0.2, "ci_ub": 0.2, "pi_lb": -1.0, "pi_ub": 1.0}
    lines = lines.assign(**{end: lines["mean"] + reach for end, reach in ends.items()})
    points = crossed(line=[*names, "another"], x=range(10)).assign(
        yi=lambda rows: np.sin(rows.index), sei=0.3
    )
    held = "; averaged over phase, valence; year at 2004" if size.long else ""
    axes = {"xlabel": f"dose{held}", "ylabel": LABELS["xlabel"], "by": "kind of noise"}
    return figures.draw_conditional(lines, points, **axes, title=LABELS["title"])
