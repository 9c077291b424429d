"""Levels of the model: missing levels, confounded levels, errors assumed independent."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from bayesmeta.estimates.conventions import PLURALS
from bayesmeta.model.spec import LEVELS
from bayesmeta.robustness.lint.findings import Finding, Findings, LintInput, Remedy, rows_of
from bayesmeta.robustness.multiverse.changes import add_effect_level

CERTAIN = float(np.log(1000))
LIKELY = float(np.log(20))
MAX_SINGLE_SHARE = 0.6  # of studies with a single group: above, study and group are confounded
RHO = 0.5  # of the remedy: a common assumption for outcomes of the same subjects


def effect_level_missing(inputs: LintInput) -> Findings:
    """Find a missing effect level: true effects vary within groups, by restricted likelihood."""
    spec = inputs.spec
    if "effect" in spec.levels or not inputs.frame["group"].duplicated().any():
        return
    with_level = sum(fit.log_lik for fit in inputs.nested.values())
    without = sum(fit.log_lik for fit in inputs.fits(spec).values())
    gain = with_level - without
    if gain < LIKELY:
        return
    levels = " and ".join(spec.levels)
    wider = add_effect_level(spec)
    yield Finding(
        rank=1 if gain >= CERTAIN else 2,
        code="level-missing",
        title=f"Effects of a group differ by more than their errors; the model has only {levels}",
        evidence=gain,
        measure=f"gain in restricted log-likelihood from the level 'effect' ({spec.name})",
        why="without it every difference within a group must be sampling error, so that large "
        "studies with many effects decide means, and intervals are too narrow",
        advice="add 'effect' to the levels of the model (models/four-level.toml)",
        remedy=Remedy("the level 'effect' added", inputs.frame, wider),
    )


def levels_aliased(inputs: LintInput) -> Findings:
    """Find confounded levels: studies with a single group do not inform the split of variance."""
    frame = inputs.frame
    for upper, lower in pairwise(LEVELS):
        if not {upper, lower} <= set(inputs.spec.levels):
            continue
        units = frame.groupby(upper)[lower].nunique()
        single = int((units == 1).sum())
        share = float((units == 1).mean())
        if share < MAX_SINGLE_SHARE:
            continue
        selected = frame[upper].map(units).eq(1).to_numpy()
        plural = PLURALS[upper]
        yield Finding(
            rank=3,
            code="levels-aliased",
            title=f"{plural.capitalize()} with a single {lower}",
            evidence=share,
            measure=f"share of {plural}: {single} of {len(units)}",
            why=f"in these tau_{upper} and tau_{lower} cannot be distinguished; only the sum "
            "of their squares is well identified, and its split depends on the others and on "
            "the prior",
            advice="report the total heterogeneity; do not interpret either of the two alone",
            rows=rows_of(frame, selected, 1, "2 or more"),
            priority=share,
        )


def errors_independent(inputs: LintInput) -> Findings:
    """Find effects that share a group in a model with independent sampling errors."""
    frame = inputs.frame
    spec = inputs.spec
    size = frame.groupby("group")["effect"].transform("size")
    shared = (size > 1).to_numpy()
    if spec.rho or not shared.any():
        return
    wider = add_effect_level(spec)
    what = f"rho = {RHO}, both with the level 'effect'"
    yield Finding(
        rank=2,
        code="errors-independent",
        title="Effects of the same subjects, with sampling errors assumed independent (rho = 0)",
        evidence=float(shared.sum()),
        measure=f"effects of {len(frame)} that share a group",
        why="errors of several outcomes of the same subjects correlate; counted as independent "
        "they weigh too much, and their errors are taken as true differences between groups",
        advice=f"set rho = {RHO} (and .8) in the model, or estimate it; report whether "
        "conclusions change",
        rows=rows_of(frame, shared, size, 1),
        remedy=Remedy(what, frame, replace(wider, rho=RHO), against=wider),
    )
