"""What a user should read about the moderators of a formula."""

import re
from collections.abc import Iterable

import pandas as pd

from bayesmeta.model.design.blanks import blank_cells, carried
from bayesmeta.model.design.completing import moderator_names
from bayesmeta.model.spec import ModelSpec

MOST_CODES = 6  # different whole numbers that may be codes of categories


def notes_on_blanks(frame: pd.DataFrame, spec: ModelSpec) -> list[str]:
    """Return how many moderators are blank, and what is done; nothing if it is refused."""
    names = moderator_names(spec.terms)
    cells = blank_cells(frame, names)
    if not cells.shape[1] or spec.missing == "refuse":
        return []
    counts = [
        f"{name} is blank in {rows.sum()} of {len(frame)} effects "
        f"({frame.loc[rows, 'study'].nunique()} of {frame['study'].nunique()} studies)"
        for name, rows in cells.items()
    ]
    complete = frame[~cells.any(axis=1)]
    size = f"{len(complete)} effects of {complete['study'].nunique()} studies have all moderators"
    if spec.missing == "complete":
        done = f"the others are left out (--missing complete): {size}"
        return [f"{'; '.join(counts)}; {done}"]
    done = "the unknown values are part of the model (--missing joint)"
    notes = [f"{'; '.join(counts)}; {done}; {size}, and --missing complete fits only these"]
    left = blank_cells(carried(frame, list(map(str, cells))), names)
    filled = int(cells.sum().sum() - left.sum().sum())
    if filled:
        notes.append(f"{filled} blank cells have the value of other rows of their study or group")
    return notes


def may_be_codes(column: pd.Series) -> bool:
    """Return whether a column has three to six different values, all whole numbers."""
    filled = column.dropna()
    if not pd.api.types.is_numeric_dtype(filled):
        return False
    values = set(filled)
    return 2 < len(values) <= MOST_CODES and all(float(value).is_integer() for value in values)


def notes_on_codes(frame: pd.DataFrame, terms: str, names: Iterable[str]) -> list[str]:
    """Return a note for every moderator that is a slope over a few whole numbers.

    Such numbers may be codes of categories; `C(dose)` makes them categories.
    """
    notes = []
    for name in (name for name in names if name in frame.columns and may_be_codes(frame[name])):
        quoted = name if name.isidentifier() else f"`{name}`"
        if re.search(rf"C\(\s*{re.escape(quoted)}", terms):
            continue
        listed = ", ".join(f"{value:g}" for value in sorted(set(frame[name].dropna())))
        notes.append(
            f"{name} has the values {listed} and is a number, so its term is a slope; if they "
            f"are codes of categories: --moderators '{_as_category(terms, quoted)}'"
        )
    return notes


def _as_category(terms: str, quoted: str) -> str:
    word = re.escape(quoted) if quoted.startswith("`") else rf"\b{quoted}\b"
    return re.sub(word, f"C({quoted})", terms)
