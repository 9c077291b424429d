"""What is asked: of which contrasts, by whose new studies, and what these measure of them."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.contrasts import contrast_weights, possible_weights
from bayesmeta.model.spec import ModelSpec

USUAL = "human"


def chosen_contrasts(design: xr.Dataset, spec: ModelSpec, asked: Sequence[str] = ()) -> xr.DataArray:
    """Weights (contrast, term) of the contrasts asked for, by name or as text; without, the model's own.

    Raises
    ------
    BadInput
        Neither a name nor a combination of terms; or nothing was asked and the model names none.
    """
    terms, dataset = [str(term) for term in design["term"].values], design.attrs["dataset"]
    named = possible_weights(spec.contrasts_of(dataset), terms)
    names = [str(name) for name in named["contrast"].values]
    if not asked and not names:
        raise BadInput(f"model {spec.name} names no contrasts of {dataset}; name one, as --contrast '{terms[0]}'")
    chosen = []
    for text in dict.fromkeys(asked or names):
        try:
            chosen.append(named.sel(contrast=[text]) if text in names else contrast_weights({text: text}, terms))
        except BadInput as error:
            known = f"; contrasts with a name: {', '.join(names)}" if names else ""
            raise BadInput(f"{error}{known}") from error
    return xr.concat(chosen, dim="contrast")


def chosen_terms(
    design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, stratum: str | None, *, skip: bool
) -> dict[str, list[str]]:
    """Terms that new studies measure, by contrast; with `skip`, contrasts without any are left out.

    Raises
    ------
    BadInput
        They measure nothing of a contrast (of any, with `skip`).
    """
    found = {str(row["contrast"].item()): measured_terms(design, spec, row, stratum) for row in weights}
    empty = [name for name, terms in found.items() if not terms]
    if empty and not (skip and len(empty) < len(found)):
        raise BadInput(f"new {stratum} studies measure nothing of the contrasts {empty}; choose another --stratum")
    return {name: terms for name, terms in found.items() if terms}


def choose_stratum(design: xr.Dataset, spec: ModelSpec, stratum: str | None) -> str | None:
    """Whose studies are new: as asked, else human where there is one; None where the model names no sides.

    Raises
    ------
    BadInput
        There is no such stratum, or several and none was named.
    """
    known = sorted(set(_strata(design, spec).tolist()))
    if stratum is None and (USUAL in known or not known):
        return USUAL if known else None
    if stratum not in known:
        asked = "new studies are of one stratum" if stratum is None else f"there is no stratum '{stratum}'"
        means = f"name one with --stratum: {', '.join(known)}" if known else "this model has none; leave --stratum out"
        raise BadInput(f"{asked}; {means}")
    return stratum


def measured_terms(design: xr.Dataset, spec: ModelSpec, weights: xr.DataArray, stratum: str | None) -> list[str]:
    """Terms of a contrast, weights over `term`, that new studies of a stratum measure: empty if it has none of them.

    Raises
    ------
    BadInput
        A term is no mean that a study could measure by itself, such as a slope.
    """
    involved = weights.values != 0
    if stratum is not None:
        involved &= _strata(design, spec) == stratum
    terms = [str(term) for term in weights["term"].values[involved]]
    x = design["X"].sel(term=weights["term"].values).values
    alone = (x == np.eye(x.shape[1])[:, None]).all(2).any(1) | ~x.any(0)
    if odd := [str(term) for term in weights["term"].values[involved & ~alone]]:
        raise BadInput(
            f"no study measures the terms {odd} by themselves, so there is no planning one; code the terms as means of "
            "cells, such as --moderators valence:phase"
        )
    return terms


def studies_so_far(design: xr.Dataset) -> dict[str, int]:
    """How many studies inform each term today."""
    study = design["group_study"].values[design["effect_group"].values]
    coded = design["X"].values != 0
    return {str(term): len(set(study[column])) for term, column in zip(design["term"].values, coded.T, strict=True)}


def _strata(design: xr.Dataset, spec: ModelSpec) -> np.ndarray:
    """Each term's level of the factor that names the sides (or by which taus differ); empty where there is none."""
    name = f"term_{spec.sides or spec.tau_by}"
    levels: np.ndarray = design[name].values if name in design.coords else np.array([], str)
    return levels
