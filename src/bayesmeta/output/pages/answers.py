"""The answer in five sentences: what was analysed and found, what varies, the other school, what could overturn it."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from bayesmeta.output.pages import facts
from bayesmeta.output.pages.cells import Cells
from bayesmeta.output.pages.prose import joined, parts
from bayesmeta.output.pages.results import Results

SENTENCES = ("analysed", "found", "varies", "schools", "overturns")
SHOWN = 8  # names in a list before "and others"
FIRST, ALL = 1, "all"
HELD = 0.975  # probability from which a statement or a side counts as settled


def answer(results: Results, html: bool = True) -> str:
    """The answer as five paragraphs of a sentence each.

    Parameters
    ----------
    results : Results
        A folder of results. A sentence whose tables it lacks says which command makes them.
    html : bool
        Paragraphs with `<data>` elements, safe to stand in a page as they are; or plain text.

    Raises
    ------
    BadInput
        posterior.nc cannot be read.
    """
    blocks = [
        part
        for part in parts("answer.j2", html=html, **context_of(results, html))
        if part.kind != "heading"
    ]
    return joined(blocks, html=html)


def sentences(results: Results, html: bool = True) -> dict[str, str]:
    """The same sentences by what they answer: analysed, found, varies, schools, overturns; without paragraph marks."""
    blocks = parts("answer.j2", html=html, **context_of(results, html))
    return {head.text: body.text for head, body in zip(blocks[::2], blocks[1::2], strict=True)}


def context_of(results: Results, html: bool) -> dict[str, Any]:
    """What the template reads: cells and facts, names by what they conclude, the commands not yet run."""
    tables = facts.with_facts(results)
    cell, saved = Cells(tables, html=html), facts.saved_model(results)

    def fact(name: str, digits: int = 0) -> str:
        return cell("facts", name, "value", digits)

    return {
        "about": results.about,
        "has": set(tables),
        "known": set(tables["facts"]["fact"]),
        "cell": cell,
        "fact": fact,
        "spec": saved.spec,
        "scale": saved.scale,
        "shown": SHOWN,
        "command": command_of(results),
        **found_in(tables),
        **varied_in(tables),
        **compared_in(tables),
        **doubted_in(tables),
    }


def command_of(results: Results) -> Callable[[str], str]:
    """Writes the command that would add what is missing: `bayesmeta compare --dataset preclinical`."""
    about = results.about
    title, files = (
        str(about.get("title") or ""),
        [source["name"] for source in about.get("sources", [])],
    )
    given = files[0] if files and title == f"effects from {files[0]}" else about.get("dataset")
    options = f" --dataset {given}"
    if about.get("model") and about["model"] not in ("three-level", "translational"):
        options += f" --model {about['model']}"
    if about.get("moderators"):
        options += f" --moderators '{about['moderators']}'"
    if about.get("where"):
        options += f' --where "{about["where"]}"'
    if about.get("variant") not in (None, "calibrated"):
        options += f" --variant {about['variant']}"
    return lambda name: f"bayesmeta {name}{options}"


def found_in(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Terms by side; where the model has sides, discrepancies by pair of sides and statements by their fate."""
    sides = (
        facts.sides_of(tables["terms"]) if "terms" in tables else {side: [] for side in facts.SIDES}
    )
    sole = list(tables["terms"]["term"]) if "terms" in tables and len(tables["terms"]) == 1 else []
    rows = tables.get("discrepancies", pd.DataFrame())
    pairs = (
        []
        if rows.empty
        else [_pair(own) for _, own in rows.groupby(["first", "second"], sort=False)]
    )
    return {"sides": sides, "sole": sole, "pairs": pairs, "statements": _statements(tables)}


def _pair(rows: pd.DataFrame) -> dict[str, Any]:
    """Discrepancies between two sides: firm ones below, above and open; and those that rest on few studies."""
    first, second = rows[["first", "second"]].iloc[0]
    few = rows["exploratory"].astype(bool)
    ending = f": {first} - {second}"
    short = {name: name.removesuffix(ending) for name in rows["contrast"]}
    return {
        "first": first,
        "second": second,
        **facts.sides_of(rows[~few]),
        "few": list(rows.loc[few, "contrast"]),
    } | {"short": short}


