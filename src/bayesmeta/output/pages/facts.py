"""Numbers of the prose that no other table holds: sizes, counts, choices of the sampling."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from bayesmeta.estimates.conventions import PLURALS, SETTLED
from bayesmeta.estimates.frequentist import side_of_zero
from bayesmeta.estimates.text import probability_text
from bayesmeta.output.pages.results import FIT, Results
from bayesmeta.output.pages.saved_model import SavedModel, saved_model

Fact = tuple[str, Any]
Tables = Mapping[str, pd.DataFrame]
SUPPORTED = "supported/"  # tables of the fit of the model that the data support
SIDES = ("below", "above", "open")
NEW_STUDY = "study"  # level of the prediction intervals
SAMPLING = ("draws", "tune", "chains", "seed")
VERDICTS = ("holds", "weakens", "changes sign", "overturned", "open")


def with_facts(results: Results) -> dict[str, pd.DataFrame]:
    """Return the tables of a folder together with `facts`."""
    return results.tables | {"facts": facts_table(results)}


def answering(tables: Tables) -> dict[str, pd.DataFrame]:
    """Return the tables, with those of the supported model in place of those it has."""
    names = [name for name in tables if name.startswith(SUPPORTED)]
    return dict(tables) | {name.removeprefix(SUPPORTED): tables[name] for name in names}


def facts_table(results: Results) -> pd.DataFrame:
    """Return the numbers that no other table holds: columns fact and value.

    A fact is such as `effects`, `means below`, `checks passed`; a value is a number, or a text such
    as a prior. Commands that were not run have no facts. Raises BadInput if posterior.nc
    cannot be read.
    """
    saved = saved_model(results)
    tables = answering(results.tables)
    of_tables = [_sides, _settled_signs, _probabilities, _agreement, _verdicts, _lint]
    facts = dict(_sizes(saved, tables))
    for facts_of in of_tables:
        facts |= dict(facts_of(tables))
    facts |= dict(_sampling(results)) | dict(_choices(saved, results))
    values = pd.Series(list(facts.values()), dtype=object)
    return pd.DataFrame({"fact": list(facts), "value": values})


def names_by_side(
    rows: pd.DataFrame, lower: str = "ci_lb", upper: str = "ci_ub"
) -> dict[str, list[str]]:
    """Return the names in a table's first column by side of zero: below, above, open."""
    names: dict[str, list[str]] = {side: [] for side in SIDES}
    if len(rows):
        for name, low, high in rows[[rows.columns[0], lower, upper]].itertuples(index=False):
            names[side_of_zero(low, high)].append(str(name))
    return names


def new_study_sides(tables: Tables) -> dict[str, list[str]]:
    """Return the terms by side of zero of a new study's prediction interval."""
    prediction = tables.get("prediction", pd.DataFrame(columns=["level"]))
    return names_by_side(prediction[prediction["level"] == NEW_STUDY], "pi_lb", "pi_ub")


def _sizes(saved: SavedModel, tables: Tables) -> Iterator[Fact]:
    if saved.sizes:
        yield from ((PLURALS[name], size) for name, size in saved.sizes.items())
    elif "frequentist_fit" in tables:
        row = tables["frequentist_fit"].iloc[0]
        for fact, column in (("effects", "k"), ("groups", "groups"), ("studies", "studies")):
            yield fact, int(row[column])


def _sides(tables: Tables) -> Iterator[Fact]:
    """Yield the numbers of means and of new studies by side of zero, and of named contrasts."""
    if "terms" in tables:
        terms = tables["terms"]
        yield "means", len(terms)
        yield from ((f"means {side}", len(names)) for side, names in names_by_side(terms).items())
    if "prediction" in tables:
        yield "terms with a new study on either side", len(new_study_sides(tables)["open"])
    if {"terms", "contrasts"} <= set(tables):
        contrasts = tables["contrasts"]["contrast"]
        yield "contrasts", int((~contrasts.isin(tables["terms"]["term"])).sum())


