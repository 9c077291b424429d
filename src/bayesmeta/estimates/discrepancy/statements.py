"""Statements about terms, such as `human:fear > 0 and animal:fear > 0`, and their probabilities."""

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.contrasts import possible_weights
from bayesmeta.model.spec import ModelSpec, spec_of

_COMPARISON = re.compile(r"(.+?)\s*([<>])\s*0")
EXAMPLE = "human:fear:memory > 0 and animal:fear:memory > 0"


class Comparison(NamedTuple):
    """A part of a statement: its text, the linear combination on its left, and `>` or `<`."""

    text: str
    combination: str
    sign: str


def concordance_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the probabilities of the model's statements.

    Returns
    -------
    DataFrame
        phenotype, statement, p: for every statement a row per part and a row `both` (`all` unless
        there are two parts) for all parts together; at the end a row for all statements together.
        A part without data has p missing.

    Raises
    ------
    BadInput
        A statement cannot be read.
    """
    statements = spec_of(tree).concordance_of(tree["constant_data"].attrs["dataset"])
    terms = [str(term) for term in tree["posterior"].dataset["term"].values]
    draws = tree["posterior"].dataset["beta"].stack(sample=("chain", "draw"))
    beta = draws.transpose("term", "sample").values
    rows: list[dict[str, Any]] = []
    all_true = np.ones(beta.shape[1], bool)
    for name, text in statements.items():
        parts = parse_statement(name, text)
        weights = possible_weights({part.text: part.combination for part in parts}, terms)
        if missing := [part.text for part in parts if part.text not in weights["contrast"]]:
            rows.append(_row(name, f"no data: {'; '.join(missing)}", np.nan))
            continue
        true = [
            value > 0 if part.sign == ">" else value < 0
            for value, part in zip(weights.values @ beta, parts, strict=True)
        ]
        rows += [
            _row(name, part.text, part_true.mean())
            for part, part_true in zip(parts, true, strict=True)
        ]
        joint = np.all(true, axis=0)
        rows.append(_row(name, "both" if len(parts) == 2 else "all", joint.mean()))
        all_true &= joint
    if rows:
        rows.append(_row("every phenotype with data", "all", all_true.mean()))
    return pd.DataFrame(rows, columns=["phenotype", "statement", "p"])


def _row(phenotype: str, statement: str, p: float) -> dict[str, Any]:
    """Return a row of the table."""
    return {"phenotype": phenotype, "statement": statement, "p": p}


def parse_statement(name: str, text: str) -> list[Comparison]:
    """Return the parts of a statement such as `human:fear > 0 and animal:fear > 0`.

    Raises
    ------
    BadInput
        The text cannot be read.
    """
    parts = []
    for part in str(text).split(" and "):
        match = _COMPARISON.fullmatch(part.strip())
        if match is None:
            raise BadInput(f"concordance '{name}' cannot be read: '{text}'; write e.g. '{EXAMPLE}'")
        parts.append(Comparison(part.strip(), match[1], match[2]))
    return parts


def check_sides(design: xr.Dataset, spec: ModelSpec) -> None:
    """Raise BadInput if `sides` is no factor of the terms or a statement cannot be read."""
    prefix = "term_"
    names = [str(name) for name in design["term"].coords]
    factors = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    if spec.sides and spec.sides not in factors:
        raise BadInput(
            f"sides = '{spec.sides}' is no factor of the terms '{spec.terms}'; "
            f"they have: {', '.join(factors)}"
        )
    for name, text in spec.concordance_of(str(design.attrs["dataset"])).items():
        parse_statement(name, text)
