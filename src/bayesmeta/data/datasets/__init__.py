"""Datasets by name: raw files on the left, a table with a row per effect on the right."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from bayesmeta.data.datasets import embedded, trace
from bayesmeta.infrastructure.errors import BadInput

__all__ = ["DATASETS", "Dataset", "flow", "read"]


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
    """

    title: str
    reader: Callable[[str, str], pd.DataFrame]
    model: str = "three-level"
    synthetic: bool = False
    scale: str = "Hedges' g (positive: better performance in PTSD)"
    outcome: str = "effects"


def _twin(name: str, variant: str) -> pd.DataFrame:
    from bayesmeta.data.datasets.twin import simulate

    trace.check_variant(variant)
    frame: pd.DataFrame = simulate(name)
    return frame


DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {
        "preclinical": Dataset("Memory and learning in animal models of PTSD (TRACE)", trace.read),
        "clinical": Dataset("Memory and learning in persons with PTSD (TRACE)", trace.read),
        "clinical-all": Dataset(
            "Memory and learning in persons with PTSD, small cells included (TRACE)", trace.read
        ),
        "translational": Dataset(
            "Memory and learning in PTSD, persons and animal models (TRACE)",
            trace.read,
            "translational",
        ),
        "preclinical-twin": Dataset(
            "Synthetic twin of the preclinical dataset", _twin, synthetic=True
        ),
        "clinical-twin": Dataset("Synthetic twin of the clinical dataset", _twin, synthetic=True),
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
        **{
            "dataset": dataset,
            "title": known.title,
            "synthetic": known.synthetic,
            "scale": known.scale,
        },
    }
    return frame


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
