"""A dataset that has a name, with its options, words and alternatives; tables of the package."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from bayesmeta.infrastructure.files import file_sha256, root

Table = pd.DataFrame
Keep = Callable[[Table], Table]
Change = Callable[[Table], Table | None]


def unchanged(frame: Table) -> Table:
    """Return the effect table."""
    return frame


@dataclass(frozen=True)
class DataAlternative:
    """A reasonable alternative that a dataset offers to an analysis of its effects.

    Attributes
    ----------
    name, label : its names in tables and in figures.
    kind, reason : the kind of choice that differs, and why it is reasonable.
    change : the analysed effect table to another table, or to None if it does not apply.
    models : name of a model file to the model file that replaces it; the alternative does not apply
        to other models. Empty if the model stays as it is.
    """

    name: str
    kind: Literal["comparison", "data", "model"]
    label: str
    reason: str
    change: Change = unchanged
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset that has a name.

    Attributes
    ----------
    title : a line for reports.
    reader : returns a row per effect; takes the variant if there are `variants`.
    model : name of the model file for its analysis unless the user names another.
    synthetic : whether it was simulated, so that it is no evidence about the world.
    scale : the meaning of yi, as axes are labelled.
    outcome : `effects` with yi and vi, or `directions` alone.
    variants : the ways in which its raw files can be coded.
    default_variant : the variant that is read unless the user names another.
    kind : column of the kinds of subjects, which are analysed apart.
    words : codes of its columns to the words that readers see.
    record : variant to every effect of the record from which the dataset is selected.
    flow : variant to the rows of raw sheets that were left out: search, step, rows, reason.
    tables : effect table (or some rows) and variant to tables that describe it, by file name.
    moderators : columns that a screening takes by default; every moderator of the table if empty.
    alternatives : analysed effect table, full record and selection of rows to what it offers.
    groupings : columns by which its effects and studies are counted; every category if empty.
    """

    title: str
    reader: Callable[..., Table]
    model: str = "three-level"
    synthetic: bool = False
    scale: str = "effect size yi"
    outcome: str = "effects"
    variants: tuple[str, ...] = ()
    default_variant: str | None = None
    kind: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    record: Callable[[str], Table] | None = None
    flow: Callable[[str], Table] | None = None
    tables: Callable[[Table, str], dict[str, Table]] | None = None
    moderators: tuple[str, ...] = ()
    alternatives: Callable[[Table, Table, Keep], Sequence[DataAlternative]] | None = None
    groupings: tuple[tuple[str, ...], ...] = ()


def packaged_table(name: str) -> tuple[Table, dict[str, str]]:
    """Return the table `data/<name>.csv` of the package, and its entry in the provenance."""
    path = root() / "data" / f"{name}.csv"
    source = {"name": path.name, "sha256": file_sha256(path), "found_in": "the package"}
    return pd.read_csv(path), source
