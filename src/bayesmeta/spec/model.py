"""Choices of one analysis, read from `models/<name>.toml`; a key that does not exist is an error."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bayesmeta.errors import BadInput
from bayesmeta.files import root
from bayesmeta.spec.prior import SCALES, Prior, refuse_unknown

LEVELS = ("study", "group", "effect")
LIKELIHOODS = ("normal", "student")


@dataclass(frozen=True)
class ModelSpec:
    """The choices of one analysis.

    Attributes
    ----------
    name, title : str
        File name without `.toml`; one line for readers.
    terms : str
        Right-hand side of a formulaic formula for the mean of the effects; `0 + valence:phase` is cell means.
    levels : tuple of str
        Random-effect levels, a subset of study, group, effect, highest first.
    rho : float
        Correlation of sampling errors within a group, in [0, 1).
    likelihood : str
        `normal`, or `student`: study effects with heavy tails, whose degrees of freedom nu are estimated; tau_study is
        then the scale of a t distribution.
    tau_by : str
        A column by whose levels (strata) every tau differs; "" for one tau per level. Constant within a study.
    priors : mapping
        `tau`: every level's standard deviation. `terms`: every coefficient by itself; or parts that add up, each named
        by columns: the coefficients that agree in `valence:phase` share that part. A part may have an estimated spread.
    sides : str
        A factor of the terms whose levels are set against each other (persons, animals); "" for none.
    contrasts : mapping
        Name to linear combination of terms, as text; entries under a dataset's name hold for that dataset.
    concordance : mapping
        Name to a statement about terms, `human:fear:memory > 0 and animal:fear:memory > 0`; by dataset likewise.
    rope : float
        Half-width of the region of practical equivalence, on the scale of yi.
    text : str
        The TOML it was read from, so that a result file carries its model.
    """

    name: str
    title: str
    terms: str
    levels: tuple[str, ...]
    priors: Mapping[str, Prior]
    likelihood: str = "normal"
    rho: float = 0.0
    rope: float = 0.2
    tau_by: str = ""
    sides: str = ""
    contrasts: Mapping[str, Any] = field(default_factory=dict)
    concordance: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    @property
    def sha256(self) -> str:
        """Hash of the text the choices were read from."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def parts(self) -> dict[str, Prior]:
        """The parts that the prior of the terms adds up."""
        return {key: prior for key, prior in self.priors.items() if key not in SCALES}

    @property
    def spreads(self) -> dict[str, Prior]:
        """Priors of the spreads that are estimated, by part: then the terms are partially pooled."""
        return {key: prior.spread for key, prior in self.parts.items() if prior.spread is not None}

    def contrasts_of(self, dataset: str) -> dict[str, str]:
        """Contrasts that hold for a dataset: those without a dataset's name, then those under its name."""
        return _of_dataset(self.contrasts, dataset)

    def concordance_of(self, dataset: str) -> dict[str, str]:
        """Statements that hold for a dataset, chosen like the contrasts."""
        return _of_dataset(self.concordance, dataset)

    def with_terms(self, formula: str) -> "ModelSpec":
        """Copy with other terms and no contrasts (they named the old terms)."""
        text = f"{self.text}\n# on the command line: terms = {formula!r}, contrasts left out\n"
        return replace(self, terms=formula, contrasts={}, concordance={}, text=text)

    def with_spread(self, part: str, value: float) -> "ModelSpec":
        """Copy with a part's spread fixed."""
        centre, scale = self.priors[part].parameters
        return replace(self, priors={**self.priors, part: Prior("Normal", (centre, scale * value))})

    def with_flat_priors(self) -> "ModelSpec":
        """Copy with improper flat priors on every term and tau, for quadrature alone: what the data say alone."""
        flat = {"terms": Prior("Normal", (0.0, float("inf"))), "tau": Prior("Flat", ())}
        return replace(self, priors=flat)


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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInput(f"model file {path} cannot be read as TOML: {error}") from error


def parse_spec(text: str, name: str) -> ModelSpec:
    """Read a model from TOML text; see `read_spec`."""
    entries = tomllib.loads(text)
    known = (
        "title",
        "terms",
        "levels",
        "likelihood",
        "rho",
        "rope",
        "tau_by",
        "sides",
        "priors",
        "contrasts",
        "concordance",
    )
    refuse_unknown(entries, known, f"model {name}")
    if missing := [key for key in ("terms", "levels", "priors") if key not in entries]:
        raise BadInput(f"model {name} lacks the keys {missing}; it has: {', '.join(entries)}")
    priors = entries["priors"]
    likelihood = _choice(entries.get("likelihood", "normal"), LIKELIHOODS, f"likelihood of model {name}")
    _check_parts(priors, likelihood, name)
    if likelihood == "student" and "study" not in entries["levels"]:
        raise BadInput(f"model {name}: a Student likelihood is one of study effects; add 'study' to its levels")
    return ModelSpec(
        name=name,
        title=str(entries.get("title", name)),
        terms=str(entries["terms"]),
        levels=_levels(entries["levels"], name),
        likelihood=likelihood,
        rho=_number(entries.get("rho", 0.0), 0, 1, f"rho of model {name}"),
        rope=_number(entries.get("rope", 0.2), 0, float("inf"), f"rope of model {name}"),
        tau_by=str(entries.get("tau_by", "")),
        sides=str(entries.get("sides", "")),
        priors={key: Prior.parse(key, entry) for key, entry in priors.items()},
        contrasts=entries.get("contrasts", {}),
        concordance=entries.get("concordance", {}),
        text=text,
    )


def _check_parts(priors: Mapping[str, Any], likelihood: str, name: str) -> None:
    """Either `terms`, or parts named by columns, which the design checks; `tau`; `nu` of a Student model."""
    whole = "terms" in priors or not set(priors) - set(SCALES)
    scales = SCALES if likelihood == "student" else SCALES[:1]
    if whole:
        refuse_unknown(priors, ("terms", *scales), f"priors of model {name}")
    if missing := [key for key in (("terms", *scales) if whole else scales) if key not in priors]:
        raise BadInput(f"model {name} gives no prior for {missing}; add [priors.{missing[0]}]")


def _of_dataset(entries: Mapping[str, Any], dataset: str) -> dict[str, str]:
    shared = {name: text for name, text in entries.items() if isinstance(text, str)}
    return shared | dict(entries.get(dataset.removesuffix("-twin"), {}))


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


def _choice(value: Any, known: tuple[str, ...], where: str) -> str:
    if value not in known:
        raise BadInput(f"{where} is {value!r}; it should be one of {', '.join(known)}")
    return str(value)


def _number(value: Any, low: float, high: float, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value < high:
        raise BadInput(f"{where} is {value!r}; it should be a number from {low} to below {high}")
    return float(value)
