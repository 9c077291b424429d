"""Summaries of unknown moderators."""

import json

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import summary


def imputed_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the posterior of every unknown moderator; no rows without any.

    Columns: moderator (a number as the formula has it, such as np.log(dose)), level (study, group
    or effect), unit, value (of a category), p (its probability); of numbers mean, sd, ci_lb, ci_ub
    (95 % equal-tailed).
    """
    posterior = tree["posterior"].to_dataset()
    parts = []
    for name, draws in posterior.data_vars.items():
        if not str(name).startswith("imputed_"):
            continue
        dim = draws.dims[-1]
        labels = {"level": draws.attrs["unit"], "unit": posterior[dim].values}
        flat = draws.transpose(dim, "chain", "draw").values.reshape(draws.sizes[dim], -1)
        if "levels" not in draws.attrs:
            numbers = summary(flat)
            kept = {key: numbers[key] for key in ("mean", "sd", "ci_lb", "ci_ub")}
            parts.append(pd.DataFrame({"moderator": draws.attrs["scale"], **labels, **kept}))
            continue
        for code, level in enumerate(json.loads(draws.attrs["levels"])):
            p = np.mean(flat == code, axis=1)
            parts.append(
                pd.DataFrame(
                    {"moderator": draws.attrs["moderator"], **labels, "value": level, "p": p}
                )
            )
    columns = ["moderator", "level", "unit", "value", "p", "mean", "sd", "ci_lb", "ci_ub"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)
