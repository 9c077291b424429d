"""Levels of the model: one that is missing, ones that the data can hardly tell apart, errors taken as independent."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from bayesmeta.model.spec import LEVELS
from bayesmeta.robustness.lint.findings import Finding, Remedy, Subject, rows_of, with_effects

CERTAIN, LIKELY = float(np.log(1000)), float(np.log(20))
NEARLY = 0.6  # share of studies with one group: from here on study and group are hardly told apart
RHO = 0.5
PLURAL = {"study": "studies", "group": "groups"}


def effect_level_missing(subject: Subject) -> list[Finding]:
    """True effects vary within groups, but the model has no level for it: gain in restricted log-likelihood."""
    spec = subject.spec
    if "effect" in spec.levels or not subject.frame["group"].duplicated().any():
        return []
    wider = with_effects(spec)
    with_level, without = (sum(fit.log_lik for fit in fits.values()) for fits in (subject.nested, subject.fits(spec)))
    gain = with_level - without
    if gain < LIKELY:
        return []
    return [
        Finding(
            rank=1 if gain >= CERTAIN else 2,
            code="level-missing",
            title=f"Effects of a group differ by more than errors; the model has only {' and '.join(spec.levels)}",
            evidence=gain,
            measure=f"gain in restricted log-likelihood from the level 'effect' ({spec.name})",
            why="without it every difference within a group must be sampling error, so large studies with many effects "
            "decide means, and intervals are too narrow",
            advice="add 'effect' to the levels of the model (models/four-level.toml)",
            remedy=Remedy("the level 'effect' added", subject.frame, wider),
        )
    ]


def levels_aliased(subject: Subject) -> list[Finding]:
    """Studies with one group say nothing about how variance is split between study and group; so do lone effects."""
    frame, found = subject.frame, []
    for upper, lower in pairwise(LEVELS):
        if not {upper, lower} <= set(subject.spec.levels):
            continue
        units = frame.groupby(upper)[lower].nunique()
        single = float((units == 1).mean())
        if single < NEARLY:
            continue
        which, plural = frame[upper].map(units).eq(1).to_numpy(), PLURAL[upper]
        found.append(
            Finding(
                rank=3,
                code="levels-aliased",
                title=f"{plural.capitalize()} with a single {lower}",
                evidence=single,
                measure=f"share of {plural}: {int((units == 1).sum())} of {len(units)}",
                why=f"in these tau_{upper} and tau_{lower} cannot be told apart; only the sum of their squares is "
                "known well, and how it is split rests on the others and on the prior",
                advice="report the total heterogeneity; do not interpret one of the two by itself",
                rows=rows_of(frame, which, 1, "2 or more"),
                weight=single,
            )
        )
    return found


def errors_independent(subject: Subject) -> list[Finding]:
    """Effects that share a group, while the model takes their sampling errors for independent."""
    frame, spec = subject.frame, subject.spec
    size = frame.groupby("group")["effect"].transform("size")
    shared = (size > 1).to_numpy()
    if spec.rho or not shared.any():
        return []
    wider = with_effects(spec)
    return [
        Finding(
            rank=2,
            code="errors-independent",
            title="Effects of the same subjects, with sampling errors taken for independent (rho = 0)",
            evidence=float(shared.sum()),
            measure=f"effects of {len(frame)} that share a group",
            why="several outcomes of the same subjects err together; counted as independent they weigh too much, and "
            "their errors are taken for true differences between groups",
            advice=f"set rho = {RHO} (and .8) in the model, or estimate it; report whether conclusions move",
            rows=rows_of(frame, shared, size, 1),
            remedy=Remedy(f"rho = {RHO}, both with the level 'effect'", frame, replace(wider, rho=RHO), against=wider),
        )
    ]
