"""Sets of columns that complete an effect size, once conversions have filled means and SDs."""

from collections.abc import Collection

from bayesmeta.data.effect_sizes import MEASURES, Measure
from bayesmeta.data.effect_sizes.measure import Form
from bayesmeta.data.table.names import ARMS

FIVE = "minimum, quartiles and maximum (Luo et al. 2018, Shi et al. 2020)"
QUARTILES = "median and quartiles (Luo et al. 2018, Wan et al. 2014)"
RANGE = "median and range (Luo et al. 2018, Wan et al. 2014)"
SUMMARIES = {
    FIVE: ("min", "q1", "median", "q3", "max", "n"),
    QUARTILES: ("q1", "median", "q3", "n"),
    RANGE: ("min", "median", "max", "n"),
}


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
    """Return the first effect size that columns complete, of those that may be asked, or None."""
    measures = [MEASURES[asked]] if asked else list(MEASURES.values())
    have = list(derived(names))
    return next((measure for measure in measures if measure.form(have)), None)


def complete_form(names: Collection[str], asked: str | None) -> Form | None:
    """Return the first set of columns that is complete, of `complete_measure`."""
    measure = complete_measure(names, asked)
    return measure.form(list(derived(names))) if measure else None
