"""What an alternative may change: each function takes a question to another table and model, or does not apply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import xarray as xr

from bayesmeta.data.corrections import corrected, suspects, with_whole_controls
from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import control_measurements
from bayesmeta.model.spec import ModelSpec, Prior, read_spec
from bayesmeta.model.spec.bias_models import with_bias
from bayesmeta.model.spec.other_priors import OtherPrior

Change = tuple[pd.DataFrame, ModelSpec]


@dataclass(frozen=True)
class Question:
    """What is asked, and where an alternative finds other data.

    Attributes
    ----------
    frame, spec : effect table and model of the base analysis.
    contrasts : dims (contrast, term), the linear combinations of the base's terms that are concluded on.
    record : the effects that the record has of the same species, with those that the dataset leaves out.
    strict : gives the effect table as it is coded strictly; None where it has no codes.
    """

    frame: pd.DataFrame
    spec: ModelSpec
    contrasts: xr.DataArray
    record: pd.DataFrame
    strict: Callable[[], pd.DataFrame] | None = None


def unchanged(question: Question) -> Change:
    """The question as it is."""
    return question.frame, question.spec


def one_study_less(question: Question) -> Change | None:
    """The question as it is, where at least two studies are left when one is left out."""
    return unchanged(question) if question.frame["study"].nunique() > 2 else None


def one_comparison(question: Question, name: str) -> Change | None:
    """Effects of one type of comparison; species without any of that type stay as they are.

    A type that the dataset leaves out comes from the record.
    """
    frame, record = question.frame, question.record
    typed = [table[table["comparison"].astype(str) == name] for table in (frame, record)]
    own = typed[0] if len(typed[0]) else typed[1]
    others = frame[~frame["species"].isin(own["species"])] if "species" in frame else frame.iloc[:0]
    rows = joined(own, others, like=record)
    rows.attrs = frame.attrs
    return None if set(rows["effect"]) == set(frame["effect"]) else (rows, question.spec)


def joined(*tables: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Rows of several tables, factors with the levels that occur, in the order that another table gives them."""
    factors = {name: dtype for name, dtype in like.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)}
    rows = pd.concat([table.astype(factors) for table in tables], ignore_index=True)
    return rows.assign(**{str(name): rows[name].cat.remove_unused_categories() for name in factors})


def errors_corrected(question: Question, grades: Sequence[str]) -> Change | None:
    """Standard errors that were typed as standard deviations put right, where the table has effects of every grade."""
    if not set(grades) <= set(suspects(question.frame)["grade"]):
        return None
    try:
        return corrected(question.frame, grades=grades), question.spec
    except BadInput:  # a table without the raw numbers
        return None


def strict_codes(question: Question) -> Change | None:
    """Only what the authors included and coded themselves."""
    return None if question.strict is None else (question.strict(), question.spec)


def with_effect_level(question: Question) -> Change | None:
    """The effect level added, where a group has several effects: else groups and effects are the same."""
    if "effect" in question.spec.levels or not shared_groups(question):
        return None
    return question.frame, replace(question.spec, levels=(*question.spec.levels, "effect"))


def without_effect_level(question: Question) -> Change | None:
    """The effect level taken out of a model that has it and another one."""
    levels = tuple(level for level in question.spec.levels if level != "effect")
    if levels in ((), question.spec.levels):
        return None
    return question.frame, replace(question.spec, levels=levels)


def with_rho(question: Question, rho: float) -> Change | None:
    """Another correlation of the sampling errors within a group, where a group has several effects.

    The effect level goes with it: without one, effects of a group that differ by more than their own errors are taken
    for errors that cannot correlate, and the terms are moved to explain them.

    Source: correlated and hierarchical effects, Pustejovsky & Tipton 2022, doi 10.1007/s11121-021-01246-3.
    """
    spec = question.spec
    if spec.rho == rho or not shared_groups(question):
        return None
    levels = spec.levels if "effect" in spec.levels else (*spec.levels, "effect")
    return question.frame, replace(spec, rho=rho, levels=levels)


def with_rho_estimated(question: Question) -> Change | None:
    """A correlation of the sampling errors that is estimated, and the effect level, as in `with_rho`."""
    spec = question.spec
    if "rho" in spec.priors or spec.bias == "selection" or not shared_groups(question):
        return None
    levels = spec.levels if "effect" in spec.levels else (*spec.levels, "effect")
    return question.frame, replace(spec, rho=0.0, levels=levels, priors={**spec.priors, **_prior("correlated", "rho")})


def with_heavy_tails(question: Question) -> Change | None:
    """Student study effects in place of normal ones, where the model has a study level."""
    spec = question.spec
    if spec.likelihood == "student" or "study" not in spec.levels or spec.bias == "selection" or spec.shared_controls:
        return None
    return question.frame, replace(spec, likelihood="student", priors={**spec.priors, **_prior("robust", "nu")})


def with_bias_model(question: Question, bias: str) -> Change | None:
    """Small-study effects or selection, where the model may have them; the slopes where the table has group sizes."""
    sized = {"n1i", "n2i"} <= set(question.frame.columns)
    changed = with_bias(question.spec, bias) if sized or bias == "selection" else None
    return None if changed is None else (question.frame, changed)


def _prior(model: str, key: str) -> dict[str, Prior]:
    """A prior as one of the project's model files has it."""
    return {key: read_spec(model).priors[key]}


def with_shared_controls(question: Question) -> Change | None:
    """Controls counted whole and the errors of effects with one control measurement correlated, where some share one.

    Source: Gleser & Olkin 2009, see `design.controls`.
    """
    frame, spec = question.frame, question.spec
    if not {"control", *TWO_GROUPS} <= set(frame) or spec.shared_controls:
        return None
    if spec.likelihood == "student" or spec.bias == "selection":
        return None
    try:
        whole = with_whole_controls(frame)
    except BadInput:  # controls are split, and the table does not say from what
        return None
    one_each = len(set(control_measurements(whole))) == len(whole)
    return None if one_each else (whole, replace(spec, shared_controls=True))


def with_prior(question: Question, other: OtherPrior) -> Change | None:
    """Another prior of the terms or the taus, where it applies."""
    spec = other.replaced_in(question.spec)
    return None if spec is None else (question.frame, spec)


def with_model(question: Question, instead_of: str, model: str) -> Change | None:
    """Another model file in place of the one named."""
    return (question.frame, read_spec(model)) if question.spec.name == instead_of else None


def shared_groups(question: Question) -> bool:
    """Whether some group has several effects."""
    return bool(question.frame["group"].duplicated().any())
