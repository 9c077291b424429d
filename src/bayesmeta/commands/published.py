"""Published analyses of a table beside those of the model: as published, and nested in studies."""

from collections.abc import Callable
from contextlib import suppress

import pandas as pd

from bayesmeta import replication
from bayesmeta.commands.request import Inputs
from bayesmeta.data import corrections, datasets
from bayesmeta.inference.reml import Reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.robustness import funnel, influence


def published_tables(inputs: Inputs, fit: Reml) -> dict[str, pd.DataFrame]:
    """Return the tables of the published analyses by file name.

    An analysis is left out if the table lacks its columns or it gives no rows.
    """
    frame = inputs.frame
    spec = inputs.spec
    design = inputs.design
    analyses: dict[str, Callable[[], pd.DataFrame]] = {
        "egger": lambda: funnel.egger_table(design, spec),
        "fail_safe_n": lambda: funnel.fail_safe_table(design),
        "influence": lambda: influence.influence_table(design),
        "influence_nested": lambda: influence.study_influence(design, dict(fit.tau), rho=spec.rho),
        "without_influential": lambda: (
            replication.refit(replication.without_influential(frame, spec), spec).terms
        ),
        "suspects": lambda: corrections.suspects(frame),
        "corrected": lambda: (
            replication.refit(replication.with_and_without_errors(frame), spec).terms
        ),
        "comparison_types": lambda: (
            replication.refit(replication.by_comparison(datasets.full_record(frame)), spec).terms
        ),
        "risk_of_bias": lambda: replication.risk_of_bias_table(frame, spec).terms,
    }
    tables = {}
    for name, analyse in analyses.items():
        with suppress(BadInput):
            tables[name] = analyse()
    return {name: table for name, table in tables.items() if len(table)}
