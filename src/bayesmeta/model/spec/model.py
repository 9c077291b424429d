"""Choices of one analysis."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bayesmeta.model.spec.families import SUPPORT_OF
from bayesmeta.model.spec.prior import FLAT, Prior

LEVELS = ("study", "group", "effect")
CUTPOINTS = (0.025, 0.5)


@dataclass(frozen=True)
class ModelSpec:
    """The choices of one analysis.

    Attributes
    ----------
    name, title : str
        File name without `.toml`; one line for readers.
    terms : str
        Right-hand side of a formulaic formula for the mean of the effects; `0 + valence:phase` is cell means.
    levels : tuple of str
        Random-effect levels, a subset of study, group, effect, highest first.
    rho : float
        Correlation of sampling errors within a group, in [0, 1).
    shared_controls : bool
        Whether sampling errors of effects that are measured against one control measurement covary (`design.controls`).
    likelihood : str
        `normal`, or `student`: study effects with heavy tails, whose degrees of freedom nu are estimated; tau_study is
        then the scale of a t distribution; `ordered-logit`: directions without effect sizes (`ordered`).
    bias : str
        "" for none; `pet`, `peese`: results grow as studies shrink (`design.small_study`); `selection`: results are published
        with a probability that steps at one-sided p-values, the cutpoints (`likelihood.selection`).
    directions : mapping
        Of a bias: level or term to "lower" or "higher", the results that are published; others by the fitted sign.
    cutpoints : tuple of float
        Of a selection, ascending.
    tau_by : str
        A column by whose levels (strata) every tau differs; "" for one tau per level. Constant within a study.
    priors : mapping
        `tau`: every level's standard deviation. `terms`: every coefficient by itself; or parts that add up, each named
        by columns: the coefficients that agree in `valence:phase` share that part. A part may have an estimated spread.
    sides : str
        A factor of the terms whose levels are set against each other (persons, animals); "" for none.
    contrasts : mapping
        Name to linear combination of terms, as text; entries under a dataset's name hold for that dataset.
    concordance : mapping
        Name to a statement about terms, `human:fear:memory > 0 and animal:fear:memory > 0`; by dataset likewise.
    outcome, categories : str, tuple of str
        Of an ordered logit: the column of directions, and its values from low to high.
    columns : mapping
        Name of a column to the name that a user's file has for it; `measure`, the effect size to compute.
    rope : float
        Half-width of the region of practical equivalence, on the scale of yi.
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
    tau_by: str = ""
    sides: str = ""
    contrasts: Mapping[str, Any] = field(default_factory=dict)
    concordance: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = ""
    categories: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lists are taken as tuples and levels sorted highest first, so that equal choices are equal models."""
        known = [level for level in LEVELS if level in self.levels]
        fields: dict[str, tuple[Any, ...]] = {
            "levels": (*known, *(level for level in self.levels if level not in LEVELS)),
            "cutpoints": tuple(self.cutpoints),
            "categories": tuple(self.categories),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def sha256(self) -> str:
        """Hash of the choices."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def parts(self) -> dict[str, Prior]:
        """The parts that the prior of the terms adds up."""
        return {key: prior for key, prior in self.priors.items() if key not in SUPPORT_OF}

    @property
    def auxiliary_parameters(self) -> tuple[str, ...]:
        """What is estimated besides terms, their spreads and the taus: nu, rho, weights."""
        return tuple(key for key in self.priors if key in SUPPORT_OF and key != "tau")

    @property
    def sampled_levels(self) -> tuple[str, ...]:
        """Levels whose random effects are sampled, not integrated out: those of a selection model above the effect."""
        return tuple(
            level for level in self.levels if self.bias == "selection" and level != "effect"
        )

    @property
    def pooling_sds(self) -> dict[str, Prior]:
        """Priors of the spreads that are estimated, by part: then the terms are partially pooled."""
        return {
            key: prior.pooling_sd
            for key, prior in self.parts.items()
            if prior.pooling_sd is not None
        }

    @property
    def pooled_factors(self) -> tuple[list[str], ...]:
        """Factors of each part of a partially pooled model; empty where no pooling sd is estimated."""
        return tuple(key.split(":") for key in self.parts) if self.pooling_sds else ()

    def contrasts_of(self, dataset: str) -> dict[str, str]:
        """Contrasts that hold for a dataset: those without a dataset's name, then those under its name."""
        return _of_dataset(self.contrasts, dataset)

    def concordance_of(self, dataset: str) -> dict[str, str]:
        """Statements that hold for a dataset, chosen like the contrasts."""
        return _of_dataset(self.concordance, dataset)

    def with_terms(self, formula: str) -> "ModelSpec":
        """Copy with other terms and no contrasts (they named the old terms)."""
        title = self.title.removesuffix(", cell means")
        return replace(self, title=title, terms=formula, contrasts={}, concordance={})

    def with_levels(self, levels: tuple[str, ...]) -> "ModelSpec":
        """Copy with other random-effect levels."""
        return replace(self, title=f"Random effects of {' and '.join(levels)}", levels=levels)

    def with_pooling_sd(self, part: str, value: float) -> "ModelSpec":
        """Copy with a part's spread fixed."""
        centre, scale = self.priors[part].parameters
        return replace(self, priors={**self.priors, part: Prior("Normal", (centre, scale * value))})

    def with_flat_priors(self) -> "ModelSpec":
        """Copy with improper flat priors on every term and tau, for quadrature alone: what the data say alone."""
        flat = Prior("Normal", (0.0, float("inf")))
        slope = {"slope": flat} if "slope" in self.priors else {}
        return replace(self, priors={"terms": flat, "tau": FLAT, **slope})


def _of_dataset(entries: Mapping[str, Any], dataset: str) -> dict[str, str]:
    shared = {name: text for name, text in entries.items() if isinstance(text, str)}
    return shared | dict(entries.get(dataset.removesuffix("-twin"), {}))
