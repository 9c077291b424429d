"""Figures of checks, screening and plans: small with short names, large with long names."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesmeta.output import figures
from bayesmeta.output.figures.multiverse import draw_multiverse
from bayesmeta.output.figures.planning import draw_plan
from drawings import LABELS, Size, crossed, drawn, intervals


@drawn
def bias(size: Size) -> Figure:
    models = ["unadjusted", "PET", "PEESE", "selection"]
    cells = crossed(contrast=size.names(size.terms), model=models).assign(
        mean=0.3, ci_lb=-0.2, ci_ub=0.9
    )
    strata = [f"{name.split(':')[0]}:" for name in size.names(3, "rats")] if size.long else [""]
    rows = [{"model": "PET", "parameter": f"{stratum}bias:pet"} for stratum in strata]
    rows += [{"model": "selection", "parameter": f"{stratum}weights[p > .5]"} for stratum in strata]
    parameters = pd.DataFrame(rows).assign(mean=0.7, ci_lb=0.5, ci_ub=1.1)
    told = pd.DataFrame(
        {"model": models, "difference": [0, -1, -2, 2.7], "difference_se": [0, 9, 9, 5]}
    )
    return figures.draw_bias(cells, parameters, told, **LABELS)


@drawn
def funnel(size: Size) -> Figure:
    rng = np.random.default_rng(1)
    points = crossed(which=["observed", "replicate"], at=range(size.studies))
    points = points.assign(
        residual=rng.normal(0, 40, len(points)), se=rng.uniform(0.1, 2, len(points)), cell="all"
    )
    statistics = ["egger", "egger_size", "skewness", "significant", "step"]
    draws = crossed(statistic=statistics, at=range(50)).assign(cell="all")
    draws = draws.assign(replicate=rng.normal(size=len(draws)), naive=rng.normal(size=len(draws)))
    table = pd.DataFrame({"statistic": statistics, "observed": 0.5, "p": 1e-6, "cell": "all"})
    return figures.draw_funnel(points, table, draws, title=LABELS["title"])


@drawn
def baujat(size: Size) -> Figure:
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"study": size.authors(), "misfit": rng.lognormal(0, 1.5, size.studies)})
    cells = np.resize(size.names(size.terms), size.studies)
    influence = table["misfit"] ** 2 * rng.lognormal(0, 1, size.studies) / 100
    return figures.draw_baujat(
        table.assign(influence=influence, k=np.arange(size.studies) % 9 + 1, cell=cells),
        title=LABELS["title"],
    )


@drawn
def gosh(size: Size) -> Figure:
    table = crossed(contrast=size.names(size.terms), includes=[True, False], at=range(9)).assign(
        heterogeneity=1.0
    )
    return figures.draw_gosh(
        table.assign(mean=np.cos(table.index), study=size.authors()[0]), **LABELS
    )


@drawn
def leave_one_out(size: Size) -> Figure:
    rng = np.random.default_rng(3)
    k_hat = rng.uniform(-0.2, 0.6, size.studies)
    k_hat[: max(3, size.studies // 40)] += 0.4
    table = pd.DataFrame(
        {
            "study": size.authors(),
            "k": 3,
            "k_hat": k_hat,
            "elpd": -rng.lognormal(1, 1, size.studies),
        }
    )
    return figures.draw_leave_one_out(table.assign(how="exact"), title=LABELS["title"])


@drawn
def sensitivity(size: Size) -> Figure:
    names = [*size.names(size.terms), "tau_study"]
    psense = pd.DataFrame({"contrast": names, "prior": 0.06, "likelihood": 0.1})
    psense = psense.assign(
        diagnosis=np.resize(["potential prior-data conflict", "neither"], len(names))
    )
    labels = [
        "as fitted",
        "twice as wide",
        "half as wide",
        "Cauchy",
        "half-Cauchy taus",
        "flat, uniform taus",
    ]
    refits = crossed(contrast=names, label=labels).assign(mean=0.3, ci_lb=-0.2, ci_ub=0.9)
    return figures.draw_sensitivity(psense, refits, **LABELS)


@drawn
def multiverse(size: Size) -> Figure:
    kinds = {"base": 1, "comparison": 3, "data": 3, "model": 5, "priors": 2, "deletion": 1}
    columns = [(f"{kind} {at}", kind) for kind, count in kinds.items() for at in range(count)]
    columns = columns if size.long else columns[:4]
    table = crossed(contrast=size.names(size.terms), alternative=[name for name, _ in columns])
    label = table["alternative"] + (" with corrected errors, one by one" if size.long else "")
    told = {
        "conclusion": "> 0",
        "p_conclusion": 0.97,
        "text": ".97",
        "state": "open",
        "moved": True,
    }
    return draw_multiverse(
        table.assign(label=label, kind=table["alternative"].map(dict(columns)), **told),
        title=LABELS["title"],
    )


@drawn
def importance(size: Size) -> Figure:
    names = size.names(14 if size.long else 2)
    table = intervals(names, "moderator").assign(held_out=0.4)
    shares = {
        f"p_rank_{rank}": 1 / len(names) if len(names) < 9 else 0.2
        for rank in range(1, len(names) + 1)
    }
    return figures.draw_importance(table.assign(**shares), title=LABELS["title"])


@drawn
def dependence(size: Size) -> Figure:
    few = size.names(4 if size.long else 2)
    parts = [
        pd.DataFrame({"moderator": name, "level": few, "at": np.arange(len(few)), "category": True})
        for name in size.names(size.terms)
    ]
    if size.long:
        many = size.names(16)
        parts += [
            pd.DataFrame(
                {"moderator": "many", "level": many, "at": np.arange(16), "category": True}
            )
        ]
    parts += [
        pd.DataFrame(
            {"moderator": "age", "level": "", "at": np.linspace(0, 1, 9), "category": False}
        )
    ]
    table = pd.concat(parts, ignore_index=True).assign(k=1234, effect=0.2, ci_lb=-0.2, ci_ub=0.6)
    return figures.draw_dependence(table, title=LABELS["title"], ylabel=LABELS["xlabel"])


@drawn
def pairs(size: Size) -> Figure:
    count = 8 if size.long else 2
    levels = list(enumerate(size.names(count)))
    names = size.names(4 if size.long else 2, "kind")
    rows = [
        (names[0], second, *one, *two)
        for second in names[1:]
        for one, two in product(levels, levels)
    ]
    table = pd.DataFrame(rows, columns=["first", "second", "at_1", "level_1", "at_2", "level_2"])
    return figures.draw_pairs(
        table.assign(k=3, effect=np.sin(table.index)), title=LABELS["title"], label="Hedges' g"
    )


@drawn
def convergence(size: Size) -> Figure:
    table = pd.DataFrame(
        {"trees": [100, 1000, 10000], "held_out": 1.2, "out_of_bag": [1.5, 1.3, 1.2]}
    )
    return figures.draw_convergence(table, title=LABELS["title"])


@drawn
def tree(size: Size) -> Figure:
    splits, name = size.terms - 1, size.names(1)[0]
    rows: list[dict[str, Any]] = [{"node": 0, "parent": 0, "leaf": False}]
    for at in range(splits):  # the second child of each split is split again
        rows.append({"node": 2 * at + 1, "parent": 2 * at, "leaf": True})
        rows.append({"node": 2 * at + 2, "parent": 2 * at, "leaf": at == splits - 1})
    table = pd.DataFrame(rows)
    table["node"], table["parent"] = table["node"] + 1, table["parent"] + 1
    table.loc[0, "parent"] = 0
    split = f"{name} = {', '.join(size.names(3))}"
    return figures.draw_tree(
        table.assign(
            moderator=name, split=split, k=1234, studies=300, estimate=-0.5, ci_lb=-12.5, ci_ub=10.4
        ),
        **LABELS,
    )


@drawn
def plan(size: Size) -> Figure:
    table = crossed(
        contrast=size.names(size.terms),
        quantity=["width", "p_settled"],
        per_arm=[10, 20],
        studies=[1, 9],
    )
    note = "20 per arm: 123 studies for a width of 0.5" if size.long else "not within 100"
    told = {"value": 0.6, "low": 0.5, "high": 0.7, "today": 0.9, "floor": 0.3, "note": note}
    return draw_plan(table.assign(**told), **LABELS)


@drawn
def averages(size: Size) -> Figure:
    models = [*size.names(9 if size.long else 3), "average"]
    table = crossed(name=size.names(size.terms), model=models)
    shares = np.resize([0.5, 0.3, 0.2], len(table))
    table = table.assign(posterior=shares, mean=0.3, ci_lb=-0.2, ci_ub=0.9)
    return figures.draw_averages(table, **LABELS)


@drawn
def inclusion(size: Size) -> Figure:
    names = size.names(size.terms)
    table = pd.DataFrame({"component": names, "prior": 0.5, "posterior": 0.93})
    return figures.draw_inclusion(table, title=LABELS["title"])


@drawn
def factor_curves(size: Size) -> Figure:
    table = crossed(component=size.names(min(size.terms, 5)), scale=[0.25, 0.5, 1.0, 2.0, 4.0])
    factors = np.resize([3.0, 1.0, 0.0, -2.0, 40.0], len(table))
    return figures.draw_factor_curves(table.assign(log_bayes_factor=factors), title=LABELS["title"])
