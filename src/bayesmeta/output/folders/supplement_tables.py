"""Tables of a supplement: caption, and the columns as they are printed."""

from collections.abc import Mapping
from typing import NamedTuple

PROBABILITY = -1  # in place of digits: never 0 or 1


class Column(NamedTuple):
    """A printed column: heading, source columns (a value, a value with its interval), digits."""

    heading: str
    sources: tuple[str, ...]
    digits: int = 2


NAME = Column("term", ("term",))
MEAN = Column("mean [95 % interval]", ("mean", "ci_lb", "ci_ub"))
SD = Column("sd", ("sd",))
POSITIVE = Column("P(> 0)", ("p_positive",), PROBABILITY)
CONTRAST = Column("contrast", ("contrast",))
TERMS = (NAME, MEAN, SD, POSITIVE, Column("bulk ESS", ("ess_bulk",), 0))
HETEROGENEITY = (
    Column("level", ("level",)),
    Column("τ [95 % interval]", ("tau_mean", "tau_ci_lb", "tau_ci_ub")),
    Column("I² in % [95 % interval]", ("i2_mean", "i2_ci_lb", "i2_ci_ub"), 1),
)
NEW = (NAME, Column("of a new", ("level",)), Column("95 % prediction interval", ("pi_lb", "pi_ub")))
COMPARISON = (
    NAME,
    Column("REML [95 % interval]", ("estimate", "ci_lb", "ci_ub")),
    Column("Bayes [95 % interval]", ("mean", "cri_lb", "cri_ub")),
    Column("shift in standard errors", ("shift",)),
    Column("why", ("why",)),
)
DISCREPANCIES = (
    CONTRAST,
    Column("first side [95 % interval]", ("first_mean", "first_ci_lb", "first_ci_ub")),
    Column("second side [95 % interval]", ("second_mean", "second_ci_lb", "second_ci_ub")),
    Column("difference [95 % interval]", ("mean", "ci_lb", "ci_ub")),
    POSITIVE,
    Column("P(opposite signs)", ("p_opposite",), PROBABILITY),
)
CHECKS = (
    Column("check", ("check",)),
    Column("state", ("state",)),
    Column("finding", ("sentence",)),
)
VERDICTS = (
    CONTRAST,
    Column("P", ("p_base",), PROBABILITY),
    Column("least P", ("least",), PROBABILITY),
    Column("under", ("under",)),
    Column("verdict", ("verdict",)),
)
NEGLIGIBLE = Column("P(negligible)", ("p_rope",), PROBABILITY)
TABLES: Mapping[str, tuple[str, tuple[Column, ...]]] = {
    "terms": ("Posterior means", (*TERMS, Column("R-hat", ("r_hat",), 3))),
    "contrasts": ("Contrasts", (CONTRAST, MEAN, SD, POSITIVE, NEGLIGIBLE)),
    "heterogeneity": ("Heterogeneity", HETEROGENEITY),
    "prediction": ("Where the true effect of a new study or group would lie", NEW),
    "comparison": ("Frequentist and Bayes", COMPARISON),
    "discrepancies": ("Discrepancies between sides", DISCREPANCIES),
    "check": ("Checks", CHECKS),
    "verdicts": ("Conclusions under the alternatives", VERDICTS),
}
