"""Step 4: codes of a task and its measure: phase, valence, type of information, direction."""

import numpy as np
import pandas as pd

from bayesmeta.data.datasets.trace.sheets import read_workbook, trim_cells
from bayesmeta.data.datasets.trace.tables import records, table
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.errors import BadInput

PHASES = {"L": "learning", "M": "memory", "E": "extinction"}
VALENCES = {"N": "neutral", "E": "emotional", "F": "fear", "T": "trauma"}
CODES = ["type", "phase", "valence", "recode", "cuectx"]
NO_CODE = "task and measure have no code"
SET_ASIDE = "task and measure set aside in task_codes_supplement.csv"


def codebook(source: Source, variant: str) -> pd.DataFrame:
    """Return codes by task.measure, case-sensitive: the authors' codes and our supplement.

    The variant `strict` takes the authors' codes alone. Columns, indexed by task.measure: `CODES`,
    `code_source` (authors_csv or reconstructed) and `keep`. Raise BadInput if the authors' book of
    codes lacks a column.
    """
    authors = _authors(source)
    if variant == "strict":
        return authors
    supplement = _by_key(table("task_codes_supplement"), "keep")
    kept = supplement["keep"] == "1"
    supplement = supplement.assign(code_source="reconstructed", keep=kept)
    return pd.concat([authors, supplement[~supplement.index.isin(authors.index)]])


def add_codes(rows: pd.DataFrame, codes: pd.DataFrame, variant: str) -> pd.DataFrame:
    """Return rows with codes in words, `direction`, `code_source`, and `left_out` without a code.

    `direction` is +1 if a higher value of the measure means better performance and -1 if it means
    worse; the sign is reversed for extinction of a threat.

    Source: doi:10.1038/s41398-023-02660-7.
    """
    key = rows["task"].fillna("") + "." + rows["outcome"].fillna("NA")
    matched = _with_codes_by_name(rows, codes.reindex(key).set_axis(rows.index), variant)
    phase = matched["phase"].map(PHASES)
    valence = matched["valence"].map(VALENCES)
    information = matched["type"].replace("fear", "threat")
    sign = pd.to_numeric(matched["recode"], errors="coerce")
    reversed_sign = (phase == "extinction") & (information == "threat")
    autobiographic = rows["task"].str.startswith("autobio").fillna(False)
    uncoded = phase.isna() | valence.isna() | sign.isna()
    reason = pd.Series("", index=rows.index).mask(matched["keep"].eq(False), SET_ASIDE)
    return rows.assign(
        phase=phase,
        valence=valence,
        information_type=information.mask(autobiographic, "autobio"),
        cue_context=matched["cuectx"],
        direction=sign * np.where(reversed_sign, -1, 1),
        code_source=matched["code_source"],
        left_out=reason.mask(uncoded, NO_CODE),
    )


def _authors(source: Source) -> pd.DataFrame:
    path = source.path
    if path.suffix == ".xlsx":
        frame = read_workbook(source, [""])[""]
    else:
        frame = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    lacking = [name for name in ["task", "measure", *CODES] if name not in frame]
    if lacking:
        raise BadInput(f"{source.name!r} lacks the columns {lacking}; it has {list(frame)}")
    return _by_key(frame).assign(code_source="authors_csv", keep=True)


def _by_key(frame: pd.DataFrame, *extra: str) -> pd.DataFrame:
    """Return codes indexed by task.measure, the first of equal keys."""
    frame = trim_cells(frame[["task", "measure", *CODES, *extra]])
    frame = frame.set_axis(frame["task"] + "." + frame["measure"])[[*CODES, *extra]]
    return frame[~frame.index.duplicated()]


def _with_codes_by_name(rows: pd.DataFrame, matched: pd.DataFrame, variant: str) -> pd.DataFrame:
    """Return the codes, with codes by the name of the outcome for rows without a measure."""
    matched = matched.copy()
    names = rows["outcome_name"].fillna("")
    unmatched = rows["outcome"].isna()
    for code in records("trace/codes_by_name", variant):
        hit = unmatched & (rows["study"] == code["study"]) & names.str.contains(code["pattern"])
        matched.loc[hit, CODES] = [code[name] for name in CODES]
        matched.loc[hit, "code_source"] = "reconstructed"
        matched.loc[hit, "keep"] = True
        unmatched = unmatched & ~hit
    return matched
