"""Reading a model from `models/<name>.toml`; a key that does not exist is an error."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root
from bayesmeta.model.spec.checking import check_choices, check_prior_keys, check_spec
from bayesmeta.model.spec.model import CUTPOINTS, LEVELS, ModelSpec
from bayesmeta.model.spec.prior import Prior, refuse_unknown

KEYS = (
    "title",
    "terms",
    "levels",
    "likelihood",
    "rho",
    "shared_controls",
    "rope",
    "bias",
    "directions",
    "cutpoints",
    "tau_by",
    "sides",
    "outcome",
    "categories",
    "priors",
    "contrasts",
    "concordance",
    "columns",
)


def read_spec(path: str | Path) -> ModelSpec:
    """Read a model file.

    Parameters
    ----------
    path : str or Path
        A TOML file, or the name of one in `models/` (`three-level`).

    Raises
    ------
    BadInput
        The file is missing or not TOML; a key is unknown or missing; a value is out of range.

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
        text = path.read_text(encoding="utf-8")
        return parse_spec(text, path.stem)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise BadInput(f"model file {path} cannot be read as TOML: {error}") from error


def parse_spec(text: str, name: str) -> ModelSpec:
    """Read a model from TOML text; see `read_spec`."""
    entries = tomllib.loads(text)
    refuse_unknown(entries, KEYS, f"model {name}")
    if missing := [key for key in ("terms", "levels", "priors") if key not in entries]:
        raise BadInput(f"model {name} lacks the keys {missing}; it has: {', '.join(entries)}")
    for key in ("priors", "contrasts", "concordance"):
        if not isinstance(entries.get(key, {}), dict):
            raise BadInput(
                f"{key} of model {name} is {entries[key]!r}; it should be a table, [{key}]"
            )
    if "rho" in entries["priors"] and "rho" in entries:
        raise BadInput(f"model {name} both fixes rho and gives it a prior; leave one out")
    likelihood, bias = (
        str(entries.get(key, default)) for key, default in (("likelihood", "normal"), ("bias", ""))
    )
    check_choices(likelihood, bias, f"model {name}")
    check_prior_keys(entries["priors"], likelihood, bias, f"model {name}")
    spec = ModelSpec(
        name=name,
        title=str(entries.get("title", name)),
        terms=str(entries["terms"]),
        levels=_levels(entries["levels"], name),
        likelihood=likelihood,
        rho=entries.get("rho", 0.0),
        shared_controls=_truth(
            entries.get("shared_controls", False), f"shared_controls of model {name}"
        ),
        rope=entries.get("rope", 0.2),
        bias=bias,
        directions=_directions(entries.get("directions", {}), name),
        cutpoints=_cutpoints(entries.get("cutpoints", list(CUTPOINTS)), name),
        tau_by=str(entries.get("tau_by", "")),
        sides=str(entries.get("sides", "")),
        priors={key: Prior.parse(key, entry) for key, entry in entries["priors"].items()},
        contrasts=_texts(entries.get("contrasts", {}), f"contrasts of model {name}"),
        concordance=_texts(entries.get("concordance", {}), f"concordance of model {name}"),
        outcome=str(entries.get("outcome", "")),
        categories=_categories(entries.get("categories", []), name),
        columns=_columns(entries.get("columns", {}), name),
    )
    return check_spec(spec)


def _texts(entries: Mapping[str, Any], where: str, *, inner: bool = False) -> Mapping[str, Any]:
    """Names to text, or under a dataset's name a table of these."""
    for key, entry in entries.items():
        if isinstance(entry, dict) and not inner:
            _texts(entry, where, inner=True)
        elif not isinstance(entry, str):
            raise BadInput(
                f"{where}: '{key}' is {entry!r}; it should be text like 'fear:memory - neutral:memory'"
            )
    return entries


def _find(path: Path) -> Path:
    candidates = [path, root() / path, root() / "models" / f"{path}.toml"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    names = ", ".join(sorted(file.stem for file in (root() / "models").glob("*.toml")))
    raise BadInput(
        f"no model file '{path}'; the project's models are: {names}; or give the path of a TOML file"
    )


def _levels(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or any(level not in LEVELS for level in value):
        raise BadInput(
            f"levels of model {name} are {value!r}; they should be a list from {list(LEVELS)}"
        )
    return tuple(level for level in LEVELS if level in value)


def _directions(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict) or any(
        direction not in ("lower", "higher") for direction in value.values()
    ):
        raise BadInput(
            f'directions of model {name} are {value!r}; they should read {{neutral = "lower"}}, or "higher"'
        )
    return value


def _columns(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict) or any(not isinstance(source, str) for source in value.values()):
        raise BadInput(
            f'columns of model {name} are {value!r}; they should read {{study = "district", yi = "es"}}'
        )
    return value


def _cutpoints(value: Any, name: str) -> tuple[float, ...]:
    fine = (
        isinstance(value, list) and value and all(isinstance(p, float) and 0 < p < 1 for p in value)
    )
    if not fine or value != sorted(set(value)):
        raise BadInput(
            f"cutpoints of model {name} are {value!r}; they should be ascending p-values like [0.025, 0.5]"
        )
    return tuple(value)


def _categories(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(category, str) for category in value):
        raise BadInput(
            f'categories of model {name} are {value!r}; they should read ["worse", "same", "better"]'
        )
    return tuple(value)


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{where} is {value!r}; it should be true or false")
    return value
