"""Ketamine and the extinction of fear in rodents: directions, without effect sizes."""

from collections.abc import Mapping

import pandas as pd

from bayesmeta.data.datasets.dataset import Dataset, packaged_table

NAME = "ketamine-extinction"
DIRECTIONS = ("impaired", "none", "enhanced")
LEVELS = {
    "species": pd.CategoricalDtype(["rat", "mouse"]),
    "route": pd.CategoricalDtype(["intravenous", "intraperitoneal", "unstated"]),
    "given": pd.CategoricalDtype(["after", "before", "unstated"]),
    "direction": pd.CategoricalDtype(list(DIRECTIONS), ordered=True),
}
AGGREGATE: Mapping[str, int] = {"enhanced": 10, "studies": 15}  # as Boese et al. 2025 counted them
NOTES = (
    "directions as abstracts state them: impaired, none or enhanced; no effect sizes exist in "
    "the open record",
    "none of the papers is confirmed to be among the 15 studies of Boese et al. "
    "(doi:10.3389/fnins.2025.1546460); their count, 10 of 15 enhancing, is not a part of the model",
    "what an abstract does not state is coded unstated: the route of 7 of 11 rows, the time of 2",
    "with so few rows the priors have much influence: compare every probability with its prior",
)


def read_directions() -> pd.DataFrame:
    """Return the effect of ketamine as abstracts state it, a row per paper, route and timing.

    Columns: effect, study (the paper), group (the row), species, route, timing (in words), given
    (after, before or unstated: the timing as the model reads it), direction (impaired < none <
    enhanced). Neither yi nor vi: no effect sizes exist in the open record. `attrs["aggregate"]`
    counts enhanced of all studies in the review.

    Source: papers as named in the rows; Boese et al. 2025, Front. Neurosci. 19:1546460,
    doi:10.3389/fnins.2025.1546460, for the aggregate.
    """
    table, source = packaged_table(NAME)
    effect = table["paper"] + ":" + table.groupby("paper").cumcount().add(1).astype(str)
    labels = pd.DataFrame({"effect": effect, "study": table["paper"], "group": effect})
    frame = pd.concat([labels, table.drop(columns="paper").astype(LEVELS)], axis=1)
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
