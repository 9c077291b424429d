"""Problems of data and model that change conclusions: what, where, why it matters, and the conclusion without it."""

from bayesmeta.robustness.lint.findings import Finding, Remedy, Subject
from bayesmeta.robustness.lint.registry import CHECKS, CODES, Check, look
from bayesmeta.robustness.lint.remedies import ALL, conclusions_of, jobs_of, refits_table, remedies_of, versions_of
from bayesmeta.robustness.lint.telling import effect_of, paragraph, rows_table, table_of

__all__ = [
    "ALL",
    "CHECKS",
    "CODES",
    "Check",
    "Finding",
    "Remedy",
    "Subject",
    "conclusions_of",
    "effect_of",
    "jobs_of",
    "look",
    "paragraph",
    "refits_table",
    "remedies_of",
    "rows_table",
    "table_of",
    "versions_of",
]
