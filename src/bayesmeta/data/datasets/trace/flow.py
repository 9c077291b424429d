"""Counts from the records that were screened to the effects of a table."""

import pandas as pd

from bayesmeta.data.datasets.trace.record import count_rows
from bayesmeta.infrastructure.files import root

PUBLISHED = "published screening"
REBUILT = "public sheets to effects"
SEARCHES = {
    "s1": "search_1",
    "s2a": "search_2_animals",
    "s2h": "search_2_persons",
    "s3a": "search_3_animals",
    "s3h": "search_3_persons",
}
KEPT = {
    "read": "rows of the public sheets",
    "inclusion": "rows included",
    "coding": "rows with a known task and measure",
    "numbers": "rows with an effect size",
    "set": "effects of the set",
    "query": "effects that the query keeps",
}
COLUMNS = ["part", "step", "kept", "count", "unit", "what"]


def flow_table(frame: pd.DataFrame, dataset: str, variant: str) -> pd.DataFrame:
    """Return the published screening, then the rows of the public sheets from step to step.

    `frame` is the effect table of a set of the record, complete or some rows of it (`--where`).
    Raise BadInput if the dataset has no raw sheets, or they cannot be read.

    Columns: part; step; kept (rows that go on, a box of a flow chart) or not (left out, for the
    reason in `what`); count; unit (records, studies, rows, effects); what; a column per search with
    its share of the count, missing for the published screening; source.

    Source: data/published/screening_flow.csv for the screening.
    """
    counts = _counts_by_search(dataset, variant)
    left: pd.Series = pd.DataFrame(counts.loc["read"]).sum()
    rows = [_row("read", left)]
    for step in ("inclusion", "coding", "numbers", "set"):
        if step in counts.index.get_level_values("step"):
            out = pd.DataFrame(counts.loc[step])
            out = out.loc[out.sum(axis=1).sort_values(ascending=False, kind="stable").index]
            rows += [_row(step, count, str(reason)) for reason, count in out.iterrows()]
            left = left - out.sum()
            rows.append(_row(step, left))
    rows += _rows_of_query(frame, left)
    sizes = f"{frame['group'].nunique()} groups in {frame['study'].nunique()} studies"
    rows[-1] |= {"what": f"effects of {sizes}", "unit": "effects"}
    rebuilt = pd.DataFrame(rows)
    rebuilt = rebuilt.assign(part=REBUILT, source=f"bayesmeta, {dataset} ({variant})")
    searches = dict.fromkeys(counts.columns, "Int64")
    table = pd.concat([_published(dataset), rebuilt], ignore_index=True).astype(searches)
    return table[[*COLUMNS, *searches, "source"]]


def _counts_by_search(dataset: str, variant: str) -> pd.DataFrame:
    wide = count_rows(dataset, variant).pivot_table(
        index=["step", "reason"], columns="search", values="rows", fill_value=0, observed=True
    )
    return wide.rename(columns=SEARCHES).rename_axis(columns=None).astype(int)


def _row(step: str, count: pd.Series, reason: str = "") -> dict[str, object]:
    words = reason.removeprefix("not in this set: ") or KEPT[step]
    total = {"count": int(count.sum()), "unit": "rows", "what": words}
    by_search = {str(name): rows for name, rows in count.items()}
    return {"step": step, "kept": not reason, **total, **by_search}


def _rows_of_query(frame: pd.DataFrame, left: pd.Series) -> list[dict[str, object]]:
    if len(frame) == left.sum():
        return []
    searches = frame["search"].map(SEARCHES).value_counts()
    kept = searches.reindex(left.index, fill_value=0)
    return [_row("query", left - kept, "left out by the query (--where)"), _row("query", kept)]


def _published(dataset: str) -> pd.DataFrame:
    rows = pd.read_csv(root() / "data" / "published" / "screening_flow.csv")
    rows = rows[[dataset in names.split() for names in rows["datasets"]]]
    return rows.drop(columns="datasets").assign(part=PUBLISHED, kept=True)
