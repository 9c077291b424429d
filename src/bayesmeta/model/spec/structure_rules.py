"""The rules of a dependence structure: random effects, and errors with a known covariance."""

from collections.abc import Mapping
from typing import Any

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec.model import ModelSpec
from bayesmeta.model.spec.prior import refuse_unknown

UNFIT = ("rho", "shared_controls", "tau_by", "concordance")  # keys
STRUCTURES = ("CS", "HCS", "UN", "AR", "HAR", "CAR", "DIAG", "ID")
NAMES = ("file", "cluster", "type", "obs", "time", "group1", "group2", "w1", "w2")  # of errors
NUMBERS = ("rho", "phi")


def check_structure(spec: ModelSpec, where: str) -> None:
    """Raise BadInput unless a dependence structure can be fitted."""
    if not spec.is_structured:
        return
    if repeated := {name for name in spec.levels if spec.levels.count(name) > 1}:
        raise BadInput(f"levels of {where} name {sorted(repeated)} twice; a level is named once")
    if both := [name for name in spec.crossed if name in spec.levels]:
        raise BadInput(f"{where} has {both} among levels and crossed; it is one of them")
    if unfit := [key for key in UNFIT if getattr(spec, key)]:
        needs = (
            "a dependence structure (crossed, correlation, inner, scale, errors, levels by column)"
        )
        raise BadInput(f"{where}: {needs} cannot be combined with {', '.join(unfit)}; leave it out")
    estimated = [*spec.auxiliary_parameters, *spec.pooling_sds]
    if spec.likelihood != "normal" or estimated or spec.bias == "selection":
        needs = "a dependence structure needs a normal likelihood with fixed priors of the terms"
        raise BadInput(f"{where}: {needs}, and no selection of publications")
    for outer, entry in spec.inner.items():
        _check_inner(outer, entry, where)
    for name, entry in spec.correlation.items():
        if not (
            isinstance(entry, Mapping) and set(entry) == {"file"} and isinstance(entry["file"], str)
        ):
            wanted = f'[correlation.{name}] file = "R.csv", a matrix with names, or a Newick tree'
            raise BadInput(f"{where}: correlation.{name} is {entry!r}; it should read {wanted}")
    _check_errors(spec.errors, f"errors of {where}")


def _check_inner(outer: str, entry: Any, where: str) -> None:
    """Raise BadInput unless effects that differ within units have a factor or slopes."""
    name = f"inner.{outer} of {where}"
    if not isinstance(entry, Mapping):
        wanted = f'[inner.{outer}] factor = "outcome", struct = "UN"'
        raise BadInput(f"{name} is {entry!r}; it should read {wanted}")
    refuse_unknown(entry, ("factor", "slopes", "struct", "name"), name)
    if ("factor" in entry) == ("slopes" in entry):
        raise BadInput(f'{name} needs one of factor = "outcome" and slopes = ["dose"]')
    if entry.get("struct") not in STRUCTURES:
        known = ", ".join(STRUCTURES)
        raise BadInput(f"struct of {name} is {entry.get('struct')!r}; it should be one of {known}")


def _check_errors(errors: Mapping[str, Any], where: str) -> None:
    """Raise BadInput unless names are texts, and correlations numbers."""
    refuse_unknown(errors, (*NAMES, *NUMBERS), where)
    for key, value in errors.items():
        if key in NAMES:
            wanted = 'a name, like "study"'
            is_fine = isinstance(value, str)
        else:
            wanted = "a number" if key == "phi" else "a number, or a list of two"
            several = isinstance(value, list) and key == "rho"
            is_fine = all(map(_is_number, value if several else [value]))
        if not is_fine:
            raise BadInput(f"{key} of {where} is {value!r}; it should be {wanted}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
