"""The models that are averaged: every combination of the parts of an analysis that may be absent.

effect : the mean of true effects is not 0. Of a formula, the intercept; of cell means, any of them.
heterogeneity : true effects differ, on every level of the model.
bias : published results are selected: PET, PEESE, or weights of p-values.
moderators : of a formula, every term but the intercept by itself; of cell means, that the cells
differ: without it they have one mean.

Every model is one that `bayesmeta fit` takes: what is absent has the prior Point(0).

Sources: Maier, Bartoš & Wagenmakers 2023, doi 10.1037/met0000405, and Bartoš et al. 2023,
doi 10.1002/jrsm.1594 (models and their prior probabilities); Scott & Berger 2010,
doi 10.1214/10-AOS792 (a prior of moderators that corrects for their number).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.quadrature import Mixture
from bayesmeta.inference.quadrature.truncation import combined
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design, is_mean
from bayesmeta.model.design.coding import code_terms
from bayesmeta.model.design.labels import INTERCEPT
from bayesmeta.model.priors import TermPrior, term_prior
from bayesmeta.model.spec import ORDERED, ModelSpec, Prior
from bayesmeta.model.spec.families import POINT_SD
from bayesmeta.model.spec.reading import with_bias

EFFECT, HETEROGENEITY, BIAS, MODERATORS = "effect", "heterogeneity", "bias", "moderators"
PARTS = (EFFECT, HETEROGENEITY, BIAS, MODERATORS)
ABSENT = Prior("Point", (0.0,), "absent from this model")
MOST_MODERATORS = 12
CELLS = "differences of cells"
SELECTIONS: dict[str, tuple[tuple[float, ...], bool]] = {  # cutpoints of p, whether two-sided
    "two-sided p .05": ((0.05,), True),
    "two-sided p .05, .1": ((0.05, 0.1), True),
    "one-sided p .05": ((0.05,), False),
    "one-sided p .025, .05": ((0.025, 0.05), False),
    "one-sided p .05, .5": ((0.05, 0.5), False),
    "one-sided p .025, .05, .5": ((0.025, 0.05, 0.5), False),
}
NO_BIAS = "none"
NEARLY = 10.0  # sds of a point, within which a combination of points is one


@dataclass(frozen=True)
class Member:
    """A model of the average.

    present : by component whether it is in the model; a component is a part of `PARTS`, or a
    moderator by name. bias : `none`, `PET`, `PEESE`, or the p-values at which weights step.
    prior : probability. spread : (terms, p), of the terms of the full model from those of this one.
    """

    name: str
    spec: ModelSpec
    design: xr.Dataset
    present: Mapping[str, bool]
    bias: str
    prior: float
    spread: np.ndarray

    @cached_property
    def _prior_of_terms(self) -> tuple[TermPrior, np.ndarray]:
        """Return the prior of the terms, and its covariance at pooling sds of 1."""
        prior = term_prior(self.design, self.spec)
        return prior, prior.covariance(dict.fromkeys(prior.pooled, 1.0))

    def prior_of(self, weights: np.ndarray) -> Mixture:
        """Return the prior of a combination of the terms of the full model, at pooling sds of 1."""
        prior, covariance = self._prior_of_terms
        of_terms = (np.ones(1), prior.mean[None], covariance[None], self.spread.T @ weights)
        return combined(prior.limits, *of_terms)

    def is_zero(self, weights: np.ndarray) -> bool:
        """Return whether a combination of the terms of the full model is 0 in this one."""
        _, covariance = self._prior_of_terms
        of_terms = self.spread.T @ weights
        sd = float(np.sqrt(of_terms @ covariance @ of_terms))
        return sd < NEARLY * POINT_SD * float(np.linalg.norm(weights))


@dataclass(frozen=True)
class _Means:
    """Which terms a model has, as a spec and design without bias and with heterogeneity."""

    spec: ModelSpec
    present: Mapping[str, bool]
    prior: float
    spread: np.ndarray


def members_of(frame: pd.DataFrame, spec: ModelSpec, over: Sequence[str]) -> list[Member]:
    """Return the models over the parts that may be absent; raise BadInput if one cannot be."""
    _refuse(spec, over)
    designs: dict[str, xr.Dataset] = {}
    members = []
    for means in _means_of(frame, spec, over):
        for bias, with_it, of_bias in _biases_of(means.spec, over):
            for heterogeneity in (True, False) if HETEROGENEITY in over else (True,):
                key = f"{with_it.terms}|{with_it.bias}|{with_it.two_sided}|{with_it.cutpoints}"
                if key not in designs:
                    designs[key] = build_design(frame, with_it)
                design = designs[key]
                extra = design.sizes["term"] - means.spread.shape[1]
                spread = np.column_stack([means.spread, np.zeros((len(means.spread), extra))])
                present = {
                    **({EFFECT: means.present[EFFECT]} if EFFECT in over else {}),
                    **({HETEROGENEITY: heterogeneity} if HETEROGENEITY in over else {}),
                    **({BIAS: bias != NO_BIAS} if BIAS in over else {}),
                    **{name: yes for name, yes in means.present.items() if name != EFFECT},
                }
                share = 0.5 if HETEROGENEITY in over else 1.0
                prior = means.prior * of_bias * share
                name = _name_of(present, bias)
                member = (with_it, design, present, bias, prior, spread)
                members.append(Member(name, *member))
    return members


def parts_of(frame: pd.DataFrame, spec: ModelSpec) -> list[str]:
    """Return the parts that apply to a model, but bias."""
    several = code_terms(frame, spec.terms).kept.sum() > 1
    return [EFFECT, HETEROGENEITY, *([MODERATORS] if several else [])]


def _refuse(spec: ModelSpec, over: Sequence[str]) -> None:
    known = ", ".join(PARTS)
    if unknown := [part for part in over if part not in PARTS]:
        raise BadInput(f"cannot average over {', '.join(unknown)}; the parts are: {known}")
    if not over:
        raise BadInput(f"nothing to average over; the parts are: {known}")
    if spec.likelihood == ORDERED or spec.is_structured or spec.tau_by:
        kinds = "a dependence structure, taus by stratum, and models of directions"
        raise BadInput(f"averaging takes nested levels of effect sizes, not {kinds}")
    if BIAS in over and spec.bias:
        raise BadInput(f"model {spec.name} has bias = '{spec.bias}' already; leave out bias")


def _means_of(frame: pd.DataFrame, spec: ModelSpec, over: Sequence[str]) -> Iterator[_Means]:
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


def _of_cells(spec: ModelSpec, cells: int, over: Sequence[str]) -> Iterator[_Means]:
    """Yield no effect, one mean, and separate means of cells."""
    overall = spec if cells == 1 else spec.with_terms("1")
    share = 0.5 if EFFECT in over else 1.0
    separate = cells > 1 and MODERATORS in over
    common = np.ones((cells, 1))
    if separate:
        yield _Means(spec, {EFFECT: True, CELLS: True}, share / 2, np.eye(cells))
        yield _Means(overall, {EFFECT: True, CELLS: False}, share / 2, common)
    else:
        yield _Means(spec, {EFFECT: True}, share, np.eye(cells))
    if EFFECT in over:
        absent = {EFFECT: False} | ({CELLS: False} if separate else {})
        yield _Means(_without(overall, []), absent, share, common)


def _of_formula(
    frame: pd.DataFrame, spec: ModelSpec, terms: list[str], over: Sequence[str]
) -> Iterator[_Means]:
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
            yield _Means(of_means, present, weight / len(effects), np.eye(len(terms)))


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


def _biases_of(spec: ModelSpec, over: Sequence[str]) -> Iterator[tuple[str, ModelSpec, float]]:
    """Yield the biases: half of the probability none, a quarter slopes, a quarter weights."""
    if BIAS not in over:
        yield NO_BIAS, spec, 1.0
        return
    biased: list[tuple[str, ModelSpec]] = []
    slopes = [(name.upper(), _with(spec, name)) for name in ("pet", "peese")]
    biased += [(name, model) for name, model in slopes if model is not None]
    of_slopes = len(biased)
    if (selected := _with(spec, "selection")) is not None:
        for name, (cutpoints, two_sided) in SELECTIONS.items():
            biased.append((name, replace(selected, cutpoints=cutpoints, two_sided=two_sided)))
    if not biased:
        raise BadInput(f"model {spec.name} takes no model of bias; leave out bias")
    of_weights = len(biased) - of_slopes
    kinds = (of_slopes > 0) + (of_weights > 0)
    yield NO_BIAS, spec, 0.5
    for at, (name, model) in enumerate(biased):
        alike = of_slopes if at < of_slopes else of_weights
        yield name, model, 0.5 / kinds / alike


def _with(spec: ModelSpec, bias: str) -> ModelSpec | None:
    """Return a model with a bias and the same likelihood, so that evidences can be compared."""
    biased = with_bias(spec, bias)
    return biased and replace(biased, likelihood=spec.likelihood)


def _name_of(present: Mapping[str, bool], bias: str) -> str:
    parts = [name if yes else f"no {name}" for name, yes in present.items() if name != BIAS]
    of_bias = [f"bias: {bias}"] if present.get(BIAS) else ["no bias"] * (BIAS in present)
    return "; ".join([*parts, *of_bias])
