"""Statements about terms, such as `human:fear:memory > 0 and animal:fear:memory > 0`, and their probabilities."""

import re

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.contrasts import possible_weights
from bayesmeta.model.spec import ModelSpec, spec_of

_COMPARISON = re.compile(r"(.+?)\s*([<>])\s*0")


def concordance_table(tree: xr.DataTree) -> pd.DataFrame:
    """Probabilities of the model's statements: phenotype, statement, p; `both` or `all` of a phenotype, then of all.

    Raises
    ------
    BadInput
        A statement that cannot be read.
    """
    statements = spec_of(tree).concordance_of(tree["constant_data"].attrs["dataset"])
    terms = [str(term) for term in tree["posterior"].dataset["term"].values]
    beta = (
        tree["posterior"]
        .dataset["beta"]
        .stack(sample=("chain", "draw"))
        .transpose("term", "sample")
        .values
    )
    rows, whole = [], np.ones(beta.shape[1], bool)
    for name, text in statements.items():
        parts = parse_statement(name, text)
        weights = possible_weights({whole: left for whole, left, _ in parts}, terms)
        if missing := [part for part, _, _ in parts if part not in weights["contrast"]]:
            rows.append(
                {"phenotype": name, "statement": f"no data: {'; '.join(missing)}", "p": np.nan}
            )
            continue
        values = weights.values @ beta
        held = [
            value > 0 if sign == ">" else value < 0
            for value, (_, _, sign) in zip(values, parts, strict=True)
        ]
        rows += [
            {"phenotype": name, "statement": part, "p": one.mean()}
            for one, (part, _, _) in zip(held, parts, strict=True)
        ]
        together = np.all(held, axis=0)
        rows.append(
            {
                "phenotype": name,
                "statement": "both" if len(parts) == 2 else "all",
                "p": together.mean(),
            }
        )
        whole &= together
    if rows:
        rows.append(
            {"phenotype": "every phenotype with data", "statement": "all", "p": whole.mean()}
        )
    return pd.DataFrame(rows, columns=["phenotype", "statement", "p"])


def parse_statement(name: str, text: str) -> list[tuple[str, str, str]]:
    """Parts of `human:fear:memory > 0 and animal:fear:memory > 0`: the part, its linear combination, its sign.

    Raises
    ------
    BadInput
        Text that cannot be read.
    """
    parts = []
    for part in str(text).split(" and "):
        match = _COMPARISON.fullmatch(part.strip())
        if match is None:
            raise BadInput(
                f"concordance '{name}' cannot be read: '{text}'; write e.g. 'human:fear:memory > 0 and "
                "animal:fear:memory > 0'"
            )
        parts.append((part.strip(), match[1], match[2]))
    return parts


def check_sides(design: xr.Dataset, spec: ModelSpec) -> None:
    """Refuse `sides` that are no factor of the terms, and statements that cannot be read.

    Raises
    ------
    BadInput
    """
    known = [
        str(name).removeprefix("term_")
        for name in design["term"].coords
        if str(name).startswith("term_")
    ]
    if spec.sides and spec.sides not in known:
        raise BadInput(
            f"sides = '{spec.sides}' is no factor of the terms '{spec.terms}'; they have: {', '.join(known)}"
        )
    for name, text in spec.concordance_of(str(design.attrs["dataset"])).items():
        parse_statement(name, text)
