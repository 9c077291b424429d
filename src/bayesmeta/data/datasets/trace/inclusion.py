"""Steps 2 and 3: the rows that are included, and their subjects."""

from collections.abc import Mapping

import pandas as pd

from bayesmeta.data.datasets.trace.tables import records, table
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.errors import BadInput

NOT_INCLUDED = "inclusion is not 1"
NOT_LISTED = "study is not in the authors' lists of included studies"
NO_SUBJECT = "subjects are neither persons nor rats nor mice"
REASONS = (NOT_INCLUDED, NOT_LISTED, NO_SUBJECT)


def add_subjects(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with `sample` and `species` from the code in `subject`; missing if unknown."""
    return rows.merge(table("trace/subjects"), on="subject", how="left")


def listed_studies(sources: Mapping[str, Source]) -> set[str]:
    """Return the studies of searches 2 and 3 that the authors kept: a list per search and kind.

    Raise BadInput if a list has no second column of study numbers.
    """
    listed: set[str] = set()
    for source in (source for key, source in sources.items() if key.startswith("list_")):
        frame = pd.read_csv(source.path, sep=";", dtype=str)
        if frame.shape[1] != 2:
            got = list(frame)
            raise BadInput(f"{source.name!r} must have two columns, number and PMID; got {got}")
        listed |= set(frame.iloc[:, 1].str.strip())
    return listed


def exclusion_reasons(rows: pd.DataFrame, listed: set[str], variant: str) -> pd.Series:
    """Return the reason for which a row is left out; the empty string if it is included.

    `strict` takes every row with inclusion 1. For the other variants the study of searches 2 and 3
    must also be in the lists, and rows are added and dropped by `data/trace/additions.csv` and
    `exclusions.csv`.
    """
    reason = pd.Series("", index=rows.index)
    if variant != "strict":
        unlisted = (rows["search"] != "s1") & ~rows["study"].isin(listed)
        reason = reason.mask(unlisted, NOT_LISTED)
    reason = reason.mask(rows["inclusion"] != "1", NOT_INCLUDED)
    added = [row["study"] for row in records("trace/additions", variant)]
    reason = reason.mask(rows["study"].isin(added), "")
    reason = reason.mask((reason == "") & rows["species"].isna(), NO_SUBJECT)
    for drop in records("trace/exclusions", variant):
        hit = rows[drop["column"]].fillna("").str.contains(drop["pattern"])
        hit &= (rows["study"] == drop["study"]) & (rows["search"] == drop["search"])
        reason = reason.mask(hit & (reason == ""), drop["reason"])
    return reason
