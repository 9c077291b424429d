"""Changes of an analysis: functions that return another effect table and model, or None."""

from dataclasses import dataclass, replace

import pandas as pd
import xarray as xr

from bayesmeta.data.corrections import with_full_controls
from bayesmeta.data.datasets import DataAlternative
from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import caution, control_measurements
from bayesmeta.model.design.blanks import blank_cells
from bayesmeta.model.design.completing import moderator_names
from bayesmeta.model.design.controls import why_not_smd
from bayesmeta.model.design.t_statistics import can_be_exact, why_no_t_statistics
from bayesmeta.model.spec import ModelSpec, read_spec
from bayesmeta.model.spec.other_priors import OtherPrior
from bayesmeta.model.spec.reading import with_bias

Change = tuple[pd.DataFrame, ModelSpec]


@dataclass(frozen=True)
class Analysis:
    """The analysis to which there are alternatives."""

    frame: pd.DataFrame  # effect table of the base analysis
    spec: ModelSpec  # its model
    contrasts: xr.DataArray  # (contrast, term), the combinations of terms that are concluded on
    of_dataset: tuple[DataAlternative, ...] = ()  # alternatives that only the dataset can offer


def unchanged(analysis: Analysis) -> Change:
    """Return effect table and model of the analysis."""
    return analysis.frame, analysis.spec


def from_dataset(analysis: Analysis, alternative: DataAlternative) -> Change | None:
    """Apply an alternative of the dataset."""
    frame = alternative.change(analysis.frame)
    if frame is None or not alternative.models:
        return None if frame is None else (frame, analysis.spec)
    model = alternative.models.get(analysis.spec.name)
    return None if model is None else (frame, read_spec(model))


def without_study(analysis: Analysis) -> Change | None:
    """Return effect table and model if at least two studies remain when a study is left out."""
    return unchanged(analysis) if analysis.frame["study"].nunique() > 2 else None


def with_effect_level(analysis: Analysis) -> Change | None:
    """Add the effect level if a group has several effects: otherwise groups are effects."""
    possible = "effect" not in analysis.spec.levels and shared_groups(analysis)
    return (analysis.frame, add_effect_level(analysis.spec)) if possible else None


def without_effect_level(analysis: Analysis) -> Change | None:
    """Remove the effect level of a model that has it and another level."""
    levels = tuple(level for level in analysis.spec.levels if level != "effect")
    possible = levels not in ((), analysis.spec.levels)
    return (analysis.frame, replace(analysis.spec, levels=levels)) if possible else None


def with_rho(analysis: Analysis, rho: float) -> Change | None:
    """Change the correlation of the sampling errors within a group and add the effect level.

    It applies if a group has several effects. Without an effect level, effects of a group that
    differ by more than their sampling errors would contradict the correlation, and the terms would
    move to explain the differences.
    Source: correlated and hierarchical effects, Pustejovsky & Tipton 2022,
    doi 10.1007/s11121-021-01246-3.
    """
    if analysis.spec.rho == rho or not shared_groups(analysis):
        return None
    return analysis.frame, replace(add_effect_level(analysis.spec), rho=rho)


def with_rho_estimated(analysis: Analysis) -> Change | None:
    """Estimate the correlation of the sampling errors and add the effect level, as `with_rho`."""
    spec = analysis.spec
    if "rho" in spec.priors or spec.bias == "selection" or not shared_groups(analysis):
        return None
    priors = {**spec.priors, "rho": read_spec("correlated").priors["rho"]}
    return analysis.frame, replace(add_effect_level(spec), rho=0.0, priors=priors)


def with_exact_likelihood(analysis: Analysis) -> Change | None:
    """Take Hedges' g as the t statistics that they are, if groups and errors are independent."""
    possible = can_be_exact(analysis.frame, analysis.spec)
    return (analysis.frame, replace(analysis.spec, likelihood="t")) if possible else None


def with_heavy_tails(analysis: Analysis) -> Change | None:
    """Make the study effects Student-distributed if the model has a study level."""
    spec = analysis.spec
    taken = spec.has_heavy_tails or spec.bias == "selection" or spec.shared_controls
    if taken or "study" not in spec.levels:
        return None
    priors = {**spec.priors, "nu": read_spec("robust").priors["nu"]}
    likelihood = "t" if spec.likelihood == "t" else "student"
    return analysis.frame, replace(spec, likelihood=likelihood, priors=priors)


def with_bias_model(analysis: Analysis, bias: str) -> Change | None:
    """Add small-study effects or selection if the model can have them; slopes need sizes."""
    sized = not caution(analysis.frame)
    exact = not why_no_t_statistics(analysis.frame)
    possible = sized or bias == "selection"
    changed = with_bias(analysis.spec, bias, exact=exact) if possible else None
    return None if changed is None else (analysis.frame, changed)


def with_missing(analysis: Analysis, missing: str) -> Change | None:
    """Leave out rows with blank moderators, or let unknown values be part of the model."""
    blank = blank_cells(analysis.frame, moderator_names(analysis.spec.terms)).shape[1] > 0
    if not blank or analysis.spec.missing == missing:
        return None
    return analysis.frame, replace(analysis.spec, missing=missing)


def with_shared_controls(analysis: Analysis) -> Change | None:
    """Count controls in full and let the errors of effects with the same control correlate.

    It applies to standardised mean differences if some of them share a control measurement.
    Source: Gleser & Olkin 2009, see `design.controls`.
    """
    spec = analysis.spec
    taken = spec.has_heavy_tails or spec.bias == "selection" or spec.shared_controls
    if taken or not {"control", *TWO_GROUPS} <= set(analysis.frame):
        return None
    try:
        changed = with_full_controls(analysis.frame)
    except BadInput:  # controls are split, and the table lacks the numbers before the split
        return None
    shared = len(set(control_measurements(changed))) < len(changed)
    fits = shared and not why_not_smd(changed)
    return (changed, replace(spec, shared_controls=True)) if fits else None


def with_prior(analysis: Analysis, other: OtherPrior) -> Change | None:
    """Replace a prior of the terms or the taus if the other prior applies."""
    spec = other.replaced_in(analysis.spec)
    return None if spec is None else (analysis.frame, spec)


def add_effect_level(spec: ModelSpec) -> ModelSpec:
    """Return the model with the effect level."""
    missing = () if "effect" in spec.levels else ("effect",)
    return replace(spec, levels=(*spec.levels, *missing))


def shared_groups(analysis: Analysis) -> bool:
    """Return whether a group has several effects."""
    return bool(analysis.frame["group"].duplicated().any())
