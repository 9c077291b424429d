"""Numbers that stand in no other table: sizes, counts of cells and verdicts, how it was sampled."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bayesmeta.estimates.frequentist import side_of_zero
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec, read_spec, spec_from_json
from bayesmeta.output.pages.results import FIT, Results

Fact = tuple[str, Any]
SIDES = ("below", "above", "open")
NEXT_STUDY = "study"


class Saved(NamedTuple):
    """What a posterior carries: the model that was fitted, what its numbers are, and its sizes by dimension."""

    spec: ModelSpec | None
    scale: str
    sizes: Mapping[str, int]


def saved_model(results: Results) -> Saved:
    """The model that was fitted, read from posterior.nc without xarray, which takes a second to start.

    Without a posterior it is the model file that provenance names, where its hash is the same; else None.
    """
    path = results.folder / "posterior.nc"
    if path.is_file():
        return _from_posterior(path)
    about = results.about
    try:
        spec = read_spec(str(about.get("model")))
    except BadInput:
        return Saved(None, "", {})
    return Saved(spec if spec.sha256 == about.get("model_sha256") else None, "", {})


def _from_posterior(path: Path) -> Saved:
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(path) as file:
            design = file["constant_data"]
            attrs = {key: str(design.attrs.get(key, "")) for key in ("model", "scale")}
            dimensions = ("effect", "group", "study", "term")
            sizes = {name: int(design[name].shape[0]) for name in dimensions if name in design}
    except (OSError, KeyError) as error:
        raise BadInput(f"{path} cannot be read: {error}; run bayesmeta fit again") from error
    return Saved(spec_from_json(attrs["model"]), attrs["scale"], sizes)


def with_facts(results: Results) -> dict[str, pd.DataFrame]:
    """The tables of a folder and `facts`."""
    return results.tables | {"facts": facts_table(results)}


def facts_table(results: Results) -> pd.DataFrame:
    """What prose counts and no other table holds.

    Returns
    -------
    DataFrame
        fact (`effects`; `terms below zero`; `checks to look at`), value: a number, or a text such as a prior. What no
        command has left tables for is not there.

    Raises
    ------
    BadInput
        posterior.nc cannot be read.
    """
    saved, tables = saved_model(results), results.tables
    parts = (
        _sizes(saved, tables),
        _sides(tables),
        _certainties(tables),
        _schools(tables),
        _verdicts(tables),
        _lint(tables),
        _sampling(results),
        _choices(saved, results),
    )
    found = dict(fact for part in parts for fact in part)
    return pd.DataFrame(
        {"fact": list(found), "value": pd.Series(list(found.values()), dtype=object)}
    )


def sides_of(
    rows: pd.DataFrame, lower: str = "ci_lb", upper: str = "ci_ub"
) -> dict[str, list[str]]:
    """Names in a table's first column by where their interval lies: below zero, above, open."""
    found: dict[str, list[str]] = {side: [] for side in SIDES}
    for name, low, high in rows[[rows.columns[0], lower, upper]].itertuples(index=False):
        found[side_of_zero(low, high)].append(str(name))
    return found


def next_study_sides(prediction: pd.DataFrame) -> dict[str, list[str]]:
    """Terms by where the prediction interval of the next study's true effect lies."""
    return sides_of(prediction[prediction["level"] == NEXT_STUDY], "pi_lb", "pi_ub")


