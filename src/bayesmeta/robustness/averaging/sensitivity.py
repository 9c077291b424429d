"""How Bayes factors depend on the scale of the prior, and a check of them by Savage and Dickey.

A wide prior of an effect gives most of its probability to sizes that no study could show, and so
favours the model without the effect (Lindley's paradox): a Bayes factor depends on the prior.

With M0 the model M1 with a term fixed at 0 and the same prior of all else,

    BF_10 = p(0 | M1) / p(0 | y, M1)

the prior density of the term at 0 over the posterior density there.

Draws of a model without a quadrature are weighted by the ratio of the scaled prior to the prior
(`scaled`).

Source: Dickey 1971, doi 10.1214/aoms/1177693507.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import softmax

from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.spec.families import HEAVY
from bayesmeta.robustness.averaging.evidence import (
    DOUBTFUL,
    MAX_ERROR,
    Evaluated,
    exact,
    is_exact,
    reweighted,
)
from bayesmeta.robustness.averaging.models import EFFECT, HETEROGENEITY, Member
from bayesmeta.robustness.averaging.scaled import SCALES, ratio_name, scaled_spec
from bayesmeta.robustness.averaging.tables import Pairs, inclusion_table, log_probabilities

MOST = 120  # models that are evaluated again by quadrature at every scale
MOST_DOUBTFUL = 0.01  # share of models with doubtful ratios among those with, or without, a part
COLUMNS = ["component", "scale", "log_bayes_factor", "bayes_factor", "error"]


def sensitivity_table(pairs: Pairs) -> pd.DataFrame:
    """Return inclusion Bayes factors with priors that are narrower and wider.

    The prior of the terms is scaled for all components but heterogeneity, that of the taus for
    heterogeneity. Models with evidence by importance have the ratio of both priors averaged over
    their draws. A scale is left out of a component if its error exceeds `MAX_ERROR`, or if draws
    with weights that cannot be trusted matter to it; all are left out of many exact models.
    Columns: component, scale (a factor of the prior's), log_bayes_factor, bayes_factor, error (of
    the log Bayes factor).
    """
    exact_ones = sum(is_exact(member) for member, _ in pairs)
    if exact_ones > MOST or not all(is_exact(member) or result.ratios for member, result in pairs):
        return pd.DataFrame(columns=COLUMNS)
    tables = []
    for scale in SCALES:
        for of_taus in (False, True):
            scaled = [at_scale(*pair, scale, of_taus=of_taus) for pair in pairs]
            table = inclusion_table(scaled)
            chosen = (table["component"] == HETEROGENEITY) == of_taus
            chosen &= table["error"] <= MAX_ERROR
            chosen &= table["component"].map(lambda name, at=scaled: _is_certain(pairs, at, name))
            tables.append(table[chosen].assign(scale=scale))
    return pd.concat(tables)[COLUMNS].sort_values(["component", "scale"], ignore_index=True)


def at_scale(
    member: Member, evaluated: Evaluated, scale: float, *, of_taus: bool
) -> tuple[Member, Evaluated]:
    """Return a model with a scaled prior of the terms or of the taus, and its evidence.

    The error of an evidence by ratios that cannot be trusted is `DOUBTFUL`.
    """
    wider = replace(member, spec=scaled_spec(member.spec, scale, of_taus=of_taus))
    without_taus = of_taus and not member.present.get(HETEROGENEITY, True)
    if without_taus or wider.spec == member.spec:
        return member, evaluated
    if is_exact(member):
        return wider, exact(wider)
    return wider, reweighted(evaluated, ratio_name(scale, of_taus=of_taus))


def _is_certain(pairs: Pairs, scaled: Pairs, component: str) -> bool:
    """Return whether models with doubtful ratios hardly matter to a Bayes factor.

    By their evidence under the scaled prior, and under the prior of the model, which is not in
    doubt.
    """
    doubtful = np.array([result.error == DOUBTFUL for _, result in scaled])
    has = np.array([member.present[component] for member, _ in scaled])
    shares = [
        softmax(log_probabilities(members)[side])[doubtful[side]].sum()
        for members in (pairs, scaled)
        for side in (has, ~has)
    ]
    return max(shares) <= MOST_DOUBTFUL


def density_ratio(member: Member, evaluated: Evaluated, weights: np.ndarray) -> float:
    """Return the log Bayes factor by Savage and Dickey of a combination that is not 0 a priori."""
    return member.prior_of(weights).log_density(0.0) - evaluated.mixture(weights).log_density(0.0)


def savage_dickey_table(pairs: Pairs, terms: Sequence[tuple[str, np.ndarray]]) -> pd.DataFrame:
    """Compare Bayes factors of nested models with ratios of densities at 0.

    `terms` are components that are one combination of terms (terms,), the mean effect and single
    moderators: of each, the models that differ in it alone, with effect and heterogeneity.
    Columns: component, by_evidence, by_density (log Bayes factors).
    """
    rows = []
    for component, weights in terms:
        wanted = {
            yes: [
                pair
                for pair in pairs
                if is_exact(pair[0]) and _is_pair(pair[0], component, present=yes)
            ]
            for yes in (True, False)
        }
        if not (wanted[True] and wanted[False]) or _is_heavy(wanted[True][0][0].spec):
            continue
        member, evaluated = wanted[True][0]
        without = wanted[False][0][1]
        by_density = density_ratio(member, evaluated, weights)
        difference = evaluated.log_evidence - without.log_evidence
        rows.append({"component": component, "by_evidence": difference, "by_density": by_density})
    return pd.DataFrame(rows, columns=["component", "by_evidence", "by_density"])


def _is_heavy(spec: ModelSpec) -> bool:
    return bool(spec.pooling_sds) or any(prior.family in HEAVY for prior in spec.parts.values())


def _is_pair(member: Member, component: str, *, present: bool) -> bool:
    """Return whether a model has all components but bias, and this one if it is `present`."""
    others = (EFFECT, HETEROGENEITY)
    wanted = {name: name in others for name in member.present}
    wanted[component] = present
    return dict(member.present) == wanted
