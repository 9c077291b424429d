"""Names that columns may have: metafor's, and the names that people use in their place."""

import re
from collections.abc import Collection, Iterable

from bayesmeta.data.effect_sizes import MEASURES, Measure
from bayesmeta.data.effect_sizes.measure import Form
from bayesmeta.data.schema import LABELS

SUMMARY = ("min", "q1", "median", "q3", "max")
ARMS = {
    arm: {name: f"{name}{arm}i" for name in ("m", "sd", "n", "sem", *SUMMARY)}
    for arm in ("1", "2", "")
}  # of two groups: the mean m1i, ..., the first quartile q11i; of a single one: mi, ..., q1i
FIVE = "minimum, quartiles and maximum (Luo et al. 2018, Shi et al. 2020)"
QUARTILES = "median and quartiles (Luo et al. 2018, Wan et al. 2014)"
RANGE = "median and range (Luo et al. 2018, Wan et al. 2014)"
SUMMARIES = {
    FIVE: ("min", "q1", "median", "q3", "max", "n"),
    QUARTILES: ("q1", "median", "q3", "n"),
    RANGE: ("min", "median", "max", "n"),
}
EFFECT = ("yi", "vi", "sei")
INTERVAL = ("ci_lb", "ci_ub")  # in place of vi and sei
FORMS = [form for measure in MEASURES.values() for form in measure.forms]
ARM_COLUMNS = [name for arm in ARMS.values() for name in arm.values()]
RAW = tuple(dict.fromkeys([*(name for form in FORMS for name in form), *ARM_COLUMNS, "sign"]))
SETTINGS = (  # given with the columns, although they are none
    *(
        "measure",
        "incomplete",
        "drop00",
        "sheet",
        "scale",
        "error",
        "level",
        "alike",
        "arm",
        "reference",
    ),
)
TARGETS = (*LABELS, *EFFECT, *INTERVAL, *RAW, *SETTINGS)
YEAR = ("year", "publication_year", "pub_year")


def gives_effect(names: Collection[str]) -> bool:
    """Return True if names hold an effect and its sampling variance, standard error or interval."""
    return "yi" in names and (bool({"vi", "sei"} & {*names}) or {*INTERVAL} <= {*names})


def listed(columns: Iterable[object]) -> str:
    """Return the names of columns for a message, which repeats at most 1,000 characters."""
    return ", ".join(map(str, columns))[:1000]


def plain(name: str) -> str:
    """Return a name without its case and signs, to compare synonyms: "Hedges' g" is hedges_g."""
    return re.sub(r"\W+", "_", name.casefold()).strip("_")


def derived(names: Collection[str]) -> set[str]:
    """Return the names that a table has, and those that a conversion can give it."""
    have = set(names)
    for arm in ARMS.values():
        if {arm["sem"], arm["n"]} <= have:
            have.add(arm["sd"])
        if any({arm[name] for name in summary} <= have for summary in SUMMARIES.values()):
            have |= {arm["m"], arm["sd"]}
    return have


def complete_measure(names: Collection[str], asked: str | None) -> Measure | None:
    """Return the effect size that columns complete with most numbers, or None.

    If several fit, the first; it is the one that is asked for, or else one that may be guessed.
    """
    guessed = [measure for measure in MEASURES.values() if measure.guessed]
    measures = [MEASURES[asked]] if asked else guessed
    have = list(derived(names))
    complete = [measure for measure in measures if measure.form(have)]
    # most numbers: means on two occasions with r and n are a change, although r and n are a z
    return max(complete, key=lambda measure: len(measure.form(have) or ()), default=None)


def complete_form(names: Collection[str], asked: str | None) -> Form | None:
    """Return the first set of columns that is complete, of `complete_measure`."""
    measure = complete_measure(names, asked)
    return measure.form(list(derived(names))) if measure else None
