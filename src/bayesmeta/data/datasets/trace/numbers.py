"""Steps 5 to 8: labels of groups, controls that serve twice, standard deviations, effect sizes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesmeta.data.datasets.trace.sheets import sheet_name
from bayesmeta.data.datasets.trace.tables import records
from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.errors import BadInput

NUMBERS = ["n1i", "n2i", "m1i", "sd1i", "sem1i", "m2i", "sd2i", "sem2i"]
LABELS = ["study", "group", "control"]
NO_NUMBERS = "a label, a mean, a group size or a dispersion is missing"


def add_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with `group` and `control`: study.number, so that labels differ by study."""
    for name in LABELS[1:]:
        number = rows[f"{name}_id"].str.replace("part of ", "")
        rows = rows.assign(**{name: rows["study"] + "." + number})
    return rows


def parse_numbers(rows: pd.DataFrame, sources: Mapping[str, Source]) -> pd.DataFrame:
    """Return rows with numbers; raise BadInput with file, sheet, row, column, value of others."""
    numbers = rows[NUMBERS].apply(pd.to_numeric, errors="coerce").astype(float)
    bad = numbers.isna() & rows[NUMBERS].notna()
    if bad.any(axis=None):
        raise BadInput(_unreadable(rows, bad, sources))
    return rows.assign(**numbers)


def divide_controls(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with controls divided among the groups that they serve.

    `control_used` is the number of groups, `n2i` = round(n2 reported / number of groups), halves to
    the even number. As the authors do, a number is also rounded if the control serves once: 8.5
    reported animals become 8.
    """
    pair = rows["group"] + "|" + rows["control"]
    used = pair.groupby(rows["control"]).transform("nunique").fillna(1).astype(int)
    divided = (rows["n2i"] / used).round()
    return rows.assign(control_used=used, n2i_reported=rows["n2i"], n2i=divided)


def add_deviations(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with standard deviations: SD = SEM sqrt(n) if a standard error is given.

    For the control n is the divided size, which is the authors' order of steps. A negative
    dispersion loses its sign and is flagged in `negative_dispersion`.
    """
    columns: dict[str, pd.Series] = {}
    negative = pd.Series(False, index=rows.index)
    for arm in ("1", "2"):
        sd = rows[f"sd{arm}i"]
        sem = rows[f"sem{arm}i"]
        given = pd.Series("SD", index=rows.index)
        columns[f"sd{arm}i_source"] = given.mask(sem.notna(), "SEM")
        columns[f"sem{arm}i"] = sem.abs()
        columns[f"sd{arm}i"] = (sem.abs() * np.sqrt(rows[f"n{arm}i"])).fillna(sd.abs())
        negative |= sem.fillna(sd) < 0
    return rows.assign(negative_dispersion=negative, **columns)


def add_effects(rows: pd.DataFrame, sources: Mapping[str, Source]) -> pd.DataFrame:
    """Return rows with Hedges' g and its variance; metafor's escalc, SMD, LS.

    `yi_raw` is Hedges' g, `yi` the same with the direction (positive if PTSD performs better), `vi`
    the variance. Rows that lack a number have no effect size, and a reason in `left_out`. Raise
    BadInput, with file, sheet and row, if no effect size follows from the numbers, such as a group
    of a single animal.
    """
    rows = rows.assign(yi_raw=np.nan, vi=np.nan)
    complete = rows[[*TWO_GROUPS, *LABELS]].notna().all(axis=1)
    unnumbered = (rows["left_out"] == "") & ~complete
    rows["left_out"] = rows["left_out"].mask(unnumbered, NO_NUMBERS)
    for search, part in rows[rows["left_out"] == ""].groupby("search"):
        columns = {name: part[name].to_numpy(float) for name in TWO_GROUPS}
        try:
            yi, vi = MEASURES["SMD"](vtype="LS", rows=part["sheet_row"].tolist(), **columns)
        except BadInput as error:
            raise BadInput(f"{_place(str(search), sources)}: {error}") from error
        rows.loc[part.index, ["yi_raw", "vi"]] = np.column_stack([yi, vi])
    return rows.assign(yi=rows["yi_raw"] * rows["direction"])


def _place(search: str, sources: Mapping[str, Source]) -> str:
    sheet = next(sheet for sheet in records("trace/sheets") if sheet["search"] == search)
    return sheet_name(sources[sheet["file"]], sheet["sheet"])


def _unreadable(rows: pd.DataFrame, bad: pd.DataFrame, sources: Mapping[str, Source]) -> str:
    first = rows.index[bad.any(axis=1)][0]
    column = bad.loc[first].idxmax()
    place = f"{_place(str(rows.loc[first, 'search']), sources)}, row {rows.loc[first, 'sheet_row']}"
    got = f"got {rows.loc[first, column]!r} ({bad.to_numpy().sum()} such cells in all)"
    return f"{place}: {column} must be a number, {got}"
