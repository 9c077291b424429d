"""The TRACE record: memory and learning in PTSD, in persons and animal models, from three searches.

The authors' public sheets become a table with a row per effect and a common direction:

    sheets -> inclusion -> coding -> ids -> reused controls -> dispersion -> effects -> moderators
    -> sets

Source: Sep, Geuze & Joëls (2023), Translational Psychiatry 13:376, doi:10.1038/s41398-023-02660-7.
"""

from collections.abc import Mapping
from functools import partial

import pandas as pd

from bayesmeta.data.datasets.dataset import Dataset
from bayesmeta.data.datasets.trace.alternatives import alternatives
from bayesmeta.data.datasets.trace.flow import flow_table
from bayesmeta.data.datasets.trace.forms import risk_of_bias_table
from bayesmeta.data.datasets.trace.moderators import PUBLISHED
from bayesmeta.data.datasets.trace.record import VARIANTS, Record, build, count_rows, read
from bayesmeta.data.datasets.trace.subjects import subjects_table

SCALE = "Hedges' g (positive: better performance in PTSD)"
WORDS = {
    "UnExp": "unexposed",
    "ShamExp": "sham exposed",
    "TraumaExp": "trauma exposed",
    "WarRelated": "war related",
    "autobio": "autobiographic",
    "cuecontext": "cue and context",
    "cuecue": "two cues",
}
GROUPINGS = (("valence", "phase"), ("species",), ("comparison",))
TITLES = {
    "preclinical": "Memory and learning in animal models of PTSD (TRACE)",
    "clinical": "Memory and learning in persons with PTSD (TRACE)",
    "clinical-all": "Memory and learning in persons with PTSD, small cells included (TRACE)",
    "translational": "Memory and learning in PTSD, persons and animal models (TRACE)",
}


def describe(dataset: str, frame: pd.DataFrame, variant: str) -> dict[str, pd.DataFrame]:
    """Return the tables that describe a dataset's effects, or some rows of them, by file name.

    They are `flow`, `subjects`, and `risk_of_bias_items` if any study was assessed; none for a
    table that was not made from the sheets. Raise BadInput if a raw file is absent or not as
    expected.
    """
    if "search" not in frame:
        return {}
    tables = {
        "flow": flow_table(frame, dataset, variant),
        "subjects": subjects_table(frame),
        "risk_of_bias_items": risk_of_bias_table(frame),
    }
    return {name: table for name, table in tables.items() if len(table)}


DATASETS: Mapping[str, Dataset] = {
    name: Dataset(
        title=title,
        reader=partial(read, name),
        model="translational" if name == "translational" else "three-level",
        scale=SCALE,
        variants=VARIANTS,
        default_variant="calibrated",
        kind="species",
        words=WORDS,
        record=lambda variant: build(variant).effects,
        flow=partial(count_rows, name),
        tables=partial(describe, name),
        moderators=PUBLISHED,
        alternatives=alternatives,
        groupings=GROUPINGS,
    )
    for name, title in TITLES.items()
}
