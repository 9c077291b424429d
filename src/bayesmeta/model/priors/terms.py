"""The prior of the terms: a normal distribution, given the pooling sds.

Every term has the prior of its name, else of its kind (`intercept`, `slopes`, `differences`), else
of `terms`. Or the prior adds up parts: a part named `valence:phase` gives every pair of a valence
and a phase an effect, shared by the terms that agree in both; with S_c (p, p) the indicator of the
pairs of terms that share an effect of part c,

    beta ~ N(sum_c m_c, sum_c s_c^2 S_c),        s_c fixed, or a pooling sd with a prior

and a difference of terms that share a part does not depend on it: partial pooling without any
further parameter.

Where a moderator is a number this is the prior of gamma = U beta, the coefficients of the centred
and scaled moderators (`design.standardising`); beta = U^-1 gamma, in the units of the table, has
the normal distribution that follows. A `raw` prior is about the coefficient of beta itself: with
the rows of A from U, or from the identity for raw priors, A beta has independent priors.

A prior with limits is cut: A beta lies between them, and the density is divided by the probability
that the whole prior has there.

Sources: Andrews & Mallows 1974, doi 10.1111/j.2517-6161.1974.tb00989.x (t as a mixture of normals).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import is_small_study
from bayesmeta.model.design.kinds import DIFFERENCE, SLOPE, SMALL_STUDY
from bayesmeta.model.design.labels import level_coordinate
from bayesmeta.model.design.standardising import standardising_rows
from bayesmeta.model.priors.limits import Limits
from bayesmeta.model.spec import KINDS, ModelSpec, Prior, refuse_unknown, split_names
from bayesmeta.model.spec.families import POINT_SD

OF_KIND = {SLOPE: "slopes", DIFFERENCE: "differences"}
SCALE_OF = "prior_of_term_"  # before the position of a term with a Student-t prior
SMALL_STUDY_KEY = "slope"


class TermPrior(NamedTuple):
    """Prior of the terms."""

    mean: np.ndarray  # (p,)
    fixed: np.ndarray  # covariance of the parts with a fixed sd (p, p)
    pooled: dict[str, np.ndarray]  # by part with a pooling sd, its covariance at sd 1 (p, p)
    sds: dict[str, Prior]  # by part, the prior of its pooling sd
    limits: Limits | None = None

    def covariance(self, pooling_sds: Mapping[str, Any]) -> Any:
        """Return the covariance (..., p, p) at pooling sds (..., 1, 1) by part."""
        total: Any = self.fixed
        for part, unit_covariance in self.pooled.items():
            total = total + pooling_sds[part] ** 2 * unit_covariance
        return total


def pooling_sd_name(part: str) -> str:
    """Return the name of a part's pooling sd among the draws: `sd_organism_valence_phase`."""
    return f"sd_{part.replace(':', '_')}"


def term_prior(design: xr.Dataset, spec: ModelSpec) -> TermPrior:
    """Return the prior of the terms; raise BadInput if they lack a column that a part names."""
    if spec.has_parts:
        shared = {name: _shared_terms(design, name) for name in spec.parts}
        keys = np.where(is_small_study(design), SMALL_STUDY_KEY, "")
    else:
        keys = keys_of_terms(design, spec)
        shared = {name: np.diag(keys == name).astype(float) for name in np.unique(keys)}
    terms = design.sizes["term"]
    mean = np.zeros(terms)
    fixed = np.zeros((terms, terms))
    pooled = {}
    sds = {}
    for name, of_part in shared.items():
        prior = spec.priors[name]
        centre, sd, df = as_normal(prior)
        mean = mean + centre * np.diag(of_part)
        if prior.pooling_sd is not None:
            pooled[name] = sd**2 * of_part
            sds[name] = prior.pooling_sd
        elif np.isfinite(df):
            for at in np.flatnonzero(np.diag(of_part)):
                scale = f"{SCALE_OF}{at}"
                pooled[scale] = sd**2 * np.diag(np.arange(terms) == at)
                sds[scale] = Prior("RootInverseGamma", (df / 2, df / 2))
        else:
            fixed = fixed + np.where(of_part > 0, sd**2, 0.0)
    prior_of_rows = TermPrior(mean, fixed, pooled, sds)
    of_terms = [spec.priors.get(key) for key in keys]
    raw = np.array([prior is not None and prior.raw for prior in of_terms])
    in_units = _in_table_units(prior_of_rows, design, raw)
    limited = [at for at, prior in enumerate(of_terms) if prior is not None and prior.is_limited]
    if not limited:
        return in_units
    rows = _independent_rows(design, raw)[limited]
    ranges = [prior.distribution for prior in of_terms if prior is not None and prior.is_limited]
    return in_units._replace(limits=Limits.of(rows, ranges))


