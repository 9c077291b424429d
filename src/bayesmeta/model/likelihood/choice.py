"""The likelihood of a model, and the engines that can take it."""

import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.blanks import has_unknowns
from bayesmeta.model.design.strata import why_strata_depend
from bayesmeta.model.likelihood.exact_smd import ExactSmd
from bayesmeta.model.likelihood.hidden_attempts import HiddenAttempts
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.likelihood.selection import Selected
from bayesmeta.model.likelihood.shared_controls import SharedControls
from bayesmeta.model.likelihood.student import Student
from bayesmeta.model.likelihood.student_smd import StudentSmd
from bayesmeta.model.priors.terms import keys_of_terms, term_prior
from bayesmeta.model.spec import HEAVY, ModelSpec

SAMPLE = "sample the model with --sampler numpyro"
STRUCTURED = (
    "model {} has a dependence structure (crossed, correlation, inner, scale, errors, or levels by "
    "column): independent draws (--sampler quadrature) and REML can fit it; this analysis needs "
    "levels from study, group and effect"
)
UNKNOWN = (
    "model {} has unknown moderators ({}, blank in some rows), which need --sampler quadrature; "
    "this analysis needs complete moderators: --missing complete"
)
LIMITED_UNKNOWN = (
    "model {} has limits of the prior of {}, and unknown moderators ({}, blank in some rows); "
    "leave out the rows, --missing complete, or the limits"
)
MOST_HEAVY = 3
NUTS_ONLY = ("nu", "weights", "attempts")  # auxiliary parameters that NUTS alone can take


def likelihood_class(spec: ModelSpec) -> type[Normal]:
    """Return the class of a model's likelihood; raise BadInput for a dependence structure."""
    if spec.is_structured:
        raise BadInput(STRUCTURED.format(spec.name))
    if spec.has_heavy_tails:
        return StudentSmd if spec.likelihood == "t" else Student
    if spec.bias == "selection":
        return HiddenAttempts if spec.published_unit == "result" else Selected
    if spec.likelihood == "t":
        return ExactSmd
    return SharedControls if spec.shared_controls else Normal


def likelihood_of(design: xr.Dataset, spec: ModelSpec) -> Normal:
    """Return the likelihood of a model for a design."""
    return likelihood_class(spec)(design, spec)


def refusal(design: xr.Dataset, spec: ModelSpec, engine: str) -> str:
    """Return why an engine cannot take a model, "" if it can.

    An engine is "nuts", "quadrature", "importance" (of quadrature's draws) or "reml".
    """
    if has_unknowns(design):
        blank = ", ".join(map(str, design["blank_moderator"].values))
        if engine == "importance" and spec.limited:
            return LIMITED_UNKNOWN.format(spec.name, ", ".join(spec.limited), blank)
        return "" if engine == "importance" else UNKNOWN.format(spec.name, blank)
    if spec.is_structured:
        return "" if engine in ("importance", "reml") else STRUCTURED.format(spec.name)
    if engine == "reml":
        return _reml_refusal(design, spec)
    if engine == "quadrature" and (reason := _many_axes(design, spec) or _limits(design, spec)):
        return reason
    if engine in likelihood_class(spec).engines:
        return why_strata_depend(design, spec) if engine == "quadrature" and spec.tau_by else ""
    if spec.likelihood == "t" and spec.bias != "selection":
        return (
            f"model {spec.name} has the exact likelihood of Hedges' g, not a normal one; {SAMPLE}"
        )
    names = [name for name in spec.auxiliary_parameters if name in NUTS_ONLY]
    estimates = f"model {spec.name} estimates {', '.join(names)}, which {engine} cannot do"
    return f"{estimates}; {SAMPLE}"


def _many_axes(design: xr.Dataset, spec: ModelSpec) -> str:
    """Return why Student-t priors are too much for quadrature, an axis for every term."""
    heavy = [key for key, prior in spec.parts.items() if prior.family in HEAVY]
    if not heavy:
        return ""
    if spec.tau_by:
        return f"quadrature of strata needs normal priors of the terms, not of {heavy}; {SAMPLE}"
    terms = sum(key in heavy for key in keys_of_terms(design, spec))
    most = f"quadrature takes up to {MOST_HEAVY} terms with Student-t or Cauchy priors"
    return f"{most}, model {spec.name} has {terms}; {SAMPLE}" if terms > MOST_HEAVY else ""


def _limits(design: xr.Dataset, spec: ModelSpec) -> str:
    """Return why limits of priors are too much for quadrature, which integrates one range."""
    if not spec.limited:
        return ""
    if spec.tau_by:
        return f"quadrature of strata takes no limits of priors ({spec.limited[0]}); {SAMPLE}"
    limits = term_prior(design, spec).limits
    terms = 0 if limits is None else len(limits.rows)
    most = "quadrature takes one term with limits (lower, upper)"
    return f"{most}, model {spec.name} has {terms}; {SAMPLE}" if terms > 1 else ""


def _reml_refusal(design: xr.Dataset, spec: ModelSpec) -> str:
    if names := spec.auxiliary_parameters:
        others = ", ".join(names)
        return f"REML estimates only terms and taus, but model {spec.name} also has {others}"
    if spec.likelihood == "t":
        return f"REML needs a normal likelihood; model {spec.name} has the exact one of Hedges' g"
    if spec.tau_by:
        better = f"--where \"{spec.tau_by} == '{design['stratum'].values[0]}'\""
        reason = f"one tau per level, but model {spec.name} one per stratum of '{spec.tau_by}'"
        return f"REML has {reason}; fit each stratum ({better}) without tau_by"
    return ""


def check_engine(design: xr.Dataset, spec: ModelSpec, engine: str) -> None:
    """Raise BadInput if an engine cannot take a model."""
    if reason := refusal(design, spec, engine):
        raise BadInput(reason)


def check_independent(design: xr.Dataset, spec: ModelSpec) -> None:
    """Raise BadInput if independent draws of a model are not possible."""
    if refusal(design, spec, "importance"):
        check_engine(design, spec, "quadrature")
