"""The checks of the lint as a table; a new check is a new entry."""

from collections.abc import Callable
from dataclasses import dataclass

from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.robustness.lint import (
    blanks,
    copies,
    directions,
    dispersion,
    entries,
    levels,
    varying,
    wrong_level,
)
from bayesmeta.robustness.lint.findings import Finding, Findings, LintInput


@dataclass(frozen=True)
class Check:
    """A kind of problem to search for."""

    what: str  # in words
    find: Callable[[LintInput], Findings]
    needs: tuple[tuple[str, ...], ...] = ()  # alternative sets of columns; empty if none is special

    def missing(self, inputs: LintInput) -> list[str]:
        """Return the columns that are absent or text, of the set that lacks fewest."""
        lacking = [[name for name in names if not inputs.has(name)] for names in self.needs]
        return min(lacking, key=len, default=[])


DIRECTIONS = (("task",), ("outcome",), ("measure",))
DISPERSIONS = (("negative_dispersion",), ("sd1i", "sd2i"), ("sem1i", "sem2i"))
CHECKS = (
    Check("standard errors typed as standard deviations", dispersion.sems_as_sds, (TWO_GROUPS,)),
    Check("studies counted twice", copies.studies_twice),
    Check("a missing effect level", levels.effect_level_missing),
    Check("duplicated rows", copies.duplicated_rows),
    Check("inverted directions of studies", directions.inverted_studies),
    Check("inverted directions of outcomes", directions.inverted_outcomes, DIRECTIONS),
    Check("standard deviations of 0", entries.zero_sds, (("sd1i", "sd2i"),)),
    Check("control groups of three or fewer", entries.few_controls, (("n2i",),)),
    Check("shared controls", entries.shared_controls, (("control",), ("m2i", "sd2i", "n2i"))),
    Check("errors assumed independent", levels.errors_independent),
    Check("Egger's test at the wrong level", wrong_level.egger_level),
    Check("influence at the wrong level", wrong_level.influence_level),
    Check("cross-validation at the wrong level", wrong_level.validation_level),
    Check("negative dispersions", entries.negative_dispersions, DISPERSIONS),
    Check("fractional group sizes", entries.fractional_sizes, (("n1i", "n2i"),)),
    Check("blank moderators", blanks.blank_moderators),
    Check("heterogeneity that depends on a moderator", varying.varying_tau),
    Check("levels nearly aliased", levels.levels_aliased),
)
CODES = ["sem-as-sd", "study-twice", "level-missing", "sd-too-small", "row-duplicated"]
CODES += ["direction-study", "direction-outcome", "sd-zero", "controls-few", "control-shared"]
CODES += ["errors-independent"]  # in the order of findings of the same rank


def run_checks(inputs: LintInput) -> tuple[list[Finding], dict[str, str]]:
    """Return every finding by rank, code and priority, and why other checks were not possible."""
    findings = list[Finding]()
    unchecked = dict[str, str]()
    for check in CHECKS:
        if missing := check.missing(inputs):
            unchecked[check.what] = f"no numbers or labels {', '.join(missing)}"
            continue
        try:
            findings += list(check.find(inputs))
        except BadInput as error:
            unchecked[check.what] = str(error)
    findings.sort(key=lambda finding: -finding.priority)
    place = {code: number for number, code in enumerate(CODES)}
    findings.sort(key=lambda finding: (finding.rank, place.get(finding.code, len(CODES))))
    return findings, unchecked
