"""The likelihood of a model, and the engines that can take it."""

import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.strata import why_strata_depend
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.likelihood.selection import Selected
from bayesmeta.model.likelihood.shared_controls import SharedControls
from bayesmeta.model.likelihood.student import Student
from bayesmeta.model.spec import ModelSpec

NUTS_ONLY = ("nu", "weights")  # auxiliary parameters that NUTS alone can take


def likelihood_class(spec: ModelSpec) -> type[Normal]:
    """Return the class of a model's likelihood."""
    if spec.likelihood == "student":
        return Student
    if spec.bias == "selection":
        return Selected
    return SharedControls if spec.shared_controls else Normal


def likelihood_of(design: xr.Dataset, spec: ModelSpec) -> Normal:
    """Return the likelihood of a model for a design."""
    return likelihood_class(spec)(design, spec)


def refusal(design: xr.Dataset, spec: ModelSpec, engine: str) -> str:
    """Return the reason why an engine cannot take a model, "" if it can.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`.
    spec : ModelSpec
    engine : {"nuts", "quadrature", "reml"}
    """
    if engine == "reml":
        return _reml_refusal(design, spec)
    if engine in likelihood_class(spec).engines:
        return why_strata_depend(design, spec) if engine == "quadrature" and spec.tau_by else ""
    names = [name for name in spec.auxiliary_parameters if name in NUTS_ONLY]
    return (
        f"model {spec.name} estimates {', '.join(names)}, which {engine} cannot do; "
        "sample the model with --sampler numpyro"
    )


def _reml_refusal(design: xr.Dataset, spec: ModelSpec) -> str:
    """Return the reason why REML cannot fit a model, "" if it can."""
    if names := spec.auxiliary_parameters:
        return f"REML estimates terms and taus alone, but model {spec.name} also has {', '.join(names)}"
    if "reml" not in likelihood_class(spec).engines:
        return (
            "REML cannot take errors that covary over shared controls, as those of model "
            f"{spec.name}; sample the model with --sampler numpyro"
        )
    if spec.tau_by:
        stratum = design["stratum"].values[0]
        return (
            f"REML has one tau per level, and model {spec.name} has one per stratum of "
            f"'{spec.tau_by}'; fit the strata one by one (--where \"{spec.tau_by} == '{stratum}'\")"
            " with a model without tau_by"
        )
    return ""


def check_engine(design: xr.Dataset, spec: ModelSpec, engine: str) -> None:
    """Raise BadInput if an engine cannot take a model."""
    if reason := refusal(design, spec, engine):
        raise BadInput(reason)
