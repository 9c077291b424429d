"""Published analyses of a table beside those of the model: as published, and nested in studies."""

from collections.abc import Callable, Mapping
from contextlib import suppress

import pandas as pd

from bayesmeta import replication
from bayesmeta.commands.request import Inputs
from bayesmeta.data import corrections, datasets
from bayesmeta.inference.reml import Reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.robustness import funnel, influence


def published_tables(inputs: Inputs, fit: Reml) -> dict[str, pd.DataFrame]:
    """Return the tables of the published analyses by file name, if they have columns and rows."""
    frame = inputs.frame
    spec = inputs.spec
    design = inputs.design

    def refit(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        return replication.refit(tables, spec).terms

    analyses: dict[str, Callable[[], pd.DataFrame]] = {
        "egger": lambda: funnel.egger_table(design, spec),
        "fail_safe_n": lambda: funnel.fail_safe_table(design),
        "trim_fill": lambda: funnel.trim_fill_table(design),
        "influence": lambda: influence.influence_table(design),
        "influence_nested": lambda: influence.study_influence(design, dict(fit.tau), rho=spec.rho),
        "without_influential": lambda: refit(replication.without_influential(frame, spec)),
        "suspects": lambda: corrections.suspects(frame),
        "corrected": lambda: refit(replication.with_and_without_errors(frame)),
        "comparison_types": lambda: refit(replication.by_comparison(datasets.full_record(frame))),
        "risk_of_bias": lambda: replication.risk_of_bias_table(frame, spec).terms,
    }
    tables = {}
    for name, analyse in analyses.items():
        with suppress(BadInput):
            tables[name] = analyse()
    return {name: table for name, table in tables.items() if len(table)}
