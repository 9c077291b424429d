"""Judgements of the risk of bias: a row per study, a column per domain."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.studies.columns import bias_columns, column_texts, raw_columns
from bayesmeta.estimates.studies.labels import study_labels
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import nesting_of


def judgements_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return study, label and the domains: the columns `rob_...` of the table, without `rob`.

    Different judgements of a study's effects are joined by commas. Raises BadInput if the table has
    no such column.
    """
    design = tree["constant_data"].to_dataset()
    raw = raw_columns(design)
    domains = bias_columns(raw)
    if not domains:
        needs = "columns whose names begin with rob, such as rob_randomisation and rob_overall"
        words = "words like low, some concerns, high, unclear, serious, yes or no"
        raise BadInput(f"a picture of the risk of bias needs {needs}, with {words}")
    study = nesting_of(design).study_of_effect
    members = [np.flatnonzero(study == at) for at in range(design.sizes["study"])]
    first = [positions[0] for positions in members]
    table = pd.DataFrame({"study": design["study"].values, "label": study_labels(design)[first]})
    for domain in domains:
        table[domain.heading] = column_texts(raw, members, domain)
    return table
