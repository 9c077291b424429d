"""Datasets by name: raw files on the left, a table with a row per effect on the right.

A new dataset is a reader, a file or folder here, and its `Dataset` in `DATASETS`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from bayesmeta.data.datasets import ketamine_extinction, retroactive_memory, trace, twin
from bayesmeta.data.datasets.dataset import DataAlternative, Dataset, Keep
from bayesmeta.infrastructure.choices import check_known
from bayesmeta.infrastructure.errors import BadInput

DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {
        **trace.DATASETS,
        **twin.DATASETS,
        retroactive_memory.NAME: retroactive_memory.DATASET,
        ketamine_extinction.NAME: ketamine_extinction.DATASET,
    }
)
VARIANTS = tuple(dict.fromkeys(name for known in DATASETS.values() for name in known.variants))


def read(dataset: str, *, variant: str | None = None) -> pd.DataFrame:
    """Return the effect table of a dataset in `DATASETS`.

    `variant` is the dataset's `default_variant` by default; a dataset without variants takes any
    known variant, which makes no difference. Raise BadInput if the dataset or the variant is
    unknown, or a raw file is absent or not as expected.

    Columns: effect (its label), study, group, yi, vi, the numbers behind them under metafor's
    names, and moderators, as the reader of the dataset describes them. A dataset of directions has
    `direction` in place of yi and vi. `attrs` hold dataset, title, variant, synthetic, scale,
    sources (name, sha256, found_in of the files), final_sheets (files that the user supplied) and
    notes that a reader must see.
    """
    known, variant = _chosen(dataset, variant)
    frame = known.reader(variant) if known.variants else known.reader()
    default: dict[Any, Any] = {"variant": None, "sources": [], "final_sheets": [], "notes": []}
    about = {name: getattr(known, name) for name in ("title", "synthetic", "scale")}
    frame.attrs = default | frame.attrs | {"dataset": dataset} | about
    return frame


def flow(dataset: str, *, variant: str | None = None) -> pd.DataFrame:
    """Return search, step, rows, reason from raw sheets to effects; raise BadInput without them."""
    known, variant = _chosen(dataset, variant)
    if known.flow is None:
        raise BadInput(f"{dataset!r} is not made from raw sheets, so no rows were left out")
    return known.flow(variant)


def full_record(frame: pd.DataFrame) -> pd.DataFrame:
    """Return every effect, of the same kinds, of the record that a table is selected from.

    A table without a record is returned as it is. Raise BadInput as `read`.
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

    `frame` is the analysed effect table, its attrs name the dataset; `keep` applies the selection
    of rows of the analysis to another effect table.
    """
    known = DATASETS.get(str(frame.attrs.get("dataset")))
    if known is None or known.alternatives is None:
        return ()
    return tuple(known.alternatives(frame, full_record(frame), keep))


def _chosen(name: str, variant: str | None) -> tuple[Dataset, str]:
    check_known("dataset", name, DATASETS)
    known = DATASETS[name]
    if variant is None:
        return known, known.default_variant or ""
    check_known("variant", variant, known.variants or VARIANTS)
    return known, variant
