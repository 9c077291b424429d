"""Reading a model from `models/<name>.toml`; a key that does not exist is an error."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayesmeta.errors import BadInput
from bayesmeta.files import root
from bayesmeta.spec.model import CUTPOINTS, LEVELS, ModelSpec
from bayesmeta.spec.ordered import ORDERED, check_ordered
from bayesmeta.spec.prior import FAMILIES_OF, Prior, refuse_unknown

LIKELIHOODS = ("normal", "student", ORDERED)
BIASES = ("", "pet", "peese", "selection")
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
            raise BadInput(f"{key} of model {name} is {entries[key]!r}; it should be a table, [{key}]")
    likelihood = _choice(entries.get("likelihood", "normal"), LIKELIHOODS, f"likelihood of model {name}")
    bias = _choice(entries.get("bias", ""), BIASES, f"bias of model {name}")
    _check_parts(entries, likelihood, bias, name)
    ordered = check_ordered(entries, name)
    return ModelSpec(
        name=name,
        title=str(entries.get("title", name)),
        terms=str(entries["terms"]),
        levels=_levels(entries["levels"], name),
        likelihood=likelihood,
        rho=_number(entries.get("rho", 0.0), 0, 1, f"rho of model {name}"),
        shared_controls=_truth(entries.get("shared_controls", False), f"shared_controls of model {name}"),
        rope=_number(entries.get("rope", 0.2), 0, float("inf"), f"rope of model {name}"),
        bias=bias,
        directions=_directions(entries.get("directions", {}), name),
        cutpoints=_cutpoints(entries.get("cutpoints", list(CUTPOINTS)), name),
        tau_by=str(entries.get("tau_by", "")),
        sides=str(entries.get("sides", "")),
        priors={key: Prior.parse(key, entry) for key, entry in entries["priors"].items()},
        contrasts=_texts(entries.get("contrasts", {}), f"contrasts of model {name}"),
        concordance=_texts(entries.get("concordance", {}), f"concordance of model {name}"),
        columns=_columns(entries.get("columns", {}), name),
        text=text,
        **ordered,
    )


def _texts(entries: Mapping[str, Any], where: str, *, inner: bool = False) -> Mapping[str, Any]:
    """Names to text, or under a dataset's name a table of these."""
    for key, entry in entries.items():
        if isinstance(entry, dict) and not inner:
            _texts(entry, where, inner=True)
        elif not isinstance(entry, str):
            raise BadInput(f"{where}: '{key}' is {entry!r}; it should be text like 'fear:memory - neutral:memory'")
    return entries


def _check_parts(entries: Mapping[str, Any], likelihood: str, bias: str, name: str) -> None:
    """Either `terms`, or parts named by columns, which the design checks; `tau`; and what the model has besides."""
    priors, levels = entries["priors"], entries["levels"]
    needed = ["tau"] + ["nu"] * (likelihood == "student") + ["weights"] * (bias == "selection")
    needed += ["slope"] * (bias in ("pet", "peese")) + ["gap"] * (likelihood == ORDERED)
    own = {"slope", *FAMILIES_OF}
    whole = "terms" in priors or not set(priors) - own
    others = ["terms"] if whole else [key for key in priors if key not in own]
    optional = "aggregate" if likelihood == ORDERED else "rho"
    refuse_unknown(priors, (*others, *needed, optional), f"priors of model {name}")
    if missing := [key for key in (*others, *needed) if key not in priors]:
        raise BadInput(f"model {name} gives no prior for {missing}; add [priors.{missing[0]}]")
    if likelihood == "student" and "study" not in levels:
        raise BadInput(f"model {name}: a Student likelihood is one of study effects; add 'study' to its levels")
    if "rho" in priors and "rho" in entries:
        raise BadInput(f"model {name} both fixes rho and gives it a prior; leave one out")
    if bias == "selection" and (likelihood == "student" or "rho" in priors or entries.get("rho")):
        raise BadInput(
            f"model {name}: a selection model wants normal study effects and errors that are independent within a "
            'group (likelihood = "normal", rho = 0)'
        )
    if entries.get("shared_controls") and (likelihood == "student" or bias == "selection"):
        raise BadInput(
            f"model {name}: errors that covary over shared controls want normal study effects and no selection model; "
            'leave out shared_controls, or likelihood = "student" and bias = "selection"'
        )


def _find(path: Path) -> Path:
    candidates = [path, root() / path, root() / "models" / f"{path}.toml"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    names = ", ".join(sorted(file.stem for file in (root() / "models").glob("*.toml")))
    raise BadInput(f"no model file '{path}'; the project's models are: {names}; or give the path of a TOML file")


def _levels(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or any(level not in LEVELS for level in value):
        raise BadInput(f"levels of model {name} are {value!r}; they should be a list from {list(LEVELS)}")
    return tuple(level for level in LEVELS if level in value)


def _directions(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict) or any(direction not in ("lower", "higher") for direction in value.values()):
        raise BadInput(f'directions of model {name} are {value!r}; they should read {{neutral = "lower"}}, or "higher"')
    return value


def _columns(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict) or any(not isinstance(source, str) for source in value.values()):
        raise BadInput(f'columns of model {name} are {value!r}; they should read {{study = "district", yi = "es"}}')
    return value


def _cutpoints(value: Any, name: str) -> tuple[float, ...]:
    fine = isinstance(value, list) and value and all(isinstance(p, float) and 0 < p < 1 for p in value)
    if not fine or value != sorted(set(value)):
        raise BadInput(f"cutpoints of model {name} are {value!r}; they should be ascending p-values like [0.025, 0.5]")
    return tuple(value)


def _choice(value: Any, known: tuple[str, ...], where: str) -> str:
    if value not in known:
        raise BadInput(f"{where} is {value!r}; it should be one of {', '.join(known)}")
    return str(value)


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{where} is {value!r}; it should be true or false")
    return value


def _number(value: Any, low: float, high: float, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value < high:
        raise BadInput(f"{where} is {value!r}; it should be a number from {low} to below {high}")
    return float(value)
