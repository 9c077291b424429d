"""The estimands of a plan: contrasts, the stratum of the new studies, the terms they measure."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.contrasts import contrast_weights, possible_weights
from bayesmeta.model.design.labels import level_coordinate
from bayesmeta.model.likelihood import nesting_of
from bayesmeta.model.spec import ModelSpec

DEFAULT_STRATUM = "human"


def chosen_contrasts(
    design: xr.Dataset, spec: ModelSpec, requested: Sequence[str] = ()
) -> xr.DataArray:
    """Return weights (contrast, term) of contrasts by name or as text, or of the model's contrasts.

    Raises BadInput: a text is neither a name nor a combination of terms; or there is no text and
    the model names no contrasts.
    """
    terms = [str(term) for term in design["term"].values]
    dataset = design.attrs["dataset"]
    named = possible_weights(spec.contrasts_of(dataset), terms)
    names = [str(name) for name in named["contrast"].values]
    if not requested and not names:
        advice = f"name a contrast, as --contrast '{terms[0]}'"
        raise BadInput(f"model {spec.name} names no contrasts of {dataset}; {advice}")
    chosen = []
    for text in dict.fromkeys(requested or names):
        if text in names:
            chosen.append(named.sel(contrast=[text]))
            continue
        try:
            chosen.append(contrast_weights({text: text}, terms))
        except BadInput as error:
            hint = f"; contrasts with a name: {', '.join(names)}" if names else ""
            raise BadInput(f"{error}{hint}") from error
    return xr.concat(chosen, dim="contrast")


def chosen_terms(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, stratum: str | None, *, skip: bool
) -> dict[str, list[str]]:
    """Return the terms that new studies measure, by contrast.

    With `skip`, contrasts without any such term are left out.
    Raises BadInput: they measure no term of a contrast (of any contrast, with `skip`).
    """
    measured = [measured_terms(design, spec, row, stratum) for row in weights]
    terms = dict(zip(map(str, weights["contrast"].values), measured, strict=True))
    empty = [name for name, names in terms.items() if not names]
    if empty and not (skip and len(empty) < len(terms)):
        problem = f"new {stratum} studies measure no term of the contrasts {empty}"
        raise BadInput(f"{problem}; choose another --stratum")
    return {name: names for name, names in terms.items() if names}


def choose_stratum(design: xr.Dataset, spec: ModelSpec, stratum: str | None) -> str | None:
    """Return the stratum of new studies, by default human, None without sides; else BadInput."""
    strata = sorted(set(_strata(design, spec).tolist()))
    if stratum is None and DEFAULT_STRATUM in strata:
        return DEFAULT_STRATUM
    if stratum in strata or (stratum is None and not strata):
        return stratum
    if not strata:
        raise BadInput(f"there is no stratum '{stratum}'; this model has none; leave --stratum out")
    known = f"there is no stratum '{stratum}'" if stratum else "new studies are of a single stratum"
    raise BadInput(f"{known}; name a stratum with --stratum: {', '.join(strata)}")


def measured_terms(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, stratum: str | None
) -> list[str]:
    """Return terms of weights (term,) that new studies measure; BadInput for slopes among them."""
    involved = weights.values != 0
    if stratum is not None:
        involved &= _strata(design, spec) == stratum
    terms = weights["term"].values
    x = design["X"].sel(term=terms).values
    is_cell = (x == np.eye(x.shape[1])[:, None]).all(2).any(1) | ~x.any(0)
    if others := [str(term) for term in terms[involved & ~is_cell]]:
        problem = f"no study measures the terms {others} by themselves, as a plan needs"
        advice = "code the terms as means of cells, such as --moderators valence:phase"
        raise BadInput(f"{problem}; {advice}")
    return [str(term) for term in terms[involved]]


def studies_so_far(design: xr.Dataset) -> dict[str, int]:
    """Return the number of studies that inform every term today."""
    study = nesting_of(design).study_of_effect
    coded = zip(design["term"].values, design["X"].values.T != 0, strict=True)
    return {str(term): len(set(study[effects])) for term, effects in coded}


def _strata(design: xr.Dataset, spec: ModelSpec) -> np.ndarray:
    """Return the level of the factor `sides` or `tau_by` for every term; empty without a factor."""
    name = level_coordinate(spec.sides or spec.tau_by)
    return design[name].values if name in design.coords else np.array([], str)
