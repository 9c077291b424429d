"""The result of a funnel check in words."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.robustness.funnel.data import FunnelData

ALPHA = 0.05
NOT_SIMULATED = "the link between effect and standard error cannot be simulated"
UNLINKED = f"not an SMD: {NOT_SIMULATED}"
HIGH = {
    "egger": "small studies report larger effects than expected from arithmetic and chance",
    "egger_size": "small studies (by group sizes) report larger effects than expected by chance",
    "skewness": "the tail in the published direction is longer than the model expects; outlying "
    "studies and errors in the data cause this more often than selection",
    "significant": "more results are significant than the model expects, as under selection",
    "step": "more results lie just above significance than the model expects, as under selection",
}
LOW = {
    "egger": "small studies report smaller effects than expected from arithmetic and chance",
    "egger_size": "small studies (by group sizes) report smaller effects than expected by chance",
    "skewness": "the tail against the published direction is longer than the model expects",
    "significant": "fewer results are significant than the model expects, as with heavy tails",
    "step": "more results lie just below significance than the model expects",
}
AS_EXPECTED = "as in replicates without selection"


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """Add `flag` and `verdict`: the m statistics of a cell are tested at .05 / m, on both sides."""
    threshold = ALPHA / table.groupby("cell")["statistic"].transform("size")
    p_low = table["p_two_sided"].where(table["p"] > 0.5, 1) / 2
    flag = np.select([table["p"] < threshold, p_low < threshold], ["high", "low"], "")
    table = table.assign(flag=flag)
    spurious = (table["naive_p"] < threshold) & (flag == "")
    rows = zip(table.to_dict("records"), spurious, strict=True)
    return table.assign(verdict=[_words(row, spurious=naive) for row, naive in rows])


def _words(row: dict[Hashable, Any], *, spurious: bool) -> str:
    name = str(row["statistic"])
    words = {"high": HIGH[name], "low": LOW[name], "": AS_EXPECTED}[str(row["flag"])]
    if name == "egger":
        expected = f"{row['replicate_mean']:.2f}"
        words += f"; the slope is {row['observed']:.2f}, and arithmetic alone gives {expected}"
    if spurious:
        words += "; a check with fixed variances would have flagged it"
    return words


def link_note(data: FunnelData) -> str:
    """Return in words how many sampling variances follow from their effects."""
    linked = int(data.linked.sum())
    k = len(data.yi)
    if not linked:
        return UNLINKED
    kind = f"{linked} of {k} effects are SMDs ({data.vtype} variance)"
    note = f"{kind}, simulated with their standard errors"
    return note if linked == k else f"{note}; for the others {NOT_SIMULATED}"


def overall(of_all: pd.DataFrame, data: FunnelData) -> str:
    """Return the verdict on the entire dataset: the flags, and whether the link was simulated."""
    flags = zip(of_all["statistic"], of_all["flag"], strict=True)
    flagged = [(HIGH if flag == "high" else LOW)[name] for name, flag in flags if flag]
    if flagged:
        parts = [f"the model without selection does not explain this funnel: {'; '.join(flagged)}"]
    else:
        parts = ["nothing in the funnel contradicts the model without selection"]
    if not data.linked.all():
        parts.append(link_note(data))
    return ". ".join(part[0].upper() + part[1:] for part in parts) + "."
