"""The TRACE record: memory and learning in PTSD, in persons and in animal models, from three searches.

The authors' public sheets become a table with a row per effect in one direction:

    sheets -> inclusion -> coding -> ids -> reused controls -> dispersion -> effects -> moderators -> sets

Source: Sep, Geuze & Joëls (2023), Translational Psychiatry 13:376, doi:10.1038/s41398-023-02660-7.
"""

from dataclasses import dataclass

import pandas as pd

from bayesmeta.data import sources as raw
from bayesmeta.data.datasets.trace import coding, inclusion, moderators, numbers, sets, sheets
from bayesmeta.data.sources import Source
from bayesmeta.infrastructure.errors import BadInput

VARIANTS = ("strict", "extended", "calibrated")


@dataclass(frozen=True)
class Record:
    """What one pass over the raw files gives.

    Attributes
    ----------
    effects : a row per effect, every effect of the variant, with the columns of `data/trace/effects.csv`.
    left_out : why a spreadsheet row is no effect, indexed by (search, sheet_row); "" for the effects.
    sources : the files read.
    """

    effects: pd.DataFrame
    left_out: pd.Series
    sources: tuple[Source, ...]


def check_variant(variant: str) -> None:
    """Raises BadInput where a variant is unknown."""
    if variant not in VARIANTS:
        raise BadInput(f"unknown variant {variant!r}; known are {', '.join(VARIANTS)}")


def build(variant: str = "calibrated") -> Record:
    """Read the raw files and make the table of all effects of a variant, comparison B included.

    Parameters
    ----------
    variant : `strict` (inclusion exactly 1, only task x measure codes that the authors published), `extended`
        (also our supplement of codes and the authors' lists of studies) or `calibrated` (also our repairs).

    Raises
    ------
    BadInput
        The variant is unknown, or a file is absent, not the pinned one, or not as expected.
    """
    check_variant(variant)
    sources = {key: raw.locate(key) for key in raw.register()["files"]}
    read = inclusion.with_subjects(sheets.repaired(sheets.read_sheets(sources), variant))
    reasons = inclusion.left_out(read, inclusion.listed_studies(sources), variant)

    rows = coding.coded(read[reasons == ""], coding.codebook(sources["codes"], variant), variant)
    rows = numbers.parsed(numbers.labelled(rows), sources)
    rows = numbers.with_effects(numbers.dispersed(numbers.shared(rows)), sources)
    reasons = (
        rows["left_out"]
        .combine_first(reasons)
        .set_axis(pd.MultiIndex.from_frame(read[list(sets.KEY)]))
    )

    effects = moderators.with_moderators(rows[rows["left_out"] == ""])
    effects = sets.arranged(effects, moderators.risk_of_bias(sources["bias"]))
    return Record(effects, reasons, tuple(sources.values()))


def read(dataset: str, variant: str = "calibrated") -> pd.DataFrame:
    """The effects of one analysis set; `attrs` hold sources and notes."""
    record = build(variant)
    effects = record.effects
    chosen = sets.with_present_categories(effects[sets.set_aside(effects, dataset) == ""])
    final = [source.name for source in record.sources if source.final]
    chosen.attrs |= {
        "variant": variant,
        "sources": [source.record() for source in record.sources],
        "final_sheets": final,
        "notes": sets.notes(variant, final),
    }
    return chosen


def flow(dataset: str, variant: str = "calibrated") -> pd.DataFrame:
    """From spreadsheet rows to effects: the rows left out at each step, with the reason, per search.

    Returns
    -------
    DataFrame with the columns search, step (read, inclusion, coding, numbers, set, effects), rows, reason.
    """
    record = build(variant)
    return sets.counted(record.left_out, sets.set_aside(record.effects, dataset))
