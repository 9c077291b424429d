"""Steps 2 and 3: which rows are in, and whom they are about."""

from collections.abc import Mapping

import pandas as pd

from bayesmeta.data.datasets.trace.tables import records, table
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.errors import BadInput

NOT_INCLUDED = "inclusion is not 1"
NOT_LISTED = "study is not in the authors' lists of included studies"
NO_SUBJECT = "subjects are neither persons nor rats nor mice"


def with_subjects(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds `sample` and `species` from the code in `subject`; missing where the code is unknown."""
    return rows.merge(table("trace/subjects"), on="subject", how="left")


def listed_studies(sources: Mapping[str, Source]) -> set[str]:
    """The studies of searches 2 and 3 that the authors went on with: four lists, one per search and kind.

    Raises
    ------
    BadInput
        A list has no second column of study numbers.
    """
    listed: set[str] = set()
    for key, source in sources.items():
        if key.startswith("list_"):
            frame = pd.read_csv(source.path, sep=";", dtype=str)
            if frame.shape[1] != 2:
                raise BadInput(
                    f"{source.name!r} must have two columns, number and PMID; got {list(frame)}"
                )
            listed |= set(frame.iloc[:, 1].str.strip())
    return listed


def left_out(rows: pd.DataFrame, listed: set[str], variant: str) -> pd.Series:
    """Why a row is left out, one reason per row; the empty string where it is in.

    `strict` takes every row with inclusion 1; the other variants also want the study of searches 2 and 3 in
    the lists, and add and drop what `data/trace/additions.csv` and `exclusions.csv` say.
    """
    reason = pd.Series("", index=rows.index)
    if variant != "strict":
        unlisted = (rows["search"] != "s1") & ~rows["study"].isin(listed)
        reason = reason.mask(unlisted, NOT_LISTED)
    reason = reason.mask(rows["inclusion"] != "1", NOT_INCLUDED)
    reason = reason.mask(
        rows["study"].isin([add["study"] for add in records("trace/additions", variant)]), ""
    )
    reason = reason.mask((reason == "") & rows["species"].isna(), NO_SUBJECT)
    for drop in records("trace/exclusions", variant):
        hit = (rows["study"] == drop["study"]) & (rows["search"] == drop["search"]) & (reason == "")
        hit &= rows[drop["column"]].fillna("").str.contains(drop["pattern"])
        reason = reason.mask(hit, drop["reason"])
    return reason
