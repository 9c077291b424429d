"""A dataset that has a name, with its options and words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from bayesmeta.data.datasets.alternative import DataAlternative, Keep, no_alternatives
from bayesmeta.infrastructure.errors import BadInput

Table = pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset that has a name.

    Attributes
    ----------
    title : str
        A line for reports.
    reader : callable
        Returns a row per effect; takes the variant if there are `variants`.
    model : str
        Name of the model file for its analysis unless the user names another.
    synthetic : bool
        Whether it was simulated, so that it is no evidence about the world.
    scale : str
        The meaning of yi, as axes are labelled.
    outcome : str
        `effects` with yi and vi, or `directions` alone.
    variants : tuple of str
        The ways in which its raw files can be coded.
    default_variant : str, optional
        The variant that is read unless the user names another.
    kind : str, optional
        Column of the kinds of subjects, which are analysed apart.
    words : mapping of str to str
        Codes of its columns to the words that readers see.
    record : callable, optional
        Variant to every effect of the record from which the dataset is selected.
    flow : callable, optional
        Variant to the rows of raw sheets that were left out: search, step, rows, reason.
    tables : callable, optional
        Effect table (or some of its rows) and variant to tables that describe it, by file name.
    moderators : tuple of str
        Columns that a screening takes by default; every moderator of the table if empty.
    alternatives : callable
        Analysed effect table, full record and selection of rows to the alternatives that the
        dataset offers.
    groupings : tuple of tuples of str
        Columns by which its effects and studies are counted; every category if empty.
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
    alternatives: Callable[[Table, Table, Keep], Sequence[DataAlternative]] = no_alternatives
    groupings: tuple[tuple[str, ...], ...] = ()


def check_variant(variant: str, variants: Sequence[str]) -> None:
    """Raise BadInput if a variant is unknown."""
    if variant not in variants:
        raise BadInput(f"unknown variant {variant!r}; known are {', '.join(variants)}")