def _statements(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    if "concordance" not in tables:
        return {"hold": [], "open": [], "fail": []}
    rows = tables["concordance"].dropna(subset="p")
    joint = rows[rows["statement"] == "both"]
    return {
        "hold": list(joint.loc[joint["p"] >= HELD, "phenotype"]),
        "open": list(
            joint.loc[joint["p"].between(1 - HELD, HELD, inclusive="neither"), "phenotype"]
        ),
        "fail": list(joint.loc[joint["p"] <= 1 - HELD, "phenotype"]),
    }


def varied_in(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Levels of each stratum, "" for the only one; terms by where the next study's true effect would lie."""
    strata: dict[str, list[str]] = {}
    for level in tables["heterogeneity"]["level"] if "heterogeneity" in tables else []:
        strata.setdefault(str(level).rpartition(":")[0], []).append(str(level))
    empty: dict[str, list[str]] = {side: [] for side in facts.SIDES}
    return {
        "strata": strata,
        "next": facts.next_study_sides(tables["prediction"]) if "prediction" in tables else empty,
    }


def compared_in(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Where the schools part, alone and with cluster-robust errors; and which term they put furthest apart."""
    if "comparison" not in tables:
        return {"parted": [], "robust": None, "furthest": ""}
    rows = tables["comparison"].dropna(subset=["side_frequentist", "side_posterior"])
    rows = rows[~rows["term"].str.startswith("tau_")].set_index("term")
    robust, own = None, dict(zip(rows.index, rows["side_posterior"], strict=True))
    if "frequentist_robust" in tables:
        there = facts.sides_of(tables["frequentist_robust"].dropna(subset=["ci_lb", "ci_ub"]))
        robust = [
            name for side, names in there.items() for name in names if own.get(name, side) != side
        ]
    parted = list(rows.index[rows["side_frequentist"] != rows["side_posterior"]])
    return {"parted": parted, "robust": robust, "furthest": rows["shift"].abs().idxmax()}


def doubted_in(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Checks by state; what a bias model unsettles; first-rank findings; the conclusion that fares worst."""
    none = pd.DataFrame()
    checks, bias = tables.get("check", none), tables.get("bias_cells", none)
    states = (
        {state: list(rows["check"]) for state, rows in checks.groupby("state")}
        if len(checks)
        else {}
    )
    lint, verdicts = tables.get("lint", none), tables.get("verdicts", none)
    first = lint[lint["rank"] == FIRST] if len(lint) else none
    codes = (
        {code: rows["finding"].iloc[0] for code, rows in first.groupby("code", sort=False)}
        if len(first)
        else {}
    )
    settled = (
        verdicts[verdicts["verdict"] != "open"].dropna(subset="least") if len(verdicts) else none
    )
    weakest = settled.sort_values("least")["contrast"].iloc[0] if len(settled) else ""
    return {
        "states": states,
        "unsettled": _unsettled(bias) if len(bias) else [],
        "codes": codes,
        "changes": _changes(tables, first),
        "weakest": weakest,
    }


def _unsettled(bias: pd.DataFrame) -> list[str]:
    """Contrasts that are on a side of zero unadjusted and not on the same one under some bias model."""
    sides = {
        model: {name: side for side, names in facts.sides_of(rows).items() for name in names}
        for model, rows in bias.groupby("model")
    }
    base = sides.pop("unadjusted", {})
    firm = [name for name in bias["contrast"].unique() if base.get(name, "open") != "open"]
    return [
        name
        for name in firm
        if any(other.get(name, base[name]) != base[name] for other in sides.values())
    ]


def _changes(tables: Mapping[str, pd.DataFrame], first: pd.DataFrame) -> list[dict[str, Any]]:
    """Conclusions that change side when a first-rank finding, or all standard errors of that rank, are put right."""
    if "lint_refits" not in tables or first.empty:
        return []
    refits = tables["lint_refits"]
    own = refits["finding"].astype(str).isin([*first["finding"].astype(str), ALL])
    changed = refits[own & refits["changed"].notna() & (refits["changed"] != "")]
    rows: list[dict[str, Any]] = (
        changed[["finding", "contrast"]].drop_duplicates("contrast").to_dict("records")
    )  # type: ignore[assignment]
    return rows
