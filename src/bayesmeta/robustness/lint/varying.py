"""Heterogeneity that depends on a moderator, where the model has one tau."""

from dataclasses import replace

from bayesmeta.robustness.lint.findings import Finding, Findings, LintInput
from bayesmeta.robustness.varying_tau import ALPHA, in_words, tau_tests

VARYING = Finding(
    code="tau-varies",
    rank=2,
    title="",
    why="a single tau weighs studies of both kinds alike, and prediction intervals are too wide "
    "for some values of the moderator and too narrow for others",
    advice="model it by a scale formula (docs/dependence.md), and compare the conclusions",
)


def varying_tau(inputs: LintInput) -> Findings:
    """Find moderators of the terms on which a tau depends, by a score test."""
    if inputs.spec.tau_by:
        return
    tests = tau_tests(inputs.fits(inputs.spec)[""])
    for row in tests[tests["p_bonferroni"] < ALPHA].to_dict("records"):
        yield replace(
            VARYING,
            title=in_words(row),
            evidence=row["p_bonferroni"],
            measure=f"p of a score test, corrected for {len(tests)} tests",
        )
