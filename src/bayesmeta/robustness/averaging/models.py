"""The models that are averaged: every combination of the parts of an analysis that may be absent.

effect : the mean of true effects is not 0. Of a formula, the intercept; of cell means, any of them.
heterogeneity : true effects differ, on every level of the model.
bias : published results are selected: PET, PEESE, or weights of p-values.
moderators : of a formula, every term but the intercept by itself; of cell means, that the cells
differ: without it they have one mean.

Every model is one that `bayesmeta fit` takes: what is absent has the prior Point(0).

Sources: Maier, Bartoš & Wagenmakers 2023, doi 10.1037/met0000405, and Bartoš et al. 2023,
doi 10.1002/jrsm.1594 (models and their prior probabilities).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.quadrature import Mixture
from bayesmeta.inference.quadrature.truncation import combined
from bayesmeta.infrastructure.choices import WeightsPrior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.coding import code_terms
from bayesmeta.model.priors import TermPrior, term_prior
from bayesmeta.model.spec import ORDERED, ModelSpec
from bayesmeta.model.spec.families import POINT_SD
from bayesmeta.robustness.averaging.biases import NO_BIAS, biases_of
from bayesmeta.robustness.averaging.means import EFFECT, MODERATORS, means_of

HETEROGENEITY, BIAS = "heterogeneity", "bias"
PARTS = (EFFECT, HETEROGENEITY, BIAS, MODERATORS)
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


def members_of(
    frame: pd.DataFrame,
    spec: ModelSpec,
    over: Sequence[str],
    weights_prior: WeightsPrior = "cumulative",
) -> list[Member]:
    """Return the models over the parts that may be absent; raise BadInput if one cannot be.

    weights_prior : of publication by p-value; `independent` is that of `models/selection.toml`.
    """
    _refuse(spec, over)
    designs: dict[str, xr.Dataset] = {}
    members = []
    for means in means_of(frame, spec, over):
        without = [(NO_BIAS, means.spec, 1.0)]
        biases = biases_of(means.spec, weights_prior) if BIAS in over else without
        for bias, with_it, of_bias in biases:
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


def _name_of(present: Mapping[str, bool], bias: str) -> str:
    parts = [name if yes else f"no {name}" for name, yes in present.items() if name != BIAS]
    of_bias = [f"bias: {bias}"] if present.get(BIAS) else ["no bias"] * (BIAS in present)
    return "; ".join([*parts, *of_bias])
