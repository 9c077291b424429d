"""Names that a column of a table cannot keep, because a file of results needs them or cannot hold them."""

import pandas as pd

RESERVED = (
    "X",
    "kind_of_term",
    "contrast_weights",
    "contrast",
    "chain",
    "draw",
    "term",
    "level",
    "stratum",
    "published",
    "effect_group",
    "group_study",
    "study_stratum",
    "standard",
    "standardised",
    "control_cluster",
    "control_side",
    "control_subjects",
)


def without_reserved(frame: pd.DataFrame) -> pd.DataFrame:
    """A file's table whose columns have names that results can hold beside their own; a note says what was renamed."""
    taken = reserved_names(frame)
    if not taken:
        return frame
    told = "; ".join(f"the file's own {old} is kept as {new}" for old, new in taken.items())
    renamed = frame.rename(columns=taken)
    renamed.attrs = frame.attrs | {"notes": [*frame.attrs["notes"], told]}
    return renamed


def reserved_names(frame: pd.DataFrame) -> dict[str, str]:
    """Columns whose names the results need for themselves or cannot hold, with the names they get."""
    taken: dict[str, str] = {}
    for name in map(str, frame.columns):
        new = f"{name}_in_file" if name in RESERVED else name.replace("/", "_")
        while new != name and new in {*frame.columns, *taken.values()}:
            new += "_"
        if new != name:
            taken[name] = new
    return taken