def _settled_signs(tables: Tables) -> Iterator[Fact]:
    """Yield the number of settled signs of terms, contrasts and discrepancies, and of wrong ones.

    The expected number of wrong signs is the sum of the probabilities of the other sign.
    """
    names = [name for name in ("contrasts", "discrepancies") if name in tables]
    if not names:
        return
    rows = pd.concat([tables[name][["contrast", "p_positive"]] for name in names])
    p = rows.drop_duplicates("contrast")["p_positive"]
    other = p.where(p < 0.5, 1 - p)
    settled = other[other <= 1 - SETTLED]
    yield "settled signs", len(settled)
    yield "wrong among the settled signs", float(settled.sum())


def _probabilities(tables: Tables) -> Iterator[Fact]:
    if "discrepancies" in tables:
        rows = tables["discrepancies"]
        for name, p in zip(rows["contrast"], rows["p_positive"], strict=True):
            yield f"probability of the sign: {name}", probability_text(max(p, 1 - p))
    if "concordance" in tables:
        rows = tables["concordance"].dropna(subset="p")
        joint = rows[rows["statement"].isin(["both", "all"])]
        for name, p in zip(joint["phenotype"], joint["p"], strict=True):
            yield f"probability: {name}", probability_text(p)
    if "terms" in tables and len(tables["terms"]) == 1:
        p = tables["terms"]["p_positive"].iloc[0]
        yield "probability of the sign of the mean", probability_text(max(p, 1 - p))
    if "verdicts" in tables:
        settled = tables["verdicts"][tables["verdicts"]["verdict"] != "open"]
        if settled["least"].notna().any():
            yield "lowest probability of a conclusion", probability_text(settled["least"].min())


def _agreement(tables: Tables) -> Iterator[Fact]:
    """Yield the numbers of frequentist and Bayesian estimates on the same side of zero."""
    if "comparison" in tables:
        rows = tables["comparison"].dropna(subset=["side_frequentist", "side_posterior"])
        rows = rows[~rows["term"].str.startswith("tau_")]
        same = rows["side_frequentist"] == rows["side_posterior"]
        yield "compared", len(rows)
        yield "on the same side by REML and Bayes", int(same.sum())


def _verdicts(tables: Tables) -> Iterator[Fact]:
    if "check" in tables:
        yield "checks", len(tables["check"])
        yield "checks passed", int((tables["check"]["state"] == "passed").sum())
    if "alternatives" in tables:
        yield "alternatives", len(tables["alternatives"]) - 1
    if "verdicts" in tables:
        verdicts = tables["verdicts"]["verdict"]
        yield "conclusions", len(verdicts)
        for verdict in VERDICTS:
            yield f"conclusions: {verdict}", int((verdicts == verdict).sum())


def _lint(tables: Tables) -> Iterator[Fact]:
    """Yield the numbers of findings by rank, and of those of the first rank by code."""
    if "lint" in tables:
        rows = tables["lint"]
        for rank in (1, 2, 3):
            yield f"findings of rank {rank}", int((rows["rank"] == rank).sum())
        codes = rows.loc[rows["rank"] == 1, "code"].value_counts(sort=False)
        yield from ((f"first rank: {code}", count) for code, count in codes.items())


def _sampling(results: Results) -> Iterator[Fact]:
    about = results.provenance.get(FIT, {})
    yield from ((name, about[name]) for name in SAMPLING if about.get(name) is not None)
    if {"draws", "chains"} <= set(about):
        yield "draws in all", about["draws"] * about["chains"]
    rules = results.diagnostics.get("rules", {})
    yield from ((f"rule: {name}", value) for name, value in rules.items())
    for name, value in results.diagnostics.items():
        if type(value) in (int, float):  # and not bool
            yield f"diagnostic: {name}", value


def _choices(saved: SavedModel, results: Results) -> Iterator[Fact]:
    """Yield texts that contain digits: the query, notes, versions, priors."""
    about = results.about
    if about.get("where"):
        yield "kept", str(about["where"])
    yield from ((f"version: {name}", text) for name, text in about.get("versions", {}).items())
    for name in ("git_commit", "created", "model_sha256"):
        if about.get(name):
            yield name, str(about[name])
    yield from ((f"note {at}", str(note)) for at, note in enumerate(about.get("notes", []), 1))
    if saved.spec is not None:
        yield "rope", saved.spec.rope
        yield "rho", saved.spec.rho
        for key, prior in saved.spec.priors.items():
            yield f"prior: {key}", str(prior)
            yield f"reason of the prior: {key}", prior.reason
