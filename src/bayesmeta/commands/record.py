"""Facts about a named dataset beyond its table; only this file of commands has words of TRACE.

Once `data.datasets.Dataset` has these fields, this file can go.
"""

import pandas as pd

from bayesmeta.data.datasets import DATASETS, trace
from bayesmeta.infrastructure.choices import Variant

STRICT: Variant = "strict"  # variant with the codes of the authors only
KIND = "species"
GROUPINGS = (["valence", "phase"], [KIND], ["comparison"])


def has_record(dataset: str) -> bool:
    """Return whether a dataset is a part of a larger record, which has variants."""
    return dataset in DATASETS and DATASETS[dataset].reader is trace.read


def record_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return all effects of the record that a dataset is a part of, in the same variant."""
    return trace.build(str(frame.attrs["variant"])).effects


def record_of_species(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the record's effects of a dataset's species, with comparison B and small cells.

    A table without a record is returned as it is.
    """
    if not has_record(str(frame.attrs["dataset"])):
        return frame
    effects = record_of(frame)
    return effects[effects[KIND].isin(frame[KIND].unique())]


def groupings_of(frame: pd.DataFrame, dataset: str) -> list[list[str]]:
    """Return the columns by which the sizes of a named dataset are counted."""
    if dataset not in DATASETS:
        return []
    return [names for names in GROUPINGS if set(names) <= set(frame.columns)]


def kind_column(frame: pd.DataFrame, dataset: str) -> str:
    """Return the column of the kinds of subjects in a named dataset; "" if there is none.

    Missing moderators are imputed within a kind unless another column is asked for.
    """
    return KIND if dataset in DATASETS and KIND in frame.columns else ""
