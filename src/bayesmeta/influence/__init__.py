"""Influence of studies: how well the others predict each, and which one changes which conclusion when left out."""

from bayesmeta.influence.changes import changes_table, most_influential, sentences, unsettled
from bayesmeta.influence.elpd import FAILS, elpd_table, leave_studies_out, psis_table
from bayesmeta.influence.outlying import baujat_table
from bayesmeta.influence.subsets import gosh_table

__all__ = [
    "FAILS",
    "baujat_table",
    "changes_table",
    "elpd_table",
    "gosh_table",
    "leave_studies_out",
    "most_influential",
    "psis_table",
    "sentences",
    "unsettled",
]
