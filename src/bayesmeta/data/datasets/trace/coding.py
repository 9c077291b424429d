"""Step 4: what a task and its measure stand for: phase, valence, type of information, direction."""

import numpy as np
import pandas as pd

from bayesmeta.data.datasets.trace.sheets import trimmed, workbook
from bayesmeta.data.datasets.trace.tables import records, table
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.errors import BadInput

PHASES = {"L": "learning", "M": "memory", "E": "extinction"}
VALENCES = {"N": "neutral", "E": "emotional", "F": "fear", "T": "trauma"}
CODES = ["type", "phase", "valence", "recode", "cuectx"]
NO_CODE = "task and measure have no code"
SET_ASIDE = "task and measure set aside in task_codes_supplement.csv"


def codebook(source: Source, variant: str) -> pd.DataFrame:
    """Codes by task.measure, case-sensitive: the authors' and, but for `strict`, our supplement.

    Returns
    -------
    DataFrame indexed by task.measure with `CODES`, `code_source` (authors_csv or reconstructed) and `keep`.

    Raises
    ------
    BadInput
        The authors' book of codes lacks a column.
    """
    authors = _authors(source)
    if variant == "strict":
        return authors
    ours = _keyed(table("task_codes_supplement"), "keep")
    ours = ours.assign(code_source="reconstructed", keep=ours["keep"] == "1")
    return pd.concat([authors, ours[~ours.index.isin(authors.index)]])


def coded(rows: pd.DataFrame, codes: pd.DataFrame, variant: str) -> pd.DataFrame:
    """Adds the codes in words, `direction`, `code_source`, and to `left_out` the rows that have no code.

    `direction` is +1 where a higher value of the measure means better performance and -1 where it means
    worse; extinction of a threat turns it round. Source: doi:10.1038/s41398-023-02660-7.
    """
    key = rows["task"].fillna("") + "." + rows["outcome"].fillna("NA")
    found = codes.reindex(key).set_axis(rows.index)
    found = _by_name(rows, found, variant)
    phase, kind = found["phase"].map(PHASES), found["type"].replace("fear", "threat")
    turned = (phase == "extinction") & (kind == "threat")
    valence, sign = found["valence"].map(VALENCES), pd.to_numeric(found["recode"], errors="coerce")
    uncoded = phase.isna() | valence.isna() | sign.isna()
    reason = pd.Series("", index=rows.index).mask(found["keep"].eq(False), SET_ASIDE)
    return rows.assign(
        phase=phase,
        valence=valence,
        information_type=kind.mask(rows["task"].str.startswith("autobio").fillna(False), "autobio"),
        cue_context=found["cuectx"],
        direction=sign * np.where(turned, -1, 1),
        code_source=found["code_source"],
        left_out=reason.mask(uncoded, NO_CODE),
    )


def _authors(source: Source) -> pd.DataFrame:
    if source.path.suffix == ".xlsx":
        frame = workbook(source, [""])[""]
    else:
        frame = pd.read_csv(
            source.path, sep=";", dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    lacking = [name for name in ["task", "measure", *CODES] if name not in frame]
    if lacking:
        raise BadInput(f"{source.name!r} lacks the columns {lacking}; it has {list(frame)}")
    return _keyed(frame).assign(code_source="authors_csv", keep=True)


def _keyed(frame: pd.DataFrame, *extra: str) -> pd.DataFrame:
    frame = trimmed(frame[["task", "measure", *CODES, *extra]])
    frame = frame.set_axis(frame["task"] + "." + frame["measure"])[[*CODES, *extra]]
    return frame[~frame.index.duplicated()]


def _by_name(rows: pd.DataFrame, found: pd.DataFrame, variant: str) -> pd.DataFrame:
    found = found.copy()
    names, todo = rows["outcome_name"].fillna(""), rows["outcome"].isna()
    for code in records("trace/codes_by_name", variant):
        hit = todo & (rows["study"] == code["study"]) & names.str.contains(code["pattern"])
        found.loc[hit, CODES] = [code[name] for name in CODES]
        found.loc[hit, "code_source"], found.loc[hit, "keep"] = "reconstructed", True
        todo &= ~hit
    return found