def _independent_rows(design: xr.Dataset, raw: np.ndarray) -> np.ndarray:
    """Return A (p, p), of which A beta has independent priors."""
    rows = standardising_rows(design)
    rows[raw] = np.eye(len(rows))[raw]
    return rows


def keys_of_terms(design: xr.Dataset, spec: ModelSpec) -> np.ndarray:
    """Return the key of every term's prior (p,): its name, else its kind, else `terms`.

    Raise BadInput if a term has no prior, or a prior no term.
    """
    names = design["term"].values.astype(str)
    kinds = design["kind_of_term"].values
    keys = []
    for name, kind in zip(names, kinds, strict=True):
        choices = (SMALL_STUDY_KEY,) if kind == SMALL_STUDY else (name, OF_KIND.get(kind), "terms")
        keys.append(next((key for key in choices if key in spec.priors), ""))
    if missing := [str(name) for name, key in zip(names, keys, strict=True) if not key]:
        raise BadInput(f"model {spec.name} gives no prior for {missing}; add [priors.terms]")
    known = [*names, *KINDS, SMALL_STUDY_KEY]
    refuse_unknown(spec.parts, known, f"priors of model {spec.name}")
    return np.array(keys)


def as_normal(prior: Prior) -> tuple[float, float, float]:
    """Return centre, scale and degrees of freedom of a prior of terms; inf for a normal one."""
    match prior.family, prior.parameters:
        case "StudentT", (df, centre, scale):
            return centre, scale, df
        case "Cauchy", (centre, scale):
            return centre, scale, 1.0
        case "Point", (value,):
            return value, POINT_SD, np.inf
    centre, sd = prior.parameters
    return centre, sd, np.inf


def _in_table_units(prior: TermPrior, design: xr.Dataset, raw: np.ndarray) -> TermPrior:
    """Return the prior of beta from that of A beta; flat stays flat."""
    if "standardised" not in design or np.isinf(prior.fixed).any():
        return prior
    rows = _independent_rows(design, raw)
    if np.linalg.matrix_rank(rows) < len(rows):
        got = "priors in the units of the table, beside priors of standardised coefficients"
        raise BadInput(f'{got}, do not determine all terms; give every prior scale = "raw"')
    units = np.linalg.inv(rows)
    pooled = {part: units @ covariance @ units.T for part, covariance in prior.pooled.items()}
    return TermPrior(units @ prior.mean, units @ prior.fixed @ units.T, pooled, prior.sds)


def _shared_terms(design: xr.Dataset, part: str) -> np.ndarray:
    """Return S of a part: 1 where two terms share its effect, 0 elsewhere (p, p)."""
    slope = is_small_study(design)
    if part in ("terms", "slope"):
        return np.diag(np.where(slope == (part == "slope"), 1.0, 0.0))
    columns = split_names(part)
    coordinates = list(map(str, design["term"].coords))
    factors = [name.removeprefix("term_") for name in coordinates if name.startswith("term_")]
    if unknown := [name for name in columns if level_coordinate(name) not in coordinates]:
        coded = f"the terms are coded by: {', '.join(factors) or 'no factor'}"
        raise BadInput(f"the prior's part '{part}' names {unknown}, but {coded}")
    levels = np.stack([design[level_coordinate(name)].values for name in columns])
    if blank := list(np.compress((levels[:, ~slope] == "").any(1), columns)):
        needs = f"a level of {list(map(str, blank))} in every term; code them as cell means"
        raise BadInput(f"the prior's part '{part}' needs {needs}")
    shared = (levels[:, :, None] == levels[:, None, :]).all(0)
    return (shared & ~slope & ~slope[:, None]).astype(float)
