"""Steps 5 to 8: labels of groups, controls that serve twice, standard deviations, effect sizes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesmeta.data.datasets.trace.sheets import place
from bayesmeta.data.datasets.trace.tables import records
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.errors import BadInput

NUMBERS = ["n1i", "n2i", "m1i", "sd1i", "sem1i", "m2i", "sd2i", "sem2i"]
NEEDED = ["m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"]
LABELS = ["study", "group", "control"]
NO_NUMBERS = "a label, a mean, a group size or a dispersion is missing"


def labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds `group` and `control`, study.number, so that equal numbers of two studies differ."""
    numbers = {
        name: rows[f"{name}_id"].str.replace("part of ", "") for name in ("group", "control")
    }
    return rows.assign(**{name: rows["study"] + "." + number for name, number in numbers.items()})


def parsed(rows: pd.DataFrame, sources: Mapping[str, Source]) -> pd.DataFrame:
    """Group sizes, means and dispersions as numbers.

    Raises
    ------
    BadInput
        A cell is no number; the message names file, sheet, row, column and value.
    """
    numbers = rows[NUMBERS].apply(pd.to_numeric, errors="coerce").astype(float)
    bad = numbers.isna() & rows[NUMBERS].notna()
    if bad.any(axis=None):
        raise BadInput(_unreadable(rows, bad, sources))
    return rows.assign(**{name: numbers[name] for name in NUMBERS})


def shared(rows: pd.DataFrame) -> pd.DataFrame:
    """Controls that serve several groups are divided among them: adds `control_used`, splits `n2i`.

    n2 = round(n2 reported / number of groups compared with the control), halves to the even number. As
    the authors do, a number is also rounded where the control serves once: 8.5 reported animals become 8.
    """
    pair = rows["group"] + "|" + rows["control"]
    used = pair.groupby(rows["control"]).transform("nunique").fillna(1).astype(int)
    return rows.assign(
        control_used=used, n2i_reported=rows["n2i"], n2i=(rows["n2i"] / used).round()
    )


def dispersed(rows: pd.DataFrame) -> pd.DataFrame:
    """Standard deviations: SD = SEM sqrt(n) where a standard error is given.

    For the control n is the split one, the authors' order of steps. A negative dispersion loses its sign and
    is flagged in `negative_dispersion`.
    """
    rows = rows.assign(negative_dispersion=False)
    for i in ("1", "2"):
        sd, sem = rows[f"sd{i}i"], rows[f"sem{i}i"]
        rows[f"sd{i}i_source"] = pd.Series("SD", index=rows.index).mask(sem.notna(), "SEM")
        rows["negative_dispersion"] |= sem.fillna(sd) < 0
        rows[f"sem{i}i"] = sem.abs()
        rows[f"sd{i}i"] = (sem.abs() * np.sqrt(rows[f"n{i}i"])).fillna(sd.abs())
    return rows


def with_effects(rows: pd.DataFrame, sources: Mapping[str, Source]) -> pd.DataFrame:
    """Adds Hedges' g (`yi_raw`; `yi` with the direction, positive where PTSD performs better) and `vi`.

    Rows that lack a number have no effect size, and say so in `left_out`. In metafor: escalc, SMD, LS.

    Raises
    ------
    BadInput
        Numbers from which no effect size follows, such as one animal in a group; names file, sheet and row.
    """
    rows = rows.assign(yi_raw=np.nan, vi=np.nan)
    complete = rows[NEEDED + LABELS].notna().all(axis=1)
    rows["left_out"] = rows["left_out"].mask((rows["left_out"] == "") & ~complete, NO_NUMBERS)
    for search, part in rows[rows["left_out"] == ""].groupby("search"):
        columns = {name: part[name].to_numpy(float) for name in NEEDED}
        try:
            yi, vi = MEASURES["SMD"](vtype="LS", rows=part["sheet_row"].tolist(), **columns)
        except BadInput as error:
            raise BadInput(f"{_where(str(search), sources)}: {error}") from error
        rows.loc[part.index, "yi_raw"], rows.loc[part.index, "vi"] = yi, vi
    return rows.assign(yi=rows["yi_raw"] * rows["direction"])


def _where(search: str, sources: Mapping[str, Source]) -> str:
    sheet = next(sheet for sheet in records("trace/sheets") if sheet["search"] == search)
    return place(sources[sheet["file"]], sheet["sheet"])


def _unreadable(rows: pd.DataFrame, bad: pd.DataFrame, sources: Mapping[str, Source]) -> str:
    first = rows.index[bad.any(axis=1)][0]
    column = next(name for name in NUMBERS if bad.loc[first, name])
    where = f"{_where(str(rows.loc[first, 'search']), sources)}, row {rows.loc[first, 'sheet_row']}"
    count = int(bad.to_numpy().sum())
    return f"{where}: {column} must be a number, got {rows.loc[first, column]!r} ({count} such cells in all)"
