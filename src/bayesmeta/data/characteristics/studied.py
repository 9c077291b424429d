"""The studies of an effect table, a row each."""

from collections.abc import Sequence

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

MOST = 4  # values of a moderator that are written out
CODES = {  # of the TRACE sheets
    "UnExp": "unexposed",
    "ShamExp": "sham exposed",
    "TraumaExp": "trauma exposed",
    "WarRelated": "war related",
    "autobio": "autobiographic",
    "cuecontext": "cue and context",
    "cuecue": "two cues",
}


def characteristics_table(frame: pd.DataFrame, moderators: Sequence[str]) -> pd.DataFrame:
    """Who was studied, and how: one row per study, in the order of their names.

    Parameters
    ----------
    frame : DataFrame
        Effect table. `reference` (author and year), n1i, n2i, n2i_reported and control are used where it has them.
    moderators : sequence of str
        Columns of it.

    Returns
    -------
    DataFrame
        study; reference (the study's label where it has none); k (effects); groups; n1 and n2, the subjects of the
        groups and of their controls, each counted once at its largest reported size, missing where a size is (a table
        without a column control has a control per group); the moderators in words, several values of a study joined by
        commas, of a number its range; yi_min, yi_max, where there are effect sizes.
    """
    named = [name for name in moderators if name in frame]
    rows = []
    for study, part in frame.groupby("study", observed=True, sort=False):
        row: dict[str, object] = {"study": study}
        if "reference" in frame:
            row["reference"] = _in_words(part["reference"]) or str(study)
        row |= {"k": len(part), "groups": part["group"].nunique(), **_subjects(part)}
        row |= {name: _in_words(part[name]) for name in named}
        ends = {"yi_min": part["yi"].min(), "yi_max": part["yi"].max()} if "yi" in part else {}
        rows.append(row | ends)
    table = pd.DataFrame(rows)
    order = [name for name in ("reference", "study") if name in table]
    return table.sort_values(
        order, key=lambda column: column.astype(str).str.casefold(), ignore_index=True
    )


def _subjects(part: pd.DataFrame) -> dict[str, float]:
    """Subjects of both arms: nothing where the table has no sizes."""
    sizes = {
        "n1": ("group", "n1i"),
        "n2": ("control", "n2i_reported" if "n2i_reported" in part else "n2i"),
    }
    found = {}
    for name, (owner, size) in sizes.items():
        if size in part:
            label = owner if owner in part else "group"
            found[name] = part.groupby(label, observed=True)[size].max().sum(skipna=False)
    return found


def _in_words(values: pd.Series) -> str:
    """The values of a study as they are read; the empty string where there are none."""
    filled = values.dropna()
    if filled.empty:
        return ""
    if is_numeric_dtype(filled) and not is_bool_dtype(filled):
        ends = [f"{end:.4g}" for end in (filled.min(), filled.max())]
        return " to ".join(dict.fromkeys(ends))
    texts = filled.astype(str)
    words = [CODES.get(text, text.replace("_", " ")) for text in texts.value_counts().index]
    return ", ".join(
        words if len(words) <= MOST else [*words[: MOST - 1], f"{len(words) - MOST + 1} others"]
    )
