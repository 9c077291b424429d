"""The reasonable alternatives to an analysis as a table; a new alternative is a new entry."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from bayesmeta.data.datasets import DataAlternative
from bayesmeta.model.spec.other_priors import OTHER_PRIORS, OtherPrior
from bayesmeta.robustness.multiverse import changes
from bayesmeta.robustness.multiverse.changes import Analysis, Change
from bayesmeta.robustness.multiverse.refits import Refit, integrated, sampled, worst_study

Kind = Literal["base", "comparison", "data", "model", "bias", "priors", "deletion"]
KINDS = get_args(Kind)


@dataclass(frozen=True)
class Alternative:
    """A reasonable alternative.

    Attributes
    ----------
    name, label : its names in tables and in figures.
    kind : the kind of choice that differs.
    reason : why it is reasonable.
    change : function of the analysis; returns another table and model, or None if it does not apply
    refit : function of design, model and weights; returns a row per contrast, as
        `refits.integrated`
    """

    name: str
    kind: Kind
    label: str
    reason: str
    change: Callable[[Analysis], Change | None]
    refit: Refit = integrated


def alternatives_to(analysis: Analysis) -> tuple[Alternative, ...]:
    """Return the base and all alternatives, by kind, whether they apply or not."""
    every = (BASE, *ALTERNATIVES, *map(_of_dataset, analysis.of_dataset))
    return tuple(sorted(every, key=lambda alternative: KINDS.index(alternative.kind)))


def _of_dataset(alternative: DataAlternative) -> Alternative:
    """Return an alternative of the dataset; another model file may need NUTS."""
    names = (alternative.name, alternative.kind, alternative.label, alternative.reason)
    change = partial(changes.from_dataset, alternative=alternative)
    return Alternative(*names, change, refit=sampled if alternative.models else integrated)


def _of_prior(other: OtherPrior) -> Alternative:
    change = partial(changes.with_prior, other=other)
    return Alternative(other.name, "priors", other.label, other.reason, change)


BASE = Alternative(
    name="base",
    kind="base",
    label="base analysis",
    reason="the data and the model file as they are",
    change=changes.unchanged,
)
ALTERNATIVES = (
    Alternative(
        name="effect level",
        kind="model",
        label="effect level added",
        reason="true effects may also vary within a group",
        change=changes.with_effect_level,
    ),
    Alternative(
        name="no effect level",
        kind="model",
        label="effect level left out",
        reason="a simpler structure: true effects vary between studies and groups only",
        change=changes.without_effect_level,
    ),
    Alternative(
        name="rho .5",
        kind="model",
        label="errors correlate .5",
        reason="effects of a group are measured in the same subjects, so that their errors "
        "correlate; with the effect level",
        change=partial(changes.with_rho, rho=0.5),
    ),
    Alternative(
        name="rho .8",
        kind="model",
        label="errors correlate .8",
        reason="the same, more strongly",
        change=partial(changes.with_rho, rho=0.8),
    ),
    Alternative(
        name="shared controls",
        kind="model",
        label="shared controls",
        reason="effects measured against the same control share its error; "
        "the n of that control is then not split between them",
        change=changes.with_shared_controls,
        refit=sampled,
    ),
    Alternative(
        name="rho estimated",
        kind="model",
        label="errors correlate, estimated",
        reason="the data inform the correlation of errors within a group (models/correlated.toml)",
        change=changes.with_rho_estimated,
        refit=sampled,
    ),
    Alternative(
        name="heavy tails",
        kind="model",
        label="heavy tails",
        reason="study effects may be Student-distributed, so that outlying studies have less "
        "influence (models/robust.toml)",
        change=changes.with_heavy_tails,
        refit=sampled,
    ),
    Alternative(
        name="PET",
        kind="bias",
        label="small studies: PET",
        reason="small studies may report larger effects: means of a study that is too large for "
        "this bias (models/pet.toml)",
        change=partial(changes.with_bias_model, bias="pet"),
    ),
    Alternative(
        name="PEESE",
        kind="bias",
        label="small studies: PEESE",
        reason="the same, with less bias where studies are already large (models/peese.toml)",
        change=partial(changes.with_bias_model, bias="peese"),
    ),
    Alternative(
        name="selection",
        kind="bias",
        label="selection at publication",
        reason="results may be published with a probability that depends on their p-value "
        "(models/selection.toml)",
        change=partial(changes.with_bias_model, bias="selection"),
        refit=sampled,
    ),
    *map(_of_prior, OTHER_PRIORS),
    Alternative(
        name="worst study",
        kind="deletion",
        label="worst study left out",
        reason="a conclusion should not depend on a single study: for every conclusion, the study "
        "without which it is least probable",
        change=changes.without_study,
        refit=worst_study,
    ),
)
