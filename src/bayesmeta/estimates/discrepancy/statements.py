"""Statements about terms, such as `human:fear > 0 and animal:fear > 0`, and their probabilities."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import term_draws
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.combinations import readings
from bayesmeta.model.design.contrasts import known_among, possible_weights
from bayesmeta.model.design.labels import level_coordinate
from bayesmeta.model.spec import ModelSpec, spec_of

_COMPARISON = re.compile(r"(.+\S)\s*([<>])\s*0", re.DOTALL)
_AND = re.compile(r"\s+and\s+")
EXAMPLE = "human:fear:memory > 0 and animal:fear:memory > 0"


class Comparison(NamedTuple):
    """A part of a statement: its text, the linear combination on its left, and `>` or `<`."""

    text: str
    combination: str
    sign: str


def concordance_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the probabilities of the model's statements.

    Columns: phenotype, statement, p: for every statement a row per part and a row `both` (`all`
    unless there are two parts) for all parts together; at the end a row for all statements
    together. A part without data has p missing. Raises BadInput if a statement cannot be read.
    """
    statements = spec_of(tree).concordance_of(tree["constant_data"].attrs["dataset"])
    draws = term_draws(tree)
    terms = [str(term) for term in draws["term"].values]
    rows: list[tuple[str, str, float]] = []
    all_true = np.ones(draws.sizes["sample"], bool)
    for name, text in statements.items():
        parts = parse_statement(name, text, terms)
        weights = possible_weights({part.text: part.combination for part in parts}, terms)
        if missing := [part.text for part in parts if part.text not in weights["contrast"]]:
            rows.append((name, f"no data: {'; '.join(missing)}", np.nan))
            continue
        signs = np.array([[1.0 if part.sign == ">" else -1.0] for part in parts])
        true = signs * (weights.values @ draws.values) > 0
        rows += [(name, part.text, p) for part, p in zip(parts, true.mean(axis=1), strict=True)]
        joint = true.all(axis=0)
        rows.append((name, "both" if len(parts) == 2 else "all", joint.mean()))
        all_true &= joint
    if rows:
        rows.append(("every phenotype with data", "all", all_true.mean()))
    return pd.DataFrame(rows, columns=["phenotype", "statement", "p"])


def parse_statement(name: str, text: str, terms: Sequence[str]) -> list[Comparison]:
    """Return the parts of `human:fear > 0 and animal:fear > 0`, BadInput for other text.

    A name of a term may hold " and ", < or >: a part ends at the first " and " behind a comparison
    that names terms; if there is none, at the first behind any comparison.
    """
    known = known_among(terms)
    ends = [(mark.start(), mark.end()) for mark in _AND.finditer(text)]
    ends.append((len(text), len(text)))
    parts: list[Comparison] = []
    start = 0
    while start < len(text) or not parts:
        later = [(text[start:stop].strip(), after) for stop, after in ends if stop >= start]
        read = [(part, _COMPARISON.fullmatch(part), after) for part, after in later]
        matched = [(part, match, after) for part, match, after in read if match]
        if not matched:
            raise BadInput(f"concordance '{name}' cannot be read: '{text}'; write e.g. '{EXAMPLE}'")
        with_terms = [entry for entry in matched if readings(entry[1][1], known)]
        part, match, start = (with_terms or matched)[0]
        parts.append(Comparison(part, match[1], match[2]))
    return parts


def check_sides(design: xr.Dataset, spec: ModelSpec) -> None:
    """Raise BadInput if `sides` is no factor of the terms or a statement cannot be read."""
    names = [str(name) for name in design["term"].coords]
    factors = [name.removeprefix("term_") for name in names if name.startswith("term_")]
    if spec.sides and level_coordinate(spec.sides) not in names:
        problem = f"sides = '{spec.sides}' is not a factor of the terms '{spec.terms}'"
        raise BadInput(f"{problem}; they have: {', '.join(factors)}")
    for name, text in spec.concordance_of(str(design.attrs["dataset"])).items():
        parse_statement(name, text, [str(term) for term in design["term"].values])
