"""Names that a column of a table cannot keep, because results need or cannot hold them."""

import pandas as pd

DIMS = ("contrast", "chain", "draw", "term", "level", "stratum", "standard")
DATA = (
    "X",
    "published",
    "standardised",
    "control_cluster",
    "control_side",
    "control_variance",
    "control_subjects",
    "is_blank",
    "blank_moderator",
)
INDICES = ("kind_of_term", "contrast_weights", "effect_group", "group_study", "study_stratum")
RESERVED = (*DIMS, *DATA, *INDICES)


def without_reserved(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a file's table under names that results can hold; a note says what was renamed."""
    if not (taken := reserved_names(frame)):
        return frame
    note = "; ".join(f"the file's column {old} is kept as {new}" for old, new in taken.items())
    renamed = frame.rename(columns=taken)
    renamed.attrs = frame.attrs | {"notes": [*frame.attrs["notes"], note]}
    return renamed


def reserved_names(frame: pd.DataFrame) -> dict[str, str]:
    """Return the columns with names that results need or cannot hold, and the names they get."""
    taken: dict[str, str] = {}
    for name in map(str, frame.columns):
        new = f"{name}_in_file" if name in RESERVED else name.replace("/", "_")
        while new != name and new in {*frame.columns, *taken.values()}:
            new += "_"
        if new != name:
            taken[name] = new
    return taken
