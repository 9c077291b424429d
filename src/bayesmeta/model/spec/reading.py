"""Reading a model from `models/<name>.toml`; a key that does not exist is an error."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root
from bayesmeta.model.spec.checking import check_choices, check_prior_keys, check_spec
from bayesmeta.model.spec.model import LEVELS, ModelSpec
from bayesmeta.model.spec.prior import Prior, refuse_unknown

KEYS = tuple(field.name for field in fields(ModelSpec) if field.name != "name")
TABLES = ("priors", "contrasts", "concordance", "correlation", "inner", "scale", "errors")
TEXTS = (
    *("title", "terms", "likelihood", "bias", "tau_by", "sides", "outcome"),
    *("weight_function", "published_unit", "missing"),
)
FORMS = {  # of an entry, as messages ask for it
    "levels": f"be a list from {list(LEVELS)}, or of columns",
    "crossed": 'be a list of columns, ["species"]',
    "shared_controls": "be true or false",
    "two_sided": "be true or false",
    "cutpoints": "be ascending p-values like [0.025, 0.5]",
    "categories": 'read ["worse", "same", "better"]',
    "directions": 'read {neutral = "lower"}, or "higher"',
    "columns": 'read {study = "district", yi = "es"}',
    **{key: f"be a table, [{key}]" for key in TABLES},
}


def read_spec(path: str | Path) -> ModelSpec:
    """Read a model file: a TOML file, or the name of one in `models/` (`three-level`).

    Raise BadInput if the file is missing or not TOML, a key unknown or missing, a value out of
    range.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import bayesmeta
    >>> spec = bayesmeta.read_spec("three-level")
    >>> spec.levels
    ('study', 'group')
    >>> replace(spec, rho=0.6).rho
    0.6
    """
    path = _find(Path(path))
    try:
        return _with_paths(parse_spec(path.read_text(encoding="utf-8"), path.stem), path.parent)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise BadInput(f"model file {path} cannot be read as TOML: {error}") from error


def _with_paths(spec: ModelSpec, folder: Path) -> ModelSpec:
    """Return a model whose files are found: from where the command runs, or beside the model."""

    def placed(entry: Mapping[str, Any]) -> dict[str, Any]:
        file = entry.get("file")
        if not isinstance(file, str) or Path(file).exists() or not (folder / file).exists():
            return dict(entry)
        return {**entry, "file": str(folder / file)}

    correlation = {name: placed(entry) for name, entry in spec.correlation.items()}
    return replace(spec, correlation=correlation, errors=placed(spec.errors))


def parse_spec(text: str, name: str) -> ModelSpec:
    """Read a model from TOML text; see `read_spec`."""
    where = f"model {name}"
    entries = tomllib.loads(text)
    refuse_unknown(entries, KEYS, where)
    if missing := [key for key in ("terms", "levels", "priors") if key not in entries]:
        raise BadInput(f"{where} lacks the keys {missing}; it has: {', '.join(entries)}")
    for key in [key for key in FORMS if key in entries]:
        if not _is_fine(key, entries[key]):
            got = f"{key} of {where} are {entries[key]!r}"
            raise BadInput(f"{got}; they should {FORMS[key]}")
    if isinstance(entries.get("scale"), str):
        entries["scale"] = {_only_effect(entries, where): entries["scale"]}
    if "rho" in entries["priors"] and "rho" in entries:
        raise BadInput(f"{where} both fixes rho and gives it a prior; leave one out")
    entries |= {key: str(entries[key]) for key in TEXTS if key in entries}
    kinds = (entries.get("likelihood", "normal"), entries.get("bias", ""))
    check_choices(*kinds, where)
    check_prior_keys(entries["priors"], *kinds, entries.get("published_unit", "study"), where)
    entries["priors"] = {key: Prior.parse(key, entry) for key, entry in entries["priors"].items()}
    for key in ("contrasts", "concordance", "scale"):
        _check_texts(entries.get(key, {}), f"{key} of {where}")
    return check_spec(ModelSpec(**{"name": name, "title": name, **entries}))


def _only_effect(entries: Mapping[str, Any], where: str) -> str:
    """Return the random effect that `scale = "~ dose"` is about; BadInput if there are several."""
    names = [*entries.get("levels", []), *entries.get("crossed", [])]
    if len(names) == 1:
        return str(names[0])
    wanted = 'scale = {study = "~ 1 + dose"}'
    raise BadInput(f"{where} has the random effects {names}; name one of them: {wanted}")


def _is_fine(key: str, value: Any) -> bool:
    if key in ("shared_controls", "two_sided"):
        return isinstance(value, bool)
    in_table = key in (*TABLES, "directions", "columns")
    kind: type[Any] = dict if in_table else list
    if not isinstance(value, kind):
        return key == "scale" and isinstance(value, str)
    if key == "directions":
        return all(direction in ("lower", "higher") for direction in value.values())
    if in_table:
        return key in TABLES or all(isinstance(source, str) for source in value.values())
    if key == "cutpoints":
        in_range = all(isinstance(p, float) and 0 < p < 1 for p in value)
        return bool(value) and in_range and value == sorted(set(value))
    return all(isinstance(category, str) for category in value)


def _check_texts(entries: Mapping[str, Any], where: str, *, inner: bool = False) -> None:
    """Raise BadInput unless names have texts, or datasets tables of these."""
    for key, entry in entries.items():
        if isinstance(entry, dict) and not inner:
            _check_texts(entry, where, inner=True)
        elif not isinstance(entry, str):
            wanted = "text like 'fear:memory - neutral:memory'"
            raise BadInput(f"{where}: '{key}' is {entry!r}; it should be {wanted}")


def model_names() -> list[str]:
    """Return the names of the model files in `models/`."""
    return sorted(file.stem for file in (root() / "models").glob("*.toml"))


def _find(path: Path) -> Path:
    for candidate in (path, root() / path, root() / "models" / f"{path}.toml"):
        if candidate.is_file():
            return candidate
    models = (
        f"the project's models are: {', '.join(model_names())}; or give the path of a TOML file"
    )
    raise BadInput(f"no model file '{path}'; {models}")


def with_bias(spec: ModelSpec, bias: str, *, exact: bool = False) -> ModelSpec | None:
    """Return a copy with `pet`, `peese` or `selection` under its model file's priors, or None.

    exact : whether the results are Hedges' g of known sizes, whose p-values a selection then
    takes from the exact likelihood.

    A selection needs normal study effects, independent errors, and no estimated parameters besides
    terms and taus; no model has two biases.
    """
    excluded = spec.auxiliary_parameters or spec.rho or spec.shared_controls
    if spec.bias or (bias == "selection" and excluded):
        return None
    key = "weights" if bias == "selection" else "slope"
    likelihood = "t" if exact and bias == "selection" else spec.likelihood
    priors = {**spec.priors, key: read_spec(bias).priors[key]}
    return replace(spec, bias=bias, likelihood=likelihood, priors=priors)
