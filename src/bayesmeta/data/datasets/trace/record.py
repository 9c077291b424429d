"""A pass over the raw files: all effects of the record, the sets of them, the rows left out."""

from dataclasses import dataclass, replace
from functools import lru_cache

import pandas as pd

from bayesmeta.data import sources as raw
from bayesmeta.data.datasets.trace import coding, inclusion, moderators, numbers, sets, sheets
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.choices import check_known

VARIANTS = ("strict", "extended", "calibrated")


@dataclass(frozen=True)
class Record:
    """The result of a pass over the raw files.

    Attributes
    ----------
    effects : every effect of the variant, with the columns of `data/trace/effects.csv`.
    reasons : why a row (search, sheet_row) of a spreadsheet is not an effect; "" for the effects.
    sources : the files that were read.
    """

    effects: pd.DataFrame
    reasons: pd.Series
    sources: tuple[Source, ...]


def build(variant: str = "calibrated") -> Record:
    """Return the table of all effects of a variant, comparison B included, from the raw files.

    Variants: `strict` (inclusion exactly 1, only task x measure codes that the authors published),
    `extended` (also our supplement of codes and the authors' lists of studies) and `calibrated`
    (also our repairs). Raise BadInput if the variant is unknown, or a file is absent, not the
    pinned version, or not as expected. A process that asks again, as a report does for every part,
    gets a copy.
    """
    check_known("variant", variant, VARIANTS)
    sources = {key: raw.locate(key) for key in raw.register()["files"]}
    record = _build(variant, tuple(sources.items()))
    return replace(record, effects=record.effects.copy(), reasons=record.reasons.copy())


@lru_cache(maxsize=len(VARIANTS))
def _build(variant: str, files: tuple[tuple[str, Source], ...]) -> Record:
    sources = dict(files)
    cells = sheets.repair_cells(sheets.read_sheets(sources), variant)
    cells = inclusion.add_subjects(cells)
    reasons = inclusion.exclusion_reasons(cells, inclusion.listed_studies(sources), variant)

    codes = coding.codebook(sources["codes"], variant)
    rows = coding.add_codes(cells[reasons == ""], codes, variant)
    rows = numbers.parse_numbers(numbers.add_labels(rows), sources)
    rows = numbers.add_deviations(numbers.divide_controls(rows))
    rows = numbers.add_effects(rows, sources)
    reasons = rows["left_out"].combine_first(reasons)
    reasons = reasons.set_axis(pd.MultiIndex.from_frame(cells[list(sets.KEY)]))

    effects = moderators.add_moderators(rows[rows["left_out"] == ""])
    effects = sets.arrange(effects, moderators.risk_of_bias(sources["bias"]))
    return Record(effects, reasons, tuple(sources.values()))


def read(dataset: str, variant: str) -> pd.DataFrame:
    """Return the effects of a set; `attrs` hold variant, sources, final_sheets and notes.

    Columns are described in `data/trace/effects.csv`; yi is Hedges' g, positive if performance in
    PTSD is better.
    """
    record = build(variant)
    chosen = record.effects[sets.reasons_aside(record.effects, dataset) == ""]
    chosen = sets.drop_absent_categories(chosen)
    final = [source.name for source in record.sources if source.final]
    sources = [source.record() for source in record.sources]
    chosen.attrs |= {"variant": variant, "sources": sources, "final_sheets": final}
    chosen.attrs |= {"notes": sets.notes(variant, final)}
    return chosen


def count_rows(dataset: str, variant: str) -> pd.DataFrame:
    """Return the rows left out at every step from spreadsheet rows to effects, per search.

    Columns: search, step (read, inclusion, coding, numbers, set, effects), rows, reason. Raise
    BadInput if the dataset is not a set of the record, or `build` fails.
    """
    sets.check_set(dataset)
    record = build(variant)
    return sets.count_reasons(record.reasons, sets.reasons_aside(record.effects, dataset))
