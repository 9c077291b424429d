"""The models of the means that are averaged: which terms they have, with their probabilities.

Source: Scott & Berger 2010, doi 10.1214/10-AOS792 (a prior of moderators that corrects for their
number).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design, is_mean
from bayesmeta.model.design.coding import code_terms
from bayesmeta.model.design.labels import INTERCEPT
from bayesmeta.model.spec import ModelSpec, Prior

EFFECT, MODERATORS = "effect", "moderators"
ABSENT = Prior("Point", (0.0,), "absent from this model")
MOST_MODERATORS = 12
CELLS = "differences of cells"


@dataclass(frozen=True)
class Means:
    """Which terms a model has, as a spec and design without bias and with heterogeneity."""

    spec: ModelSpec
    present: Mapping[str, bool]
    prior: float
    spread: np.ndarray


def means_of(frame: pd.DataFrame, spec: ModelSpec, over: Sequence[str]) -> Iterator[Means]:
    """Yield the models of the means: of a formula with an intercept, or of cell means."""
    design = build_design(frame, replace(spec, bias="") if spec.bias else spec)
    terms = list(map(str, design["term"].values))
    if INTERCEPT in terms:
        yield from _of_formula(frame, spec, terms, over)
        return
    if not is_mean(design).all():
        needs = "an intercept ('1 + dose'), or means of cells alone ('0 + valence:phase')"
        raise BadInput(f"averaging needs {needs}; the terms are '{spec.terms}'")
    yield from _of_cells(spec, len(terms), over)


def _of_cells(spec: ModelSpec, cells: int, over: Sequence[str]) -> Iterator[Means]:
    """Yield no effect, one mean, and separate means of cells."""
    overall = spec if cells == 1 else spec.with_terms("1")
    share = 0.5 if EFFECT in over else 1.0
    separate = cells > 1 and MODERATORS in over
    common = np.ones((cells, 1))
    if separate:
        yield Means(spec, {EFFECT: True, CELLS: True}, share / 2, np.eye(cells))
        yield Means(overall, {EFFECT: True, CELLS: False}, share / 2, common)
    else:
        yield Means(spec, {EFFECT: True}, share, np.eye(cells))
    if EFFECT in over:
        absent = {EFFECT: False} | ({CELLS: False} if separate else {})
        yield Means(_without(overall, []), absent, share, common)


def _of_formula(
    frame: pd.DataFrame, spec: ModelSpec, terms: list[str], over: Sequence[str]
) -> Iterator[Means]:
    """Yield every subset of the moderators, with and without an intercept."""
    groups = moderators_of(frame, spec.terms)
    names = list(groups) if MODERATORS in over else []
    if len(names) > MOST_MODERATORS:
        most = f"averaging takes up to {MOST_MODERATORS} moderators"
        raise BadInput(f"{most}; '{spec.terms}' has {len(names)}: {', '.join(names)}")
    subsets = [set(part) for size in range(len(names) + 1) for part in combinations(names, size)]
    possible = [subset for subset in subsets if _is_hierarchical(subset, names)]
    weights = np.array([1 / (len(names) + 1) / comb(len(names), len(part)) for part in possible])
    effects = (True, False) if EFFECT in over else (True,)
    for subset, weight in zip(possible, weights / weights.sum(), strict=True):
        for effect in effects:
            absent = [term for name in names if name not in subset for term in groups[name]]
            absent += [] if effect else [INTERCEPT]
            present = {EFFECT: effect} | {name: name in subset for name in names}
            of_means = _without(spec, absent) if absent else spec
            yield Means(of_means, present, weight / len(effects), np.eye(len(terms)))


def _is_hierarchical(subset: set[str], names: Sequence[str]) -> bool:
    """Return whether every interaction has the terms that it is made of, if the model has them."""
    for name in subset:
        factors = name.split(":")
        sizes = range(1, len(factors))
        parts = {":".join(part) for size in sizes for part in combinations(factors, size)}
        if not parts & set(names) <= subset:
            return False
    return True


def moderators_of(frame: pd.DataFrame, formula: str) -> dict[str, list[str]]:
    """Return the terms of a design, by the term of the formula; the intercept left out."""
    coding = code_terms(frame, formula)
    places = np.cumsum(coding.kept) - 1
    labels = list(map(str, coding.matrix.columns))
    groups = {}
    for term, columns in coding.spec.term_indices.items():
        kept = [labels[places[at]] for at in columns if coding.kept[at]]
        if kept and kept != [INTERCEPT]:
            groups[str(term)] = kept
    return groups


def _without(spec: ModelSpec, terms: Sequence[str]) -> ModelSpec:
    """Return a model with the prior Point(0) of these terms; of all, if there are none."""
    if not terms:
        others = {key: prior for key, prior in spec.priors.items() if key not in spec.parts}
        slope = {"slope": spec.priors["slope"]} if "slope" in spec.priors else {}
        return replace(spec, priors={"terms": ABSENT, **slope, **others})
    if spec.has_parts and "terms" not in spec.priors:
        parts = ", ".join(spec.parts)
        raise BadInput(f"averaging needs a prior of terms, not of parts that add up ({parts})")
    return replace(spec, priors={**spec.priors, **dict.fromkeys(terms, ABSENT)})
