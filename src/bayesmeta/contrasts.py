"""Estimands: linear combinations of terms, written as text in the model file."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.errors import BadInput
from bayesmeta.spec import ModelSpec, parse_spec

_SIGNED = re.compile(r"\s+([+-])\s+")
_WEIGHTED = re.compile(r"(?:(\d+(?:\.\d*)?)\s*\*\s*)?(\S.*)")


def contrast_weights(definitions: Mapping[str, str], terms: Sequence[str]) -> xr.DataArray:
    """Weights of named linear combinations of terms.

    Parameters
    ----------
    definitions : mapping
        Name to text such as `fear:memory - neutral:memory` or `0.5 * rat + 0.5 * mouse`; spaces around + and -.
    terms : sequence of str
        The terms that exist.

    Returns
    -------
    DataArray
        Dims (contrast, term).

    Raises
    ------
    BadInput
        Text that cannot be read, or a term that does not exist.
    """
    weights = np.zeros((len(definitions), len(terms)))
    for row, (name, text) in enumerate(definitions.items()):
        for term, weight in parse_combination(name, text).items():
            if term not in terms:
                raise BadInput(f"contrast '{name}' names unknown term '{term}'; the model has: {', '.join(terms)}")
            weights[row, list(terms).index(term)] += weight
    return xr.DataArray(weights, {"contrast": list(definitions), "term": list(terms)}, ("contrast", "term"))


def parse_combination(name: str, text: str) -> dict[str, float]:
    """Terms and weights of `fear:memory - 0.5 * neutral:memory`."""
    if not isinstance(text, str):
        raise BadInput(f"contrast '{name}' is {text!r}; it should be text like 'fear:memory - neutral:memory'")
    first, *rest = _SIGNED.split(text.strip())
    parts = [("+", first), *zip(rest[::2], rest[1::2], strict=True)]
    weights: dict[str, float] = {}
    for sign, part in parts:
        match = _WEIGHTED.fullmatch(part.strip())
        if match is None:
            raise BadInput(
                f"contrast '{name}' cannot be read: '{text}'; write e.g. 'fear:memory - 0.5 * neutral:memory'"
            )
        weight = float(match[1] or 1) * (-1 if sign == "-" else 1)
        weights[match[2]] = weights.get(match[2], 0.0) + weight
    return weights


def spec_of(tree: xr.DataTree) -> ModelSpec:
    """The model that a tree carries."""
    attrs = tree["constant_data"].attrs
    return parse_spec(attrs["model"], attrs["model_name"])


def contrasts_of(tree: xr.DataTree) -> xr.DataArray:
    """Weights of every term by itself, then of the contrasts that the tree's model file names for its dataset.

    A contrast whose cell a selection of rows has emptied is left out.
    """
    terms = [str(term) for term in tree["posterior"].dataset["term"].values]
    spec = spec_of(tree)
    named = {
        name: text
        for name, text in spec.contrasts_of(tree["constant_data"].attrs["dataset"]).items()
        if set(parse_combination(name, text)) <= set(terms)
    }
    return contrast_weights({term: term for term in terms} | named, terms)


def contrast_draws(tree: xr.DataTree, *, group: str = "posterior") -> xr.DataArray:
    """Draws of the contrasts, dims (chain, draw, contrast); `group` may be `prior`."""
    return xr.dot(contrasts_of(tree), tree[group].dataset["beta"], dim="term").transpose("chain", "draw", "contrast")


def contrasts_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise contrasts.

    Returns
    -------
    DataFrame
        contrast, mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive, p_rope = P(|contrast| < the model's rope).
    """
    rope = spec_of(tree).rope
    draws = contrast_draws(tree).stack(sample=("chain", "draw"))
    bounds = draws.quantile([0.025, 0.975], "sample")
    return pd.DataFrame(
        {
            "contrast": draws["contrast"].values,
            "mean": draws.mean("sample").values,
            "sd": draws.std("sample", ddof=1).values,
            "ci_lb": bounds[0].values,
            "ci_ub": bounds[1].values,
            "p_positive": (draws > 0).mean("sample").values,
            "p_rope": (abs(draws) < rope).mean("sample").values,
        }
    )
