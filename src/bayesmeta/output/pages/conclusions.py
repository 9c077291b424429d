"""The names that the prose lists, grouped by the conclusions that the tables allow."""

from typing import Any

import pandas as pd

from bayesmeta.estimates.conventions import SETTLED, WITHOUT_EXTREME
from bayesmeta.estimates.frequentist import side_of_zero
from bayesmeta.output.pages.facts import SUPPORTED, Tables, names_by_side, new_study_sides

FIRST_RANK = 1  # of the lint's findings
ALL = "all"  # of the lint's refits: with all findings of the first rank corrected
NONE = pd.DataFrame()
REFINED = ["refinement", "term", "shift"]


def estimated(tables: Tables) -> dict[str, Any]:
    """Return terms by side of zero, and discrepancies and statements of a model with sides."""
    terms = tables.get("terms", NONE)
    rows = tables.get("discrepancies", pd.DataFrame(columns=["first", "second"]))
    return {
        "sides": names_by_side(terms),
        "terms_in_order": list(terms["term"]) if len(terms) else [],
        "sole": list(terms["term"]) if len(terms) == 1 else [],
        "pairs": [_pair(pair) for _, pair in rows.groupby(["first", "second"], sort=False)],
        "statements": _statements(tables),
    }


def _pair(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the discrepancies between two sides: below, above, open, and those of few studies."""
    first, second = rows[["first", "second"]].iloc[0]
    few = rows["exploratory"].astype(bool)
    ending = f": {first} - {second}"
    return {
        "first": first,
        "second": second,
        **names_by_side(rows[~few]),
        "few": list(rows.loc[few, "contrast"]),
        "short": {name: name.removesuffix(ending) for name in rows["contrast"]},
    }


def _statements(tables: Tables) -> dict[str, list[str]]:
    """Return the joint statements that hold on both sides, and those that fail."""
    rows = tables.get("concordance", pd.DataFrame(columns=["phenotype", "statement", "p"]))
    joint = rows[rows["statement"] == "both"].dropna(subset="p")
    return {
        "hold": list(joint.loc[joint["p"] >= SETTLED, "phenotype"]),
        "fail": list(joint.loc[joint["p"] <= 1 - SETTLED, "phenotype"]),
    }


def varied(tables: Tables) -> dict[str, Any]:
    """Return the levels by stratum ("" without strata), and the terms by side of a new study."""
    strata: dict[str, list[str]] = {}
    heterogeneity = tables.get("heterogeneity", pd.DataFrame({"level": []}))
    for level in map(str, heterogeneity["level"]):
        strata.setdefault(level.rpartition(":")[0], []).append(level)
    return {"strata": strata, "new_study": new_study_sides(tables)}


def averages(tables: Tables) -> dict[str, Any]:
    """Return the mean that averaging over models changes most ("" without it), and components."""
    rows = tables.get("averaged", NONE)
    terms = tables.get("terms", NONE)
    if not (len(rows) and len(terms)):
        return {"averaged": "", "components": []}
    both = terms.set_index("term").join(rows.set_index("name")[["mean"]], rsuffix="_averaged")
    shift = ((both["mean_averaged"] - both["mean"]) / both["sd"]).abs().dropna()
    components = list(tables["inclusion"]["component"]) if "inclusion" in tables else []
    return {"averaged": str(shift.idxmax()) if len(shift) else "", "components": components}


def moved(tables: Tables) -> dict[str, Any]:
    """Return the means that differ between the requested and the supported model, and why.

    Keys: moved: names of means and contrasts, the largest difference in posterior sds first;
    turned: those with another side of zero; without: the mean that
    extreme effects move most, in the rows of `refinement`.
    """
    rows = _both_models(tables)
    size = ((rows["mean"] - rows["mean_supported"]) / rows["sd"]).abs()
    sides = [
        list(map(side_of_zero, rows[f"ci_lb{end}"], rows[f"ci_ub{end}"]))
        for end in ("", "_supported")
    ]
    refinements = tables.get(f"{SUPPORTED}refinements", pd.DataFrame(columns=REFINED))
    extreme = refinements["refinement"] == WITHOUT_EXTREME
    shifts = refinements[extreme].dropna(subset="shift")
    return {
        "moved": list(rows["term"][size.sort_values(ascending=False).index]),
        "turned": [
            name
            for name, first, second in zip(rows["term"], *sides, strict=True)
            if first != second
        ],
        "refinement": WITHOUT_EXTREME,
        "without": "" if shifts.empty else shifts["term"].iloc[shifts["shift"].abs().argmax()],
    }


def _both_models(tables: Tables) -> pd.DataFrame:
    """Return the terms with the columns of both models; no rows without a supported model."""
    terms = tables.get("terms", pd.DataFrame(columns=["term", "mean", "sd", "ci_lb", "ci_ub"]))
    supported = tables.get(f"{SUPPORTED}terms", terms[:0])
    return terms.merge(supported, on="term", suffixes=("", "_supported"))


def compared(tables: Tables) -> dict[str, Any]:
    """Return the terms on which REML and Bayes differ, and the term with the largest shift.

    Terms that change their side of zero with cluster-robust errors are in `robust` (else None).
    """
    if "comparison" not in tables:
        return {"differing": [], "robust": None, "furthest": ""}
    rows = tables["comparison"].dropna(subset=["side_frequentist", "side_posterior"])
    rows = rows[~rows["term"].str.startswith("tau_")].set_index("term")
    posterior = rows["side_posterior"].to_dict()
    robust = None
    if "frequentist_robust" in tables:
        reliable = tables["frequentist_robust"].dropna(subset=["ci_lb", "ci_ub"])
        if "caution" in reliable:
            reliable = reliable[reliable["caution"].isna()]
        sides = names_by_side(reliable)
        pairs = [(name, side) for side, names in sides.items() for name in names]
        robust = [name for name, side in pairs if posterior.get(name, side) != side]
    return {
        "differing": list(rows.index[rows["side_frequentist"] != rows["side_posterior"]]),
        "robust": robust,
        "furthest": rows["shift"].abs().idxmax(),
    }


def doubted(tables: Tables) -> dict[str, Any]:
    """Return what may change the conclusions.

    Keys: states: checks by state; unsettled: contrasts that a bias model unsettles; codes: findings
    of the first rank, the first of every code; changes: conclusions that change with their
    correction; weakest: the conclusion with the lowest probability under an alternative.
    """
    checks, lint, verdicts = (tables.get(name, NONE) for name in ("check", "lint", "verdicts"))
    first = lint[lint["rank"] == FIRST_RANK] if len(lint) else NONE
    settled = NONE
    if len(verdicts):
        settled = verdicts[verdicts["verdict"] != "open"].dropna(subset="least")
    states = checks.groupby("state")["check"].agg(list).to_dict() if len(checks) else {}
    codes = first.groupby("code", sort=False)["finding"].first().to_dict() if len(first) else {}
    return {
        "states": states,
        "unsettled": _unsettled(tables.get("bias_cells", NONE)),
        "codes": codes,
        "changes": _changes(tables, first),
        "weakest": settled.sort_values("least")["contrast"].iloc[0] if len(settled) else "",
    }


def _unsettled(bias: pd.DataFrame) -> list[str]:
    """Return contrasts with a settled sign that is not the same under every bias model."""
    if bias.empty:
        return []
    sides = bias.assign(side=list(map(side_of_zero, bias["ci_lb"], bias["ci_ub"])))
    by_model = sides.pivot_table("side", "contrast", "model", aggfunc="first")
    unadjusted = by_model.pop("unadjusted").fillna("open")
    moved = by_model.notna() & by_model.ne(unadjusted, axis=0)
    unsettled = moved.any(axis=1) & (unadjusted != "open")
    return [name for name in bias["contrast"].unique() if unsettled[name]]


def _changes(tables: Tables, first: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the conclusions that change if findings of the first rank are corrected, or all."""
    if "lint_refits" not in tables or first.empty:
        return []
    refits = tables["lint_refits"]
    corrected = refits["finding"].astype(str).isin([*first["finding"].astype(str), ALL])
    changed = refits[corrected & refits["changed"].notna() & (refits["changed"] != "")]
    return changed[["finding", "contrast"]].drop_duplicates("contrast").to_dict("records")
