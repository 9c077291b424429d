"""What the lint looks for, an entry each; a new check is a new entry."""

from collections.abc import Callable
from dataclasses import dataclass

from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.robustness.lint import copies, directions, dispersion, entries, levels, wrong_level
from bayesmeta.robustness.lint.findings import Finding, Subject, ordered


@dataclass(frozen=True)
class Check:
    """One thing to look for.

    Attributes
    ----------
    what : in words.
    find : a subject to findings.
    needs : sets of columns of which one must be complete; none where the columns of every table do.
    """

    what: str
    find: Callable[[Subject], list[Finding]]
    needs: tuple[tuple[str, ...], ...] = ()

    def missing(self, subject: Subject) -> list[str]:
        """Columns that the table lacks, or has text in, of the set that lacks fewest."""
        lacking = [[name for name in names if not subject.has(name)] for names in self.needs]
        return min(lacking, key=len, default=[])


CHECKS = (
    Check("standard errors typed as standard deviations", dispersion.sems_as_sds, (TWO_GROUPS,)),
    Check("studies counted twice", copies.studies_twice),
    Check("a missing effect level", levels.effect_level_missing),
    Check("duplicated rows", copies.duplicated_rows),
    Check("inverted directions of studies", directions.inverted_studies),
    Check("inverted directions of outcomes", directions.inverted_outcomes, (("task",), ("outcome",), ("measure",))),
    Check("standard deviations of 0", entries.zero_sds, (("sd1i", "sd2i"),)),
    Check("control groups of three or fewer", entries.few_controls, (("n2i",),)),
    Check("shared controls", entries.shared_controls, (("control",), ("m2i", "sd2i", "n2i"))),
    Check("errors taken for independent", levels.errors_independent),
    Check("Egger's test at the wrong level", wrong_level.egger_level),
    Check("influence at the wrong level", wrong_level.influence_level),
    Check("cross-validation at the wrong level", wrong_level.validation_level),
    Check(
        "negative dispersions",
        entries.negative_dispersions,
        (("negative_dispersion",), ("sd1i", "sd2i"), ("sem1i", "sem2i")),
    ),
    Check("fractional group sizes", entries.fractional_sizes, (("n1i", "n2i"),)),
    Check("levels nearly aliased", levels.levels_aliased),
)
CODES = (
    "sem-as-sd",
    "study-twice",
    "level-missing",
    "sd-too-small",
    "row-duplicated",
    "direction-study",
    "direction-outcome",
    "sd-zero",
    "controls-few",
    "control-shared",
    "errors-independent",
)


def look(subject: Subject) -> tuple[list[Finding], dict[str, str]]:
    """Every finding, the most important first, and by what was not checked, why not."""
    findings, unchecked = list[Finding](), dict[str, str]()
    for check in CHECKS:
        if missing := check.missing(subject):
            unchecked[check.what] = f"no numbers or labels {', '.join(missing)}"
            continue
        try:
            findings += check.find(subject)
        except BadInput as error:
            unchecked[check.what] = str(error)
    return ordered(findings, CODES), unchecked
