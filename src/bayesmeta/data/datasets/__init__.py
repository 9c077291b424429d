"""Datasets by name: raw files on the left, a table with a row per effect on the right."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from bayesmeta.data.datasets import embedded, trace
from bayesmeta.data.datasets.alternative import DataAlternative, Keep, no_alternatives
from bayesmeta.data.datasets.trace import alternatives as trace_alternatives
from bayesmeta.data.datasets.trace import moderators
from bayesmeta.infrastructure.errors import BadInput

__all__ = ["DATASETS", "DataAlternative", "Dataset", "alternatives_to", "flow", "read"]


@dataclass(frozen=True)
class Dataset:
    """A dataset that has a name.

    Attributes
    ----------
    title : one line for reports.
    reader : name and variant to a table with a row per effect.
    model : name of the model file it is analysed with unless another is asked for.
    synthetic : made up by the package; says nothing about the world.
    scale : what yi is, as axes are labelled.
    outcome : `effects` with yi and vi, or `directions` alone.
    moderators : columns that a screening takes by default; every moderator of the table if empty.
    alternatives : analysed effect table and its selection of rows to the alternatives of the dataset.
    """

    title: str
    reader: Callable[[str, str], pd.DataFrame]
    model: str = "three-level"
    synthetic: bool = False
    scale: str = "Hedges' g (positive: better performance in PTSD)"
    outcome: str = "effects"
    moderators: tuple[str, ...] = ()
    alternatives: Callable[[pd.DataFrame, Keep], Sequence[DataAlternative]] = no_alternatives


def _trace(title: str, model: str = "three-level") -> Dataset:
    """Return a dataset that is made from the TRACE record."""
    return Dataset(
        f"{title} (TRACE)",
        trace.read,
        model,
        moderators=moderators.PUBLISHED,
        alternatives=trace_alternatives.alternatives,
    )


def _synthetic(title: str) -> Dataset:
    """Return a synthetic twin."""
    return Dataset(
        title, _twin, synthetic=True, alternatives=trace_alternatives.alternatives_of_twin
    )


def _twin(name: str, variant: str) -> pd.DataFrame:
    from bayesmeta.data.datasets.twin import simulate

    trace.check_variant(variant)
    frame: pd.DataFrame = simulate(name)
    return frame


DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {
        "preclinical": _trace("Memory and learning in animal models of PTSD"),
        "clinical": _trace("Memory and learning in persons with PTSD"),
        "clinical-all": _trace("Memory and learning in persons with PTSD, small cells included"),
        "translational": _trace("Memory and learning in PTSD, persons and animal models", "translational"),
        "preclinical-twin": _synthetic("Synthetic twin of the preclinical dataset"),
        "clinical-twin": _synthetic("Synthetic twin of the clinical dataset"),
        embedded.RETROACTIVE: Dataset(
            "Associative memory, aversive minus neutral, 30 minutes after learning (Zhu et al. 2022)",
            embedded.read_retroactive,
            embedded.RETROACTIVE,
            scale="d_z with exact J (positive: better memory in the aversive condition)",
        ),
        embedded.KETAMINE: Dataset(
            "Ketamine and the extinction of fear in rodents: directions as abstracts state them, no effect sizes",
            embedded.read_directions,
            embedded.KETAMINE,
            scale="log odds of a better direction",
            outcome="directions",
        ),
    }
)


def read(dataset: str, *, variant: str = "calibrated") -> pd.DataFrame:
    """The effect table of a dataset.

    Parameters
    ----------
    dataset : a name in `DATASETS`.
    variant : `strict`, `extended` or `calibrated`; to a synthetic twin it makes no difference.

    Returns
    -------
    DataFrame with a row per effect: `effect` (its label), `study`, `group`, `yi`, `vi` (Hedges' g, positive
    where PTSD performs better), the numbers behind them under metafor's names, and moderators, as described
    in `data/trace/effects.csv`. Its `attrs` hold dataset, title, variant, synthetic, sources (name, sha256,
    found_in of each file), final_sheets (those the user supplied) and notes that a reader must see.

    Raises
    ------
    BadInput
        The dataset or the variant is unknown, or a raw file is absent or not as expected.

    `ketamine-extinction` has `direction` in place of yi and vi (`embedded.read_directions`).

    Source: doi:10.1038/s41398-023-02660-7 for all but the twins and the two that `embedded` describes.
    """
    known = _known(dataset)
    frame = known.reader(dataset, variant)
    frame.attrs = {
        **{"variant": None, "sources": [], "final_sheets": [], "notes": []},
        **frame.attrs,
        **{"dataset": dataset, "title": known.title, "synthetic": known.synthetic, "scale": known.scale},
    }
    return frame


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
    return tuple(known.alternatives(frame, keep)) if known else ()


def flow(dataset: str, *, variant: str = "calibrated") -> pd.DataFrame:
    """From rows of the raw sheets to the effects of a dataset: search, step, rows, reason.

    Raises
    ------
    BadInput
        The dataset or the variant is unknown, the dataset has no raw sheets, or `read` would fail.
    """
    if _known(dataset).reader is not trace.read:
        raise BadInput(f"{dataset!r} is not made from raw sheets, so no rows were left out")
    return trace.flow(dataset, variant)


def _known(dataset: str) -> Dataset:
    if dataset not in DATASETS:
        close = difflib.get_close_matches(dataset, DATASETS, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise BadInput(f"unknown dataset {dataset!r}{hint}; known are: {', '.join(DATASETS)}")
    return DATASETS[dataset]
