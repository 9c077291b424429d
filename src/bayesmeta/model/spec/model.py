"""The choices of an analysis."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bayesmeta.model.spec.families import REAL, TAU_OF, support_of
from bayesmeta.model.spec.prior import FLAT, Prior, split_names

LEVELS = ("study", "group", "effect")
CUTPOINTS = (0.025, 0.5)
KINDS = ("terms", "intercept", "slopes", "differences")  # of terms: all, or some, have a prior
LIKELIHOOD_TITLES = {"t": "exact likelihood of Hedges' g", "normal": "normal likelihood"}


@dataclass(frozen=True)
class ModelSpec:
    """The choices of an analysis.

    name, title : file name without `.toml`; a line for readers. terms : right-hand side of a
    formulaic formula for the mean of the effects; `0 + valence:phase` is cell means. levels :
    random-effect levels, a subset of study, group, effect, highest first. rho : correlation of
    sampling errors within a group, in [0, 1). shared_controls : whether sampling errors covary of
    effects that are measured against the same control measurement (`design.controls`). rope :
    half-width of the region of practical equivalence, on the scale of yi.

    likelihood : `normal`; `t`: the exact likelihood of Hedges' g of two independent groups or
    of a change (`likelihood.exact_smd`); `student`: study effects with heavy tails, with estimated
    degrees of freedom nu; tau_study is then the scale of a t distribution; `ordered-logit`:
    directions without effect sizes (`checking`). outcome, categories : of an ordered logit, the
    column of directions, and its values from low to high. bias : "" for none; `pet`, `peese`:
    results grow as studies shrink (`design.small_study`); `selection`: results are published with a
    probability that steps at one-sided p-values, the ascending cutpoints, or with `two_sided` at
    two-sided ones;
    weight_function : `steps`, with a weight for each step, or `beta`, p^(a - 1) (1 - p)^(b - 1);
    published_unit : `study`, if a study's results are published together, or `result`, each by
    itself, with estimated `attempts` per study (`likelihood.hidden_attempts`). directions : of a
    bias, level or term to "lower" or "higher", the results that are published; others by the sign.

    tau_by : a column by the levels of which (strata) every tau differs, constant within a study; ""
    for one tau per level. priors : `tau`: every level's standard deviation, or with an allocation
    the total one; `tau_study`: of a level. `terms`: every coefficient by itself; `intercept`,
    `slopes`, `differences`, or a term's name: of these. Or parts that add up, each named by
    columns: the coefficients that agree in `valence:phase` share that part. A part may have an
    estimated pooling sd.

    sides : a factor of the terms with levels that are compared (persons, animals); "" for none.
    contrasts, concordance : name to linear combination of terms, as text, or to a statement about
    terms, `human:fear:memory > 0 and animal:fear:memory > 0`; entries under a dataset's name hold
    for that dataset. columns : name of a column to the name that a user's file has for it;
    `measure`, the effect size to compute. missing : what is done with blank moderators: `joint`,
    they are unknowns of the model (`model.moderators`); `complete`, rows that have them are left
    out; `refuse`.

    A dependence structure (`model.structure`): levels may be any columns, from the highest; crossed
    : columns whose effects cross the studies. correlation : a column to {file = ...}, the known
    correlations of its units. inner : an outer column to {factor = ..., struct = "UN"}, effects
    that differ within its units. scale : a random effect to a formula of log tau. errors : the
    known covariance of the sampling errors, {file = ...} or what it is made of (`design.errors`).
    """

    name: str
    title: str
    terms: str
    levels: tuple[str, ...]
    priors: Mapping[str, Prior]
    likelihood: str = "normal"
    rho: float = 0.0
    shared_controls: bool = False
    rope: float = 0.2
    bias: str = ""
    directions: Mapping[str, str] = field(default_factory=dict)
    cutpoints: tuple[float, ...] = CUTPOINTS
    two_sided: bool = False
    weight_function: str = "steps"
    published_unit: str = "study"
    tau_by: str = ""
    sides: str = ""
    contrasts: Mapping[str, Any] = field(default_factory=dict)
    concordance: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = ""
    categories: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    missing: str = "joint"
    crossed: tuple[str, ...] = ()
    correlation: Mapping[str, Any] = field(default_factory=dict)
    inner: Mapping[str, Any] = field(default_factory=dict)
    scale: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take lists as tuples and sort levels highest first, so that equal choices are equal."""
        if set(self.levels) <= set(LEVELS):
            levels = tuple(level for level in LEVELS if level in self.levels)
            object.__setattr__(self, "levels", levels)
        for name in ("levels", "cutpoints", "categories", "crossed"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def is_structured(self) -> bool:
        """Return whether effects depend on each other in more than nested studies and groups."""
        others = (self.crossed, self.correlation, self.inner, self.scale, self.errors)
        return any(others) or not set(self.levels) <= set(LEVELS)

    @property
    def files(self) -> list[Path]:
        """Return the files that the model names: covariances, correlations, trees."""
        entries = [self.errors, *self.correlation.values()]
        return [Path(entry["file"]) for entry in entries if "file" in entry]

    @property
    def has_blocks(self) -> bool:
        """Return whether REML needs the covariance of blocks of results (`structure`)."""
        return self.is_structured or self.shared_controls

    @property
    def sha256(self) -> str:
        """Return the hash of the choices."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def parts(self) -> dict[str, Prior]:
        """Return the priors of the terms: parts that add up, or priors of some terms each."""
        return {key: prior for key, prior in self.priors.items() if support_of(key) == REAL}

    @property
    def has_parts(self) -> bool:
        """Return whether the prior of the terms adds up parts."""
        return not any(key in KINDS for key in self.priors)

    @property
    def limited(self) -> list[str]:
        """Return the keys of the priors of terms with limits."""
        return [key for key, prior in self.parts.items() if prior.is_limited]

    @property
    def auxiliary_parameters(self) -> tuple[str, ...]:
        """Return what is estimated besides terms, pooling sds and taus: nu, rho, weights."""
        others = (key for key in self.priors if support_of(key) != REAL)
        return tuple(key for key in others if key != "tau" and not key.startswith(TAU_OF))

    def tau_prior(self, level: str) -> Prior:
        """Return the prior of a level's tau: `tau_<level>`, else `tau`, that of every other."""
        return self.priors.get(f"{TAU_OF}{level}", self.priors.get("tau", FLAT))

    @property
    def has_equal_tau_priors(self) -> bool:
        """Return whether the taus are independent with one prior."""
        of_levels = any(key.startswith(TAU_OF) for key in self.priors)
        return not of_levels and not self.priors["tau"].allocation

    @property
    def has_heavy_tails(self) -> bool:
        """Return whether study effects have a Student distribution, with estimated nu."""
        return self.likelihood == "student" or "nu" in self.priors

    @property
    def has_dependent_errors(self) -> bool:
        """Return whether sampling errors correlate within groups, or over shared controls."""
        return bool(self.shared_controls or self.rho or "rho" in self.priors)

    @property
    def pooling_sds(self) -> dict[str, Prior]:
        """Return the priors of the estimated pooling sds, by part."""
        return {key: prior.pooling_sd for key, prior in self.parts.items() if prior.pooling_sd}

    @property
    def pooled_factors(self) -> tuple[list[str], ...]:
        """Return the factors of every part if a pooling sd is estimated."""
        return tuple(map(split_names, self.parts)) if self.has_parts and self.pooling_sds else ()

    def contrasts_of(self, dataset: str) -> dict[str, str]:
        """Return the contrasts without a dataset's name, then those under the name of this."""
        return _of_dataset(self.contrasts, dataset)

    def concordance_of(self, dataset: str) -> dict[str, str]:
        """Return the statements that hold for a dataset, chosen like the contrasts."""
        return _of_dataset(self.concordance, dataset)

    def with_terms(self, formula: str) -> "ModelSpec":
        """Return a copy with other terms and no contrasts (they named the old terms)."""
        title = self.title.removesuffix(", cell means")
        priors = self.priors
        if not self.has_parts:
            of_terms = {key for key in self.parts if key not in (*KINDS, "slope")}
            priors = {key: prior for key, prior in priors.items() if key not in of_terms}
        return replace(
            self, title=title, terms=formula, contrasts={}, concordance={}, priors=priors
        )

    def with_levels(self, levels: tuple[str, ...]) -> "ModelSpec":
        """Return a copy with other levels, named in its title."""
        *first, last = levels
        names = " and ".join(filter(None, [", ".join(first), last]))
        priors = self._priors_of_taus(levels)
        return replace(self, title=f"Random effects of {names}", levels=levels, priors=priors)

    def _priors_of_taus(self, levels: tuple[str, ...]) -> dict[str, Prior]:
        """Return the priors with those of the taus of these levels; shares of a total are even."""
        kept = {f"{TAU_OF}{level}" for level in levels}
        of_taus = {key: prior for key, prior in self.priors.items() if key.startswith(TAU_OF)}
        left_out = of_taus.keys() - kept
        priors = {key: prior for key, prior in self.priors.items() if key not in left_out}
        common = self.priors.get("tau", next(iter(of_taus.values()), FLAT))
        if common.allocation and len(common.allocation) != len(levels):
            allocation = (1.0,) * len(levels) if len(levels) > 1 else ()
            common = replace(common, allocation=allocation)
        return priors if kept <= priors.keys() else {**priors, "tau": common}

    def without_structure(self) -> "ModelSpec":
        """Return a copy with effects nested in groups in studies, in place of a structure."""
        if not self.is_structured:
            return self
        plain = replace(self, crossed=(), correlation={}, inner={}, scale={}, errors={})
        return plain.with_levels(("study", "group"))

    def with_likelihood(self, likelihood: str) -> "ModelSpec":
        """Return a copy with a likelihood of results; its name ends in `-t` for the exact one."""
        if likelihood == self.likelihood:
            return self
        left_out = "nu" if likelihood == "normal" else ""
        priors = {key: prior for key, prior in self.priors.items() if key != left_out}
        name = f"{self.name}-{likelihood}"
        title = f"{self.title}, {LIKELIHOOD_TITLES[likelihood]}"
        return replace(self, name=name, title=title, likelihood=likelihood, priors=priors)

    def with_flat_priors(self) -> "ModelSpec":
        """Return a copy with improper flat priors, for quadrature: what the data say alone."""
        flat = Prior("Normal", (0.0, float("inf")))
        slope = {"slope": flat} if "slope" in self.priors else {}
        return replace(self, priors={"terms": flat, "tau": FLAT, **slope})


def _of_dataset(entries: Mapping[str, Any], dataset: str) -> dict[str, str]:
    shared = {name: text for name, text in entries.items() if isinstance(text, str)}
    return shared | dict(entries.get(dataset.removesuffix("-twin"), {}))
