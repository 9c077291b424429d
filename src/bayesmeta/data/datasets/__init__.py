"""Datasets by name: raw files on the left, a table with a row per effect on the right.

A new dataset is a reader, a file or folder here, and its `Dataset` in `DATASETS`.
"""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from bayesmeta.data.datasets import ketamine_extinction, retroactive_memory, trace, twin
from bayesmeta.data.datasets.alternative import DataAlternative, Keep
from bayesmeta.data.datasets.dataset import Dataset, check_variant
from bayesmeta.infrastructure.errors import BadInput

DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {
        **trace.DATASETS,
        **twin.DATASETS,
        retroactive_memory.NAME: retroactive_memory.DATASET,
        ketamine_extinction.NAME: ketamine_extinction.DATASET,
    }
)
VARIANTS = tuple(
    dict.fromkeys(variant for known in DATASETS.values() for variant in known.variants)
)


def read(dataset: str, *, variant: str | None = None) -> pd.DataFrame:
    """Return the effect table of a dataset.

    Parameters
    ----------
    dataset : str
        A name in `DATASETS`.
    variant : str, optional
        A name in the dataset's `variants`; its `default_variant` by default. A dataset without
        variants takes any known variant, which makes no difference.

    Returns
    -------
    DataFrame
        A row per effect: `effect` (its label), `study`, `group`, `yi`, `vi`, the numbers behind
        them under metafor's names, and moderators, as the reader of the dataset describes them. A
        dataset of directions has `direction` in place of yi and vi. `attrs` hold dataset, title,
        variant, synthetic, scale, sources (name, sha256, found_in of the files), final_sheets
        (files that the user supplied) and notes that a reader must see.

    Raises
    ------
    BadInput
        The dataset or the variant is unknown, or a raw file is absent or not as expected.
    """
    known = _dataset(dataset)
    variant = _variant(known, variant)
    frame = known.reader(variant) if known.variants else known.reader()
    frame.attrs = {
        **{"variant": None, "sources": [], "final_sheets": [], "notes": []},
        **frame.attrs,
        "dataset": dataset,
        "title": known.title,
        "synthetic": known.synthetic,
        "scale": known.scale,
    }
    return frame


def flow(dataset: str, *, variant: str | None = None) -> pd.DataFrame:
    """Return the steps from rows of raw sheets to effects: search, step, rows, reason.

    Raises
    ------
    BadInput
        The dataset or the variant is unknown, the dataset has no raw sheets, or `read` would fail.
    """
    known = _dataset(dataset)
    if known.flow is None:
        raise BadInput(f"{dataset!r} is not made from raw sheets, so no rows were left out")
    return known.flow(_variant(known, variant))


def full_record(frame: pd.DataFrame) -> pd.DataFrame:
    """Return every effect of the record that a table is selected from, of the same kinds.

    Parameters
    ----------
    frame : DataFrame
        Effect table of a dataset, with its `attrs`; a table without a record is returned as it is.

    Raises
    ------
    BadInput
        A raw file is absent or not as expected.
    """
    known = DATASETS.get(str(frame.attrs.get("dataset")))
    if known is None or known.record is None:
        return frame
    effects = known.record(str(frame.attrs["variant"]))
    if known.kind is None:
        return effects
    return effects[effects[known.kind].isin(frame[known.kind].unique())]


def alternatives_to(frame: pd.DataFrame, keep: Keep) -> tuple[DataAlternative, ...]:
    """Return the alternatives that a dataset offers to an analysis of its effects; none for a file.

    Parameters
    ----------
    frame : DataFrame
        The analysed effect table; its attrs name the dataset.
    keep : function
        Applies the selection of rows of the analysis to another effect table.
    """
    known = DATASETS.get(str(frame.attrs.get("dataset")))
    return tuple(known.alternatives(frame, full_record(frame), keep)) if known else ()


def _dataset(name: str) -> Dataset:
    """Return the dataset of a name.

    Raises
    ------
    BadInput
        The name is unknown.
    """
    if name not in DATASETS:
        close = difflib.get_close_matches(name, DATASETS, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise BadInput(f"unknown dataset {name!r}{hint}; known are: {', '.join(DATASETS)}")
    return DATASETS[name]


def _variant(known: Dataset, variant: str | None) -> str:
    """Return the variant that is to be read.

    Raises
    ------
    BadInput
        It is unknown.
    """
    if variant is None:
        return known.default_variant or ""
    check_variant(variant, known.variants or VARIANTS)
    return variant