def differences(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The contrasts that are no single terms."""
    contrasts = tables["contrasts"]
    return contrasts[~contrasts["contrast"].isin(tables["terms"]["term"])]


def certainty(p: float) -> str:
    """A probability that a finite number of draws never makes certain."""
    return "> .999" if p > 0.999 else "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0")


def _sizes(saved: Saved, tables: Mapping[str, pd.DataFrame]) -> Iterator[Fact]:
    sizes = {f"{name}s": size for name, size in saved.sizes.items()}
    if not sizes and "frequentist_fit" in tables:
        row = tables["frequentist_fit"].iloc[0]
        sizes = {
            "effects": int(row["k"]),
            "groups": int(row["groups"]),
            "studies": int(row["studies"]),
        }
    yield from ((name.replace("studys", "studies"), size) for name, size in sizes.items())


def _sides(tables: Mapping[str, pd.DataFrame]) -> Iterator[Fact]:
    if "terms" in tables:
        yield "means", len(tables["terms"])
        yield from (
            (f"means {side}", len(names)) for side, names in sides_of(tables["terms"]).items()
        )
    if "prediction" in tables:
        yield "next study on either side", len(next_study_sides(tables["prediction"])["open"])
    if {"terms", "contrasts"} <= set(tables):
        yield "contrasts", len(differences(tables))


def _certainties(tables: Mapping[str, pd.DataFrame]) -> Iterator[Fact]:
    if "discrepancies" in tables:
        rows = tables["discrepancies"]
        for name, p in zip(rows["contrast"], rows["p_positive"], strict=True):
            yield f"probability of the side of: {name}", certainty(max(p, 1 - p))
    if "concordance" in tables:
        rows = tables["concordance"].dropna(subset="p")
        for name, p in rows.loc[
            rows["statement"].isin(["both", "all"]), ["phenotype", "p"]
        ].itertuples(index=False):
            yield f"probability: {name}", certainty(p)
    if "terms" in tables and len(tables["terms"]) == 1:
        p = tables["terms"]["p_positive"].iloc[0]
        yield "probability of the side of the mean", certainty(max(p, 1 - p))


def _schools(tables: Mapping[str, pd.DataFrame]) -> Iterator[Fact]:
    if "comparison" in tables:
        rows = tables["comparison"].dropna(subset=["side_frequentist", "side_posterior"])
        rows = rows[~rows["term"].str.startswith("tau_")]
        yield "compared", len(rows)
        yield (
            "schools on the same side",
            int((rows["side_frequentist"] == rows["side_posterior"]).sum()),
        )


def _verdicts(tables: Mapping[str, pd.DataFrame]) -> Iterator[Fact]:
    if "check" in tables:
        yield "checks", len(tables["check"])
        yield "checks passed", int((tables["check"]["state"] == "passed").sum())
    if "alternatives" in tables:
        yield "alternatives", len(tables["alternatives"]) - 1
    if "verdicts" in tables:
        yield "conclusions", len(tables["verdicts"])
        for verdict in ("holds", "weakens", "changes sign", "overturned", "open"):
            yield f"conclusions: {verdict}", int((tables["verdicts"]["verdict"] == verdict).sum())


def _lint(tables: Mapping[str, pd.DataFrame]) -> Iterator[Fact]:
    if "lint" in tables:
        rows = tables["lint"]
        yield from (
            (f"findings of rank {rank}", int((rows["rank"] == rank).sum())) for rank in (1, 2, 3)
        )
        first = rows[rows["rank"] == 1]
        yield from (
            (f"first rank: {code}", count)
            for code, count in first["code"].value_counts(sort=False).items()
        )


def _sampling(results: Results) -> Iterator[Fact]:
    about = results.provenance.get(FIT, {})
    yield from (
        (name, about[name])
        for name in ("draws", "tune", "chains", "seed")
        if about.get(name) is not None
    )
    if {"draws", "chains"} <= set(about):
        yield "draws in all", about["draws"] * about["chains"]
    rules = results.diagnostics.get("rules", {})
    yield from ((f"rule: {name}", value) for name, value in rules.items())
    numbers = {
        key: value for key, value in results.diagnostics.items() if type(value) in (int, float)
    }
    yield from ((f"diagnostic: {name}", value) for name, value in numbers.items())


def _choices(saved: Saved, results: Results) -> Iterator[Fact]:
    """Texts with digits of their own: what was kept, priors, versions."""
    about = results.about
    if about.get("where"):
        yield "kept", str(about["where"])
    yield from ((f"version: {name}", text) for name, text in about.get("versions", {}).items())
    yield from (
        (name, str(about[name]))
        for name in ("git_commit", "created", "model_sha256")
        if about.get(name)
    )
    yield from (
        (f"note {place}", str(note)) for place, note in enumerate(about.get("notes", []), 1)
    )
    if saved.spec is not None:
        spec = saved.spec
        yield "rope", spec.rope
        yield "rho", spec.rho
        for key, prior in spec.priors.items():
            yield f"prior: {key}", str(prior)
            yield f"reason of the prior: {key}", prior.reason
