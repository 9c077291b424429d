"""The reasonable alternatives to an analysis, an entry each; a new one is a new entry."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from bayesmeta.model.spec.other_priors import OTHER_PRIORS, OtherPrior
from bayesmeta.robustness.multiverse import changes
from bayesmeta.robustness.multiverse.changes import Change, Question
from bayesmeta.robustness.multiverse.refits import Refit, integrated, sampled, worst_study

Kind = Literal["base", "comparison", "data", "model", "bias", "priors", "deletion"]


@dataclass(frozen=True)
class Alternative:
    """One reasonable alternative.

    Attributes
    ----------
    name, kind, label : as tables name it, its kin, and in a figure's words.
    reason : why it is reasonable.
    change : a question to another table and model; None where it does not apply.
    refit : design, model and weights to a row per contrast, as `refits.integrated`.
    """

    name: str
    kind: Kind
    label: str
    reason: str
    change: Callable[[Question], Change | None]
    refit: Refit = integrated


def alternatives_to(question: Question) -> tuple[Alternative, ...]:
    """The base, the types of comparison that the record has, and all others, whether they apply or not."""
    return (BASE, *comparison_types(question), *ALTERNATIVES)


def comparison_types(question: Question) -> list[Alternative]:
    """An alternative for each value of the column comparison in the record."""
    if "comparison" not in question.record or "comparison" not in question.frame:
        return []
    present = sorted(map(str, question.record["comparison"].dropna().unique()))
    return [
        Alternative(
            name=f"comparison {name}",
            kind="comparison",
            label=f"comparison {name} alone",
            reason="types differ in who is compared with whom; a conclusion should not hang on one of them",
            change=partial(changes.one_comparison, name=name),
        )
        for name in present
    ]


def _prior(other: OtherPrior) -> Alternative:
    return Alternative(other.name, "priors", other.label, other.reason, partial(changes.with_prior, other=other))


BASE = Alternative("base", "base", "base analysis", "the data and the model file as they are", changes.unchanged)
ALTERNATIVES = (
    Alternative(
        name="errors corrected",
        kind="data",
        label="errors corrected",
        reason="standard errors were typed as standard deviations (data/trace/suspects.csv)",
        change=partial(changes.errors_corrected, grades=("error",)),
    ),
    Alternative(
        name="errors and suspected corrected",
        kind="data",
        label="suspected errors, too",
        reason="the same mistake is suspected in more studies, not proven (data/trace/suspects.csv)",
        change=partial(changes.errors_corrected, grades=("error", "suspected")),
    ),
    Alternative(
        name="strict codes",
        kind="data",
        label="strict codes",
        reason="only what the authors included and coded themselves: no supplement of codes, no repairs",
        change=changes.strict_codes,
    ),
    Alternative(
        name="effect level",
        kind="model",
        label="effect level added",
        reason="true effects may vary within a group, too",
        change=changes.with_effect_level,
    ),
    Alternative(
        name="no effect level",
        kind="model",
        label="effect level left out",
        reason="the published structure has study and group alone",
        change=changes.without_effect_level,
    ),
    Alternative(
        name="rho .5",
        kind="model",
        label="errors correlate .5",
        reason="effects of a group share its subjects, so that their errors correlate; with the effect level",
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
        reason="effects measured against one control share its error; that control's n is then not split between them",
        change=changes.with_shared_controls,
        refit=sampled,
    ),
    Alternative(
        name="rho estimated",
        kind="model",
        label="errors correlate, estimated",
        reason="the data say how strongly errors correlate within a group (models/correlated.toml)",
        change=changes.with_rho_estimated,
        refit=sampled,
    ),
    Alternative(
        name="heavy tails",
        kind="model",
        label="heavy tails",
        reason="study effects may be Student-distributed, so that far studies count less (models/robust.toml)",
        change=changes.with_heavy_tails,
        refit=sampled,
    ),
    Alternative(
        name="partial pooling",
        kind="model",
        label="partial pooling",
        reason="a cell of one organism may lean on the same cell of the other (models/translational-pooled.toml)",
        change=partial(changes.with_model, instead_of="translational", model="translational-pooled"),
        refit=sampled,
    ),
    Alternative(
        name="PET",
        kind="bias",
        label="small studies: PET",
        reason="small studies may report larger effects: means of a study too large for that (models/pet.toml)",
        change=partial(changes.with_bias_model, bias="pet"),
    ),
    Alternative(
        name="PEESE",
        kind="bias",
        label="small studies: PEESE",
        reason="the same, less where studies are large already (models/peese.toml)",
        change=partial(changes.with_bias_model, bias="peese"),
    ),
    Alternative(
        name="selection",
        kind="bias",
        label="selection at publication",
        reason="results may be published with a probability that depends on their p-value (models/selection.toml)",
        change=partial(changes.with_bias_model, bias="selection"),
        refit=sampled,
    ),
    *map(_prior, OTHER_PRIORS),
    Alternative(
        name="worst study",
        kind="deletion",
        label="worst study left out",
        reason="a conclusion should not hang on one study: for each, the study without which it is least probable",
        change=changes.one_study_less,
        refit=worst_study,
    ),
)
