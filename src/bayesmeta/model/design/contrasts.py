"""Estimands: linear combinations of terms, written as text in the model file.

"memory: fear - neutral" = "fear:memory - neutral:memory"
"half"                   = "0.5 * fear:memory + 0.5 * neutral:memory"
"{cell}: human - animal" = "human:{cell} - animal:{cell}"   for every cell with all terms
"rat - mouse"            = "rat:{cell} - mouse:{cell}"      the mean over these cells
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.combinations import Known, parse_combination, readings, written
from bayesmeta.model.design.small_study import SMALL_STUDY_POWERS
from bayesmeta.model.spec import ModelSpec, spec_to_json

_PLACEHOLDER = re.compile(r"\{([^\W\d]\w*)\}")


def contrast_weights(definitions: Mapping[str, str], terms: Sequence[str]) -> xr.DataArray:
    """Return the weights (contrast, term) of named linear combinations of terms.

    `definitions` holds name to text, as in the module's examples, with spaces around + and -
    (`combinations`); a name with {placeholders} becomes a contrast for every filling. Raise
    BadInput if a text cannot be read or a term does not exist.
    """
    rows: dict[str, np.ndarray] = {}
    for name, text in definitions.items():
        for full_name, fillings in _fillings(name, text, terms).items():
            by_filling = [_row(full_name, text, filling, terms) for filling in fillings]
            rows[full_name] = np.mean(by_filling, axis=0)
    weights = np.array(list(rows.values())).reshape(len(rows), len(terms))
    labels = {"contrast": list(rows), "term": list(terms)}
    return xr.DataArray(weights, labels, ("contrast", "term"))


def _row(name: str, text: str, filling: Mapping[str, str], terms: Sequence[str]) -> np.ndarray:
    row = np.zeros(len(terms))
    for pattern, weight in parse_combination(name, text, known_among(terms)).items():
        term = _filled(pattern, filling)
        if term not in terms:
            raise BadInput(_unknown_term(name, term, terms))
        row[list(terms).index(term)] += weight
    return row


def _unknown_term(name: str, term: str, terms: Sequence[str]) -> str:
    """Return a message that tells a cell without effects from a typing error."""
    known = {(place, level) for other in terms for place, level in enumerate(other.split(":"))}
    if set(enumerate(term.split(":"))) <= known:
        return (
            f"contrast '{name}' needs '{term}', for which the data have no effects; leave it out, "
            "or estimate it by partial pooling from other cells (models/translational-pooled.toml)"
        )
    return f"contrast '{name}' names unknown term '{term}'; the model has: {', '.join(terms)}"


def _fillings(name: str, text: str, terms: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    """Return by full name the fillings, to average, of a text's placeholders by existing terms."""
    patterns = list(parse_combination(name, text, known_among(terms)))
    if not any(_PLACEHOLDER.search(pattern) for pattern in {*patterns} - {*terms}):
        return {name: [{}]}
    richest = max(patterns, key=lambda pattern: len(_PLACEHOLDER.findall(pattern)))
    regex = re.compile(_PLACEHOLDER.sub(r"(?P<\1>.+)", _escaped(richest)))
    fillings: dict[str, list[dict[str, str]]] = {}
    for match in filter(None, map(regex.fullmatch, terms)):
        filling = match.groupdict()
        complete = all(_filled(pattern, filling) in terms for pattern in patterns)
        if complete and SMALL_STUDY_POWERS.keys().isdisjoint(filling.values()):
            fillings.setdefault(_filled(name, filling), []).append(filling)
    if not fillings:
        why = f"no cell has all the terms of '{text}'; the model has: {', '.join(terms)}"
        raise BadInput(f"contrast '{name}': {why}")
    return fillings


def known_among(terms: Sequence[str]) -> Known:
    """Return whether a name is a term, or has placeholders that a term may fill."""
    known = set(terms)

    def is_known(name: str) -> bool:
        if name in known or not _PLACEHOLDER.search(name):
            return name in known
        regex = re.compile(_PLACEHOLDER.sub(".+", _escaped(name)))
        return any(map(regex.fullmatch, terms))

    return is_known


def _escaped(pattern: str) -> str:
    return re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}")


def _filled(text: str, filling: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: filling.get(match[1], match[0]), text)


def possible_weights(definitions: Mapping[str, str], terms: Sequence[str]) -> xr.DataArray:
    """Return `contrast_weights` of the contrasts whose terms exist, without the others."""
    weights = [contrast_weights({}, terms)]
    for name, text in definitions.items():
        with suppress(BadInput):
            weights.append(contrast_weights({name: text}, terms))
    return xr.concat(weights, dim="contrast")


def named_weights(design: xr.Dataset, spec: ModelSpec) -> xr.DataArray:
    """Return the weights of every term, then of the contrasts that the model has for the dataset.

    A contrast is left out if a selection of rows has left one of its cells without effects.
    """
    terms = [str(term) for term in design["term"].values]
    single = xr.DataArray(np.eye(len(terms)), {"contrast": terms, "term": terms})
    named = possible_weights(spec.contrasts_of(design.attrs.get("dataset", "")), terms)
    return xr.concat([single, named], dim="contrast")


def settled(spec: ModelSpec, dataset: str, terms: Sequence[str]) -> tuple[ModelSpec, list[str]]:
    """Return the model with the longest names quoted in contrasts that have several readings.

    A selection of rows may take away a name, and must not change what a contrast means. The notes
    show the reading that is taken and the next one. Raise BadInput if no reading is longest.
    """
    chosen: dict[str, str] = {}
    notes = []
    for name, text in spec.contrasts_of(dataset).items():
        possible = readings(text, known_among(terms))
        if len(possible) > 1:
            parse_combination(name, text, known_among(terms))
            chosen[name] = written(possible[0])
            other = f"if another reading is meant, write {written(possible[1])}"
            notes.append(f"contrast '{name}' is read as {chosen[name]}; {other}")
    return replace(spec, contrasts=_with_texts(spec.contrasts, chosen)), notes


def _with_texts(entries: Mapping[str, Any], chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return contrasts, those of datasets too, with other texts for some names."""
    return {
        name: chosen.get(name, entry) if isinstance(entry, str) else _with_texts(entry, chosen)
        for name, entry in entries.items()
    }


def with_model(design: xr.Dataset, spec: ModelSpec) -> xr.Dataset:
    """Return `constant_data`: the design, contrast_weights (contrast, term) and model (JSON)."""
    weights = named_weights(design, spec)
    return design.assign(contrast_weights=weights).assign_attrs(model=spec_to_json(spec))
