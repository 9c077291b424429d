"""How Bayes factors depend on the scale of the prior, and a check of them by Savage and Dickey.

A wide prior of an effect gives most of its probability to sizes that no study could show, and so
favours the model without the effect (Lindley's paradox): a Bayes factor depends on the prior.

With M0 the model M1 with a term fixed at 0 and the same prior of all else,

    BF_10 = p(0 | M1) / p(0 | y, M1)

the prior density of the term at 0 over the posterior density there.

Source: Dickey 1971, doi 10.1214/aoms/1177693507.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bayesmeta.model.spec import ModelSpec, Prior
from bayesmeta.model.spec.families import HEAVY, TAU_OF
from bayesmeta.robustness.averaging.evidence import Evaluated, exact, is_exact
from bayesmeta.robustness.averaging.models import EFFECT, HETEROGENEITY, Member
from bayesmeta.robustness.averaging.tables import Pairs, inclusion_table

SCALES = (0.25, 0.35, 0.5, 0.71, 1.0, 1.41, 2.0, 2.83, 4.0)
MOST = 120  # models that are evaluated again at every scale
SCALED_LAST = (  # families whose last parameter is the scale
    *("Normal", "StudentT", "Cauchy", "HalfNormal", "HalfStudentT", "HalfCauchy"),
    *("Exponential", "InvGamma"),
)


def sensitivity_table(pairs: Pairs) -> pd.DataFrame:
    """Return inclusion Bayes factors with priors that are narrower and wider.

    The prior of the terms is scaled for all components but heterogeneity, that of the taus for
    heterogeneity; models with evidence by importance are left out.
    Columns: component, scale (a factor of the prior's), log_bayes_factor, bayes_factor.
    """
    members = [member for member, _ in pairs if is_exact(member)]
    if not members or len(members) > MOST:
        return pd.DataFrame(columns=["component", "scale", "log_bayes_factor", "bayes_factor"])
    tables = []
    for scale in SCALES:
        for of_taus in (False, True):
            scaled = [_scaled(member, scale, of_taus=of_taus) for member in members]
            table = inclusion_table([(member, exact(member)) for member in scaled])
            chosen = (table["component"] == HETEROGENEITY) == of_taus
            tables.append(table[chosen].assign(scale=scale))
    columns = ["component", "scale", "log_bayes_factor", "bayes_factor"]
    return pd.concat(tables)[columns].sort_values(["component", "scale"], ignore_index=True)


def _scaled(member: Member, scale: float, *, of_taus: bool) -> Member:
    """Return a model with wider priors, of the taus or of the terms that are in it."""
    spec = member.spec

    def concerns(key: str) -> bool:
        is_tau = key == "tau" or key.startswith(TAU_OF)
        return is_tau if of_taus else key in spec.parts and key != "slope"

    priors = {
        key: scaled_prior(prior, scale) if concerns(key) else prior
        for key, prior in spec.priors.items()
    }
    return replace(member, spec=replace(spec, priors=priors))


def scaled_prior(prior: Prior, scale: float) -> Prior:
    """Return a prior whose scale is multiplied, if its family has one; a point stays."""
    *others, last = prior.parameters
    if prior.family in SCALED_LAST:
        return replace(prior, parameters=(*others, last * scale))
    if prior.family in ("LogNormal", "LogStudentT"):
        at = len(prior.parameters) - 2
        moved = list(prior.parameters)
        moved[at] += float(np.log(scale))
        return replace(prior, parameters=tuple(moved))
    if prior.family == "Uniform":
        return replace(prior, parameters=tuple(scale * x for x in prior.parameters))
    if prior.family == "Gamma":
        return replace(prior, parameters=(*others, last / scale))
    return prior


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
