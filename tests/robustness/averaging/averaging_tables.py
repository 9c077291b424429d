"""Small tables and models to average over."""

import numpy as np
import pandas as pd

from bayesmeta.model.spec import ModelSpec, parse_spec

TEXT = """
terms = "{terms}"
levels = [{levels}]
[priors.terms]
prior = "Normal(0, {sd})"
[priors.tau]
prior = "HalfNormal(0.5)"
"""


def spec_of(terms: str = "1", levels: str = '"study"', sd: float = 1.0) -> ModelSpec:
    return parse_spec(TEXT.format(terms=terms, levels=levels, sd=sd), "averaged")


def table_of(yi: np.ndarray, vi: np.ndarray, **columns: object) -> pd.DataFrame:
    names = [f"s{n}" for n in range(len(yi))]
    frame = pd.DataFrame({"study": names, "group": names, "effect": names, "yi": yi, "vi": vi})
    frame = frame.assign(**columns)
    frame.attrs = {"dataset": "table", "title": "table", "synthetic": False}
    return frame
