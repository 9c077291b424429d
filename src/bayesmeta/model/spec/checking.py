"""The rules that a model keeps, whether it was read from a file or built in Python."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec.families import FAMILIES, REAL, TAU_OF, families_of, support_of
from bayesmeta.model.spec.model import LEVELS, ModelSpec
from bayesmeta.model.spec.prior import Prior, check_limits, refuse_unknown
from bayesmeta.model.spec.selection_rules import check_selection
from bayesmeta.model.spec.structure_rules import check_structure

ORDERED = "ordered-logit"
CATEGORIES = 3
UNFIT = ("rho", "shared_controls", "bias", "tau_by", "concordance")  # of an ordered logit
LIKELIHOODS = ("normal", "t", "student", ORDERED)
MAX_FORMULA = 20_000  # characters
MAX_POWER = 20  # formulaic multiplies powers of terms out
MISSING = ("joint", "complete", "refuse")  # what is done with blank moderators
BIASES = ("", "pet", "peese", "selection")


def check_spec(spec: ModelSpec) -> ModelSpec:
    """Return the model if it can be fitted.

    Raise BadInput if a choice is unknown, out of range or excluded, a prior missing or superfluous.
    """
    where = f"model {spec.name}"
    if not (spec.levels or spec.crossed or spec.correlation or spec.inner):
        got = f"levels of {where} are {list(spec.levels)!r}"
        raise BadInput(f"{got}; they should be a list from {list(LEVELS)}, or of columns")
    for formula in (spec.terms, *spec.scale.values()):
        _check_formula(formula, where)
    check_choices(spec.likelihood, spec.bias, where)
    if spec.missing not in MISSING:
        got = f"missing of {where} is {spec.missing!r}"
        raise BadInput(f"{got}; it should be one of {', '.join(MISSING)}")
    _in_range(spec.rho, 0, 1, f"rho of {where}")
    _in_range(spec.rope, 0, float("inf"), f"rope of {where}")
    kinds = (spec.likelihood, spec.bias, spec.published_unit)
    check_prior_keys(spec.priors, *kinds, where)
    for key, prior in spec.priors.items():
        _check_prior(key, prior, where)
    _check_together(spec, where)
    check_structure(spec, where)
    _check_ordered(spec)
    _check_limited(spec, where)
    return spec


def check_choices(likelihood: str, bias: str, where: str) -> None:
    """Raise BadInput if a likelihood or a bias does not exist."""
    choices = {"likelihood": (likelihood, LIKELIHOODS), "bias": (bias, BIASES)}
    for key, (value, known) in choices.items():
        if value not in known:
            choice = ", ".join(known)
            raise BadInput(f"{key} of {where} is {value!r}; it should be one of {choice}")


def _check_formula(formula: Any, where: str) -> None:
    """Raise BadInput for a formula that takes minutes to read, or for ever."""
    if not isinstance(formula, str):
        raise BadInput(f"a formula of {where} is {formula!r}; it should be a text like '~ dose'")
    if len(formula) > MAX_FORMULA:
        got = f"a formula of {where} has {len(formula):,} characters"
        raise BadInput(f"{got}; it may have {MAX_FORMULA:,}")
    powers = re.findall(r"(?:\*\*|\^)\s*(\d+)", formula)
    if any(len(power) > 2 or int(power) > MAX_POWER for power in powers):
        got = f"'{formula[:200]}' of {where} has a power above {MAX_POWER}"
        raise BadInput(f"{got}; compute it as a column of the table")


def _in_range(value: float, low: float, high: float, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value < high:
        raise BadInput(f"{where} is {value!r}; it should be a number from {low} to below {high}")


def _check_prior(key: str, prior: Prior, where: str) -> None:
    if not isinstance(prior, Prior):
        raise BadInput(f"the prior of {key} in {where} is {prior!r}; it should be a Prior")
    families = families_of(key)
    if prior.family not in families or not FAMILIES[prior.family].fits(prior.parameters):
        raise BadInput(f"prior of {key} is {prior}; it should be one of {', '.join(families)}")
    check_limits(key, prior)


def check_prior_keys(
    keys: Iterable[str], likelihood: str, bias: str, published_unit: str, where: str
) -> None:
    """Raise BadInput unless the priors are of `terms` or its parts, `tau`, and other parameters."""
    keys = tuple(keys)
    of_levels = [key for key in keys if key.startswith(TAU_OF)]
    needed = ["tau"] * (not of_levels) + ["nu"] * (likelihood == "student")
    needed += ["weights"] * (bias == "selection")
    needed += ["attempts"] * (bias == "selection" and published_unit == "result")
    needed += ["slope"] * (bias in ("pet", "peese")) + ["gap"] * (likelihood == ORDERED)
    named = [key for key in keys if key == "slope" or support_of(key) != REAL]
    of_terms = [key for key in keys if key not in named] or ["terms"]
    optional = [*of_levels, "tau"] + (["aggregate"] if likelihood == ORDERED else ["rho"])
    optional += ["nu"] * (likelihood == "t" and bias != "selection")
    refuse_unknown(keys, (*of_terms, *needed, *optional), f"priors of {where}")
    if missing := [key for key in (*of_terms, *needed) if key not in keys]:
        near = difflib.get_close_matches(missing[0], keys, 1)
        hint = f" ([priors.{near[0]}]: did you mean '{missing[0]}'?)" if near else ""
        raise BadInput(f"{where} gives no prior for {missing}{hint}; add [priors.{missing[0]}]")


def _check_together(spec: ModelSpec, where: str) -> None:
    _check_taus(spec, where)
    student = spec.has_heavy_tails
    if student and "study" not in spec.levels:
        raise BadInput(f"{where}: heavy tails (nu) need study effects; add 'study' to levels")
    if spec.likelihood == "t" and spec.has_dependent_errors:
        needs = 'likelihood = "t" needs errors that are independent'
        raise BadInput(f'{where}: {needs}; leave out rho and shared_controls, or use "normal"')
    if "rho" in spec.priors and spec.rho:
        raise BadInput(f"{where} both fixes rho and gives it a prior; leave one out")
    check_selection(spec, where)
    if spec.shared_controls and (student or spec.bias == "selection"):
        needs = "shared controls need normal study effects and no selection model"
        others = 'likelihood = "student" and bias = "selection"'
        raise BadInput(f"{where}: {needs}; leave out shared_controls, or {others}")


def _check_taus(spec: ModelSpec, where: str) -> None:
    """Raise BadInput unless every level has a prior, and every prior of a tau a level."""
    levels = [key.removeprefix(TAU_OF) for key in spec.priors if key.startswith(TAU_OF)]
    prior = spec.priors.get("tau")
    missing = [level for level in spec.levels if level not in levels]
    if prior is None and (missing or spec.is_structured):
        raise BadInput(f"{where} gives no prior for the tau of {missing}; add [priors.tau]")
    unknown = [level for level in levels if level not in spec.levels]
    if unknown and not spec.is_structured:
        got = f"{where} has priors of the tau of {unknown}"
        raise BadInput(f"{got}; its levels are {', '.join(spec.levels)}")
    if prior is not None and prior.allocation:
        if spec.is_structured or levels:
            needs = "a prior of the total tau needs nested levels, and no other prior of a tau"
            raise BadInput(f"{where}: {needs}")
        if len(prior.allocation) != len(spec.levels):
            got = f"{where} splits a total tau in {len(prior.allocation)}"
            raise BadInput(f"{got}; it has {len(spec.levels)} levels: {', '.join(spec.levels)}")


def _check_limited(spec: ModelSpec, where: str) -> None:
    """Raise BadInput if a model cannot have a prior with limits that it has."""
    if not (limited := spec.limited):
        return
    got = f"{where} has lower or upper in the prior of {', '.join(limited)}"
    if spec.has_parts and limited != ["slope"]:
        raise BadInput(f"{got}; limits are of terms, not of parts that add up: use [priors.terms]")
    if spec.is_structured or spec.likelihood == ORDERED:
        needs = "limits need nested levels of effect sizes"
        raise BadInput(f"{got}; {needs}, not a dependence structure or directions")


def _check_ordered(spec: ModelSpec) -> None:
    """Raise BadInput if a model of directions cannot be fitted, or another model has its keys.

    A model of directions, an ordered logit of outcomes without effect sizes, has the study level
    alone and the keys

        likelihood = "ordered-logit"
        outcome = "direction"                          the column
        categories = ["impaired", "none", "enhanced"]  its values, from low to high
        sides = "route"                                a factor: probabilities by its levels
        [priors.gap]                                   of the cutpoints' distance from zero
        [priors.aggregate]                             optional: of a share, for a count of studies
    """
    if spec.likelihood != ORDERED:
        if spec.outcome or spec.categories:
            keys = f'outcome and categories belong to likelihood = "{ORDERED}"'
            raise BadInput(f"model {spec.name}: {keys}; leave them out")
        return
    if missing := [key for key in ("outcome", "categories", "sides") if not getattr(spec, key)]:
        raise BadInput(f'model {spec.name} lacks {missing}, which likelihood = "{ORDERED}" needs')
    if not len(spec.categories) == len(set(spec.categories)) == CATEGORIES:
        got = f"categories of model {spec.name} are {list(spec.categories)}"
        raise BadInput(f"{got}; they should be three words, the lowest first")
    unfit = [key for key in UNFIT if getattr(spec, key)]
    if unfit or spec.levels != ("study",):
        what = ", ".join(unfit) or f"levels = {list(spec.levels)}"
        needs = 'an ordered logit has levels = ["study"] and neither rho nor bias'
        raise BadInput(f"model {spec.name}: {needs}; got {what}")
