"""The reasonable alternatives to an analysis as a table; a new alternative is a new entry."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from bayesmeta.data.datasets import DataAlternative
from bayesmeta.model.spec.other_priors import OTHER_PRIORS, OtherPrior
from bayesmeta.robustness.multiverse import changes
from bayesmeta.robustness.multiverse.averaged import average, averaged_over_models
from bayesmeta.robustness.multiverse.changes import Analysis, Change
from bayesmeta.robustness.multiverse.refits import Refit, refit, worst_study

Kind = Literal["base", "comparison", "data", "model", "bias", "average", "priors", "deletion"]
KINDS = get_args(Kind)


@dataclass(frozen=True)
class Alternative:
    """A reasonable alternative."""

    name: str  # in tables
    kind: Kind  # of choice that differs
    label: str  # in figures
    reason: str  # why it is reasonable
    change: Callable[[Analysis], Change | None]  # None if it does not apply
    refit: Refit = refit
    of_frame: bool = False  # whether the refit takes the effect table in place of the design


def alternatives_to(analysis: Analysis) -> tuple[Alternative, ...]:
    """Return the base and all alternatives, by kind, whether they apply or not."""
    every = (BASE, *ALTERNATIVES, *map(_of_dataset, analysis.of_dataset))
    return tuple(sorted(every, key=lambda alternative: KINDS.index(alternative.kind)))


def _of_dataset(alternative: DataAlternative) -> Alternative:
    """Return an alternative of the dataset."""
    names = (alternative.name, alternative.kind, alternative.label, alternative.reason)
    return Alternative(*names, partial(changes.from_dataset, alternative=alternative))


def _of_prior(other: OtherPrior) -> Alternative:
    change = partial(changes.with_prior, other=other)
    return Alternative(other.name, "priors", other.label, other.reason, change)


Row = tuple[Kind, str, str, Callable[[Analysis], Change | None]]
BIAS = {bias: partial(changes.with_bias_model, bias=bias) for bias in ("pet", "peese", "selection")}
RHO = {rho: partial(changes.with_rho, rho=rho) for rho in (0.5, 0.8)}
MISSING = {
    choice: partial(changes.with_missing, missing=choice) for choice in ("complete", "joint")
}
TABLE: tuple[Row, ...] = (  # kind, name, label, change; the reasons are below
    ("data", "complete cases", "complete cases", MISSING["complete"]),
    ("data", "joint moderators", "unknown moderators in the model", MISSING["joint"]),
    ("model", "exact likelihood", "exact likelihood of g", changes.with_exact_likelihood),
    ("model", "effect level", "effect level added", changes.with_effect_level),
    ("model", "no effect level", "effect level left out", changes.without_effect_level),
    ("model", "rho .5", "errors correlate .5", RHO[0.5]),
    ("model", "rho .8", "errors correlate .8", RHO[0.8]),
    ("model", "shared controls", "shared controls", changes.with_shared_controls),
    ("model", "rho estimated", "errors correlate, estimated", changes.with_rho_estimated),
    ("model", "heavy tails", "heavy tails", changes.with_heavy_tails),
    ("bias", "PET", "small studies: PET", BIAS["pet"]),
    ("bias", "PEESE", "small studies: PEESE", BIAS["peese"]),
    ("bias", "selection", "selection at publication", BIAS["selection"]),
)
REASONS = {
    "complete cases": "results with blank moderators are left out, as most programs do",
    "joint moderators": "results with blank moderators count, and their unknown moderators are "
    "part of the model",
    "exact likelihood": "Hedges' g is a t statistic; with small groups the normal "
    "likelihood pulls means towards zero",
    "effect level": "true effects may also vary within a group",
    "no effect level": "a simpler structure: true effects vary between studies and groups only",
    "rho .5": "effects of a group are measured in the same subjects, so that their errors "
    "correlate; with the effect level",
    "rho .8": "the same, more strongly",
    "shared controls": "effects measured against the same control share its error; "
    "the n of that control is then not split between them",
    "rho estimated": "the data inform the correlation of errors within a group "
    "(models/correlated.toml)",
    "heavy tails": "study effects may be Student-distributed, so that outlying studies have less "
    "influence (models/robust.toml)",
    "PET": "small studies may report larger effects: means of a study that is too large for "
    "this bias (models/pet.toml)",
    "PEESE": "the same, with less bias where studies are already large (models/peese.toml)",
    "selection": "results may be published with a probability that depends on their p-value "
    "(models/selection.toml)",
}
_BASE_REASON = "the data and the model file as they are"
BASE = Alternative("base", "base", "base analysis", _BASE_REASON, changes.unchanged)
_OF_TABLE = [
    Alternative(name, kind, label, REASONS[name], change) for kind, name, label, change in TABLE
]
WORST_STUDY = Alternative(
    "worst study",
    "deletion",
    "worst study left out",
    "a conclusion should not depend on a single study: for every conclusion, the study without "
    "which it is least probable",
    changes.without_study,
    worst_study,
)
AVERAGE = Alternative(
    "average",
    "average",
    "averaged over models",
    "models without an effect, heterogeneity or moderators count by their evidence; a contrast "
    "may then be exactly 0 (bayesmeta average)",
    averaged_over_models,
    average,
    of_frame=True,
)
ALTERNATIVES = (*_OF_TABLE, AVERAGE, *map(_of_prior, OTHER_PRIORS), WORST_STUDY)
