"""From the records that were screened to the effects of a table."""

import pandas as pd

from bayesmeta.data import datasets
from bayesmeta.infrastructure.files import root

PUBLISHED, REBUILT = "published screening", "public sheets to effects"
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


def flow_table(frame: pd.DataFrame, dataset: str, variant: str) -> pd.DataFrame:
    """The published screening, then every row of the public sheets until it is an effect of a table or left out.

    Parameters
    ----------
    frame : DataFrame
        Effect table of the dataset, whole or some rows of it (`--where`).
    dataset, variant : str
        A dataset made from raw sheets, as for `datasets.flow`.

    Returns
    -------
    DataFrame
        part; step; kept (rows that go on: a box of their own) or not (left out, for the reason that `what` gives);
        count; unit (records, studies, rows, effects); what; a column per search with its share of the count, missing
        for what was published; source.

    Raises
    ------
    BadInput
        The dataset is unknown or has no raw sheets.

    Source: data/published/screening_flow.csv for the screening.
    """
    counted = datasets.flow(dataset, variant=variant)
    wide = counted.pivot_table(
        index=["step", "reason"], columns="search", values="rows", fill_value=0, observed=True
    )
    wide = wide.rename(columns=SEARCHES).rename_axis(columns=None).astype(int)
    left: pd.Series = pd.DataFrame(wide.loc["read"]).sum()
    rows = [_row("read", True, left)]
    for step in ("inclusion", "coding", "numbers", "set"):
        if step not in wide.index.get_level_values("step"):
            continue
        out = pd.DataFrame(wide.loc[step])
        out = out.loc[out.sum(axis=1).sort_values(ascending=False, kind="stable").index]
        rows += [_row(step, False, each, str(reason)) for reason, each in out.iterrows()]
        left = left - out.sum()
        rows.append(_row(step, True, left))
    rows += _asked(frame, left)
    rebuilt = pd.DataFrame(rows).assign(part=REBUILT, source=f"bayesmeta, {dataset} ({variant})")
    rebuilt.loc[rebuilt.index[-1], "what"] = _studied(frame)
    rebuilt.loc[rebuilt.index[-1], "unit"] = "effects"
    whole = dict.fromkeys(wide.columns, "Int64")
    table = pd.concat([_published(dataset), rebuilt], ignore_index=True).astype(whole)
    return table[["part", "step", "kept", "count", "unit", "what", *whole, "source"]]


def _row(step: str, kept: bool, each: pd.Series, reason: str = "") -> dict[str, object]:
    """A count of rows, in all and by search."""
    what = KEPT[step] if kept else reason.removeprefix("not in this set: ")
    by_search = {str(name): rows for name, rows in each.items()}
    return {
        "step": step,
        "kept": kept,
        "count": int(each.sum()),
        "unit": "rows",
        "what": what,
        **by_search,
    }


def _asked(frame: pd.DataFrame, left: pd.Series) -> list[dict[str, object]]:
    """What a query left out, and what it kept; nothing where the set is whole."""
    if len(frame) == left.sum():
        return []
    own = frame["search"].map(SEARCHES).value_counts().reindex(left.index, fill_value=0)
    return [
        _row("query", False, left - own, "left out by the query (--where)"),
        _row("query", True, own),
    ]


def _studied(frame: pd.DataFrame) -> str:
    """What the last count is about: `effects of 302 groups in 184 studies`."""
    groups, studied = frame["group"].nunique(), frame["study"].nunique()
    return f"effects of {groups} groups in {studied} studies"


def _published(dataset: str) -> pd.DataFrame:
    """What the paper says of its screening, for the datasets that it is about."""
    rows = pd.read_csv(root() / "data" / "published" / "screening_flow.csv")
    rows = rows[[dataset in known.split() for known in rows["datasets"]]]
    return rows.drop(columns="datasets").assign(part=PUBLISHED, kept=True)
