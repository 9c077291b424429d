"""The model file with which the hierarchical model tests the proposal of a screening."""

from collections.abc import Sequence

import pandas as pd

from bayesmeta.data.moderators import is_category

MODEL = """# The proposal of a screening of {dataset}: {words}.
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
    """Return the text of a model file of a moderator, or of the strongest pair.

    Its terms are the cell means of two categories, otherwise both moderators and their product.
    `filled`, from `moderators.fill_in`, determines which moderators are categories.
    """
    categories = [name for name in names if is_category(filled[name])]
    numbers = [f"scale({name})" for name in names if name not in categories]
    terms = "0 + " + ":".join(categories)
    if numbers:
        terms = "1 + " + " * ".join([*categories, *numbers])
    words = " x ".join(name.replace("_", " ") for name in names)
    return MODEL.format(dataset=dataset, words=words, terms=terms)
