"""Problems of data and model that change conclusions, and the conclusions without them."""

from bayesmeta.robustness.lint.findings import Finding, LintInput
from bayesmeta.robustness.lint.messages import effect_of, paragraph, rows_table, table_of
from bayesmeta.robustness.lint.registry import CHECKS, run_checks
from bayesmeta.robustness.lint.remedies import (
    ALL,
    jobs_of,
    refits_table,
    remedies_of,
    remedy_of_sems,
    versions_of,
)
