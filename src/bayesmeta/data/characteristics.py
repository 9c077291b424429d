"""Characteristics of the studies of an effect table."""

from collections.abc import Mapping, Sequence

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

MAX_WRITTEN = 4  # values of a moderator that are written out


def characteristics_table(
    frame: pd.DataFrame, moderators: Sequence[str], words: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return a row per study of an effect table, in the order of their names.

    The columns reference (author and year), n1i, n2i, n2i_reported and control are used if the
    table has them; `words` are codes to words, as those of a `Dataset`.

    Columns: study; reference (the study's label if it has none); k (effects); groups; n1 and n2,
    the subjects of the groups and of their controls, counted once at the largest reported size,
    missing if a size is missing (a table without a column control has a control per group); the
    moderators in words: several values of a study joined by commas, a range of numbers; yi_min and
    yi_max, if there are effect sizes.
    """
    columns = [name for name in moderators if name in frame]
    rows = []
    for study, part in frame.groupby("study", observed=True, sort=False):
        row: dict[str, object] = {"study": study}
        if "reference" in frame:
            row["reference"] = _in_words(part["reference"], {}) or str(study)
        row |= {"k": len(part), "groups": part["group"].nunique(), **_subjects(part)}
        row |= {name: _in_words(part[name], words or {}) for name in columns}
        ends = {"yi_min": part["yi"].min(), "yi_max": part["yi"].max()} if "yi" in part else {}
        rows.append(row | ends)
    table = pd.DataFrame(rows)
    order = [name for name in ("reference", "study") if name in table]
    return table.sort_values(order, key=lambda x: x.astype(str).str.casefold(), ignore_index=True)


def _subjects(part: pd.DataFrame) -> dict[str, float]:
    reported = "n2i_reported" if "n2i_reported" in part else "n2i"
    sizes = {"n1": ("group", "n1i"), "n2": ("control", reported)}
    subjects = {}
    for name, (owner, size) in sizes.items():
        if size in part:
            label = owner if owner in part else "group"
            largest = part.groupby(label, observed=True)[size].max()
            subjects[name] = largest.sum(skipna=False)
    return subjects


def _in_words(values: pd.Series, words: Mapping[str, str]) -> str:
    filled = values.dropna()
    if filled.empty:
        return ""
    if is_numeric_dtype(filled) and not is_bool_dtype(filled):
        ends = [f"{end:.4g}" for end in (filled.min(), filled.max())]
        return " to ".join(dict.fromkeys(ends))
    texts = filled.astype(str).value_counts().index
    shown = [words.get(text, text.replace("_", " ")) for text in texts]
    if len(shown) > MAX_WRITTEN:
        more = len(shown) - MAX_WRITTEN + 1
        shown = [*shown[: MAX_WRITTEN - 1], f"{more} others"]
    return ", ".join(shown)
