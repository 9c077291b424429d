"""The reasonable alternatives to an analysis, their refits, and the verdicts on conclusions."""

from bayesmeta.robustness.multiverse.changes import Analysis
from bayesmeta.robustness.multiverse.refits import integrated, refit, sampled, worst_study
from bayesmeta.robustness.multiverse.registry import (
    ALTERNATIVES,
    BASE,
    Alternative,
    alternatives_to,
)
from bayesmeta.robustness.multiverse.verdicts import (
    alternatives_table,
    cells_table,
    long_table,
    verdicts_table,
    wide_table,
)
from bayesmeta.robustness.multiverse.versions import Version, version_of, versions_of, with_refusals
