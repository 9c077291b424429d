"""Rows of totals, subtotals and pooled results, which are no studies."""

import re

import numpy as np
import pandas as pd

from bayesmeta.data.table.marks import label_columns
from bayesmeta.data.table.reading import Reading, cells_at

SUMMED = r"(?:grand\s+)?total|sub\s*-?\s*total|overall|pooled|summary|combined|all\s+studies"
OF_WHAT = (
    r"effects?(?:\s+sizes?)?|estimates?|means?|results?|events|\(?I-?V\)?|sample|effect\s+estimate"
)
MODELS = r"(?:random|fixed|common)[\s-]*effects?(?:\s+model)?|(?:RE|FE|CE)\s+model"
OTHERS = r"heterogeneity|test\s+for\s+(?:overall|subgroup)|gesamt(?:effekt)?|summe|insgesamt|mean"
TOTAL = re.compile(
    rf"\W*(?:\d+(?:\.\d+)+\s+)?(?:(?:D\+L|I-V|M-H|DL|REML|IV)\s+)?"
    rf"(?:(?:{SUMMED})(?:\s+(?:{OF_WHAT}))?|{MODELS}|{OTHERS})"
    r"(?:\s*[,(\[:=].*)?\W*",
    re.IGNORECASE,
)


def leave_out_totals(reading: Reading) -> Reading:
    """Return the reading without rows of totals, with a message that names them.

    A row is one if its study is called Total, Subtotal, Overall or the like, or if it has no study
    and another of its cells says so.
    """
    text = reading.text
    labels = [name for name in map(str, text.columns) if name in label_columns(reading)]
    if not labels or reading.asked.get("study") == "":
        return reading
    wrong = np.any([_is_total(text[name]) for name in labels], axis=0)
    nameless = (text[labels] == "").all(axis=1).to_numpy()
    if nameless.any():
        wrong |= nameless & np.any([_is_total(text[name]) for name in text.columns], axis=0)
    if not wrong.any() or wrong.all():
        return reading
    shown = text.apply(
        lambda row: next((cell for cell in row if TOTAL.fullmatch(cell)), ""), axis=1
    )
    rows = f"{wrong.sum()} of {len(text)} rows are left out"
    message = f"{rows}, because totals are not studies: {cells_at(wrong, shown)}"
    return reading.updated(text=text[~wrong], messages=[message])


def _is_total(column: pd.Series) -> np.ndarray:
    return column.str.fullmatch(TOTAL).to_numpy(bool)
