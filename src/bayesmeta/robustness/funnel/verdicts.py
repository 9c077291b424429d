"""What a funnel check says, in words."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.robustness.funnel.rows import Rows

ALPHA = 0.05
UNLINKED = "no SMD: the link between effect and standard error cannot be simulated"
HIGH = {
    "egger": "small studies report larger effects than arithmetic and chance give",
    "egger_size": "small studies report larger effects than chance gives, by sizes alone",
    "skewness": "the tail in the published direction is longer than the model gives, as outlying studies and errors in "
    "the data make it more than selection does",
    "significant": "more results are significant than the model gives, as selection makes it",
    "step": "results pile up just above significance more than the model gives, as selection makes it",
}
LOW = {
    "egger": "small studies report smaller effects than arithmetic and chance give",
    "egger_size": "small studies report smaller effects than chance gives, by sizes alone",
    "skewness": "the tail against the published direction is longer than the model gives",
    "significant": "fewer results are significant than the model gives, as tails heavier than normal make it",
    "step": "results pile up just below significance more than the model gives",
}


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """The table with `flag` and `verdict`; within a cell each of m statistics is tested at .05 / m, on either side."""
    threshold = ALPHA / table.groupby("cell")["statistic"].transform("size")
    below = table["p_two_sided"].where(table["p"] > 0.5, 1) / 2
    flag = np.select([table["p"] < threshold, below < threshold], ["high", "low"], "")
    table = table.assign(flag=flag)
    spurious = (table["naive_p"] < threshold) & (flag == "")
    words = [_words(row, naive) for row, naive in zip(table.to_dict("records"), spurious, strict=True)]
    return table.assign(verdict=words)


def _words(row: dict[Hashable, Any], spurious: bool) -> str:
    name = str(row["statistic"])
    said = {"high": HIGH[name], "low": LOW[name], "": "as replicates without selection have it"}[str(row["flag"])]
    if name == "egger":
        said += f"; of the slope {row['observed']:.2f} arithmetic makes {row['replicate_mean']:.2f}"
    return said + ("; a check with variances held fixed would have flagged it" if spurious else "")


def link_note(rows: Rows) -> str:
    """How many sampling variances follow from their effects."""
    linked, k = int(rows.linked.sum()), len(rows.yi)
    if not linked:
        return UNLINKED
    some = f"{linked} of {k} effects are SMDs ({rows.vtype} variance), simulated with their standard errors"
    return some if linked == k else f"{some}; of the others {UNLINKED.removeprefix('no SMD: ')}"


def overall(whole: pd.DataFrame, rows: Rows) -> str:
    """The verdict on the whole dataset: what is flagged, and whether the link could be simulated."""
    flagged = [
        (HIGH if flag == "high" else LOW)[name]
        for name, flag in zip(whole["statistic"], whole["flag"], strict=True)
        if flag
    ]
    parts = [f"the model without selection does not give this funnel: {'; '.join(flagged)}"] if flagged else []
    if not flagged:
        parts = ["nothing in the funnel that the model without selection would not give"]
    if not rows.linked.all():
        parts.append(link_note(rows))
    return ". ".join(part[0].upper() + part[1:] for part in parts) + "."
