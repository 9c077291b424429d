"""The model that lets the data judge what a screening proposes."""

from collections.abc import Sequence

import pandas as pd

from bayesmeta.screening.moderators import is_category

MODEL = """# What a screening of {dataset} proposes: {words}.
title = "Follow-up: {words}"
terms = "{terms}"
levels = ["study", "group"]
rope = 0.2

[priors.terms]
prior = "Normal(0, 1.5)"
reason = "as in models/three-level.toml: weakly informative for Hedges' g"

[priors.tau]
prior = "HalfNormal(1)"
reason = "as in models/three-level.toml"
"""


def followup(filled: pd.DataFrame, names: Sequence[str], dataset: str) -> str:
    """Text of a model file: cell means of two categories, else both moderators and their product.

    Parameters
    ----------
    filled : DataFrame
        Of `moderators.fill_in`; says which moderators are categories.
    names : sequence of str
        One moderator, or the pair with the strongest interaction.
    """
    categories = [name for name in names if is_category(filled[name])]
    numbers = [f"scale({name})" for name in names if name not in categories]
    terms = "0 + " + ":".join(categories) if not numbers else "1 + " + " * ".join([*categories, *numbers])
    return MODEL.format(dataset=dataset, words=" x ".join(name.replace("_", " ") for name in names), terms=terms)
