"""Ketamine and the extinction of fear in rodents: directions, without effect sizes."""

from collections.abc import Mapping

import pandas as pd

from bayesmeta.data.datasets.dataset import Dataset
from bayesmeta.data.datasets.packaged import packaged_table

NAME = "ketamine-extinction"
DIRECTIONS = ("impaired", "none", "enhanced")
AGGREGATE: Mapping[str, int] = {"enhanced": 10, "studies": 15}  # as Boese et al. 2025 counted them
NOTES = (
    "directions as abstracts state them: impaired, none or enhanced; no effect sizes exist in "
    "the open record",
    "none of the papers is confirmed to be among the 15 studies of Boese et al. "
    "(doi:10.3389/fnins.2025.1546460); their 10 of 15 enhancing stands beside the model, not in it",
    "what an abstract does not state stays unstated: the route of 7 of 11 rows, the time of 2",
    "so few rows leave much to the priors: read every probability beside its prior",
)


def read_directions() -> pd.DataFrame:
    """Return the effect of ketamine as abstracts state it, a row per paper, route and timing.

    Returns
    -------
    DataFrame
        effect, study (the paper), group (the row), species, route, timing (in words), given (after,
        before or unstated: the timing as the model reads it), direction (impaired < none <
        enhanced). Neither yi nor vi: no effect sizes exist in the open record.
        `attrs["aggregate"]` counts enhanced of all studies in the review.

    Source: papers as named in the rows; Boese et al. 2025, Front. Neurosci. 19:1546460,
    doi:10.3389/fnins.2025.1546460, for the aggregate.
    """
    table, source = packaged_table(NAME)
    effect = table["paper"] + ":" + table.groupby("paper").cumcount().add(1).astype(str)
    columns = {
        "effect": effect,
        "study": table["paper"],
        "group": effect,
        "species": pd.Categorical(table["species"], ["rat", "mouse"]),
        "route": pd.Categorical(table["route"], ["intravenous", "intraperitoneal", "unstated"]),
        "timing": table["timing"],
        "given": pd.Categorical(table["given"], ["after", "before", "unstated"]),
        "direction": pd.Categorical(table["direction"], DIRECTIONS, ordered=True),
    }
    frame = pd.DataFrame(columns)
    frame.attrs = {"sources": [source], "notes": list(NOTES), "aggregate": dict(AGGREGATE)}
    return frame


DATASET = Dataset(
    title="Ketamine and the extinction of fear in rodents: directions as abstracts state them, no "
    "effect sizes",
    reader=read_directions,
    model=NAME,
    scale="log odds of a better direction",
    outcome="directions",
)
