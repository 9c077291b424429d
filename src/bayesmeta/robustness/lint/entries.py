"""Numbers of single rows that cannot be right, or that carry more weight than they should."""

from dataclasses import replace
from typing import Any

import pandas as pd

from bayesmeta.robustness.lint.findings import Finding, Findings, LintInput, left_out, rows_of

SMALL_CONTROL = 3  # subjects: an SD of three has two degrees of freedom
TRUE_TEXTS = ("true", "1", "1.0")
SD_ZERO = Finding(
    code="sd-zero",
    rank=2,
    title="A standard deviation of 0",
    why="a group without any differences is a floor or a ceiling, or a typing error; the SD of the "
    "other group alone then decides how large g is",
    advice="check the paper; if everyone had the same score, an SMD is the wrong measure for this "
    "row",
)
NEGATIVE = Finding(
    code="dispersion-negative",
    rank=3,
    title="A standard deviation or standard error below 0 in the record",
    why="its sign is certainly wrong, perhaps also its size: a bar read downwards in a figure "
    "gives such numbers",
    advice="read the number again; the named datasets take its absolute value",
)
FRACTIONAL = Finding(
    code="n-fractional",
    rank=3,
    title="Group sizes that are not integers",
    why="sizes given as a range ('6-7') or averaged over outcomes are guesses, and vi follows from "
    "them",
    advice="nothing, if they are the middle of a range; otherwise look up the sizes",
)
FEW_CONTROLS = Finding(
    code="controls-few",
    rank=2,
    title=f"Control groups of {SMALL_CONTROL} or fewer",
    why="g and its variance are approximations that fail at such sizes, and three subjects hardly "
    "determine an SD; a control that was split loses most of its information",
    advice="keep the control unsplit and model the shared errors (rho above 0), or combine the "
    "groups that share it",
)
SHARED = Finding(
    code="control-shared",
    rank=2,
    title="Controls that several groups are compared with",
    why="a random error of the control moves all of these effects together; if they are treated as "
    "independent, the control counts several times",
    advice="split its n between the comparisons, as is usual, or model the covariance of effects "
    "with the same control",
)


def zero_sds(inputs: LintInput) -> Findings:
    """Find groups without any dispersion."""
    sds = inputs.frame[["sd1i", "sd2i"]]
    return _counted(inputs, SD_ZERO, (sds == 0).any(axis=1), sds.min(axis=1), "above 0")


def negative_dispersions(inputs: LintInput) -> Findings:
    """Find SDs or SEMs below 0, now or before the data were read."""
    frame = inputs.frame
    names = [name for name in ("sd1i", "sd2i", "sem1i", "sem2i") if inputs.has(name)]
    numbers = frame[names]
    negative = (numbers < 0).any(axis=1)
    if "negative_dispersion" in frame:
        negative |= frame["negative_dispersion"].astype(str).str.lower().isin(TRUE_TEXTS)
    return _counted(inputs, NEGATIVE, negative, numbers.min(axis=1), "above 0")


def fractional_sizes(inputs: LintInput) -> Findings:
    """Find group sizes that are not integers."""
    sizes = inputs.frame[["n1i", "n2i"]]
    fraction = sizes.where(sizes.notna() & (sizes != sizes.round()))
    value = fraction["n1i"].fillna(fraction["n2i"])
    return _counted(inputs, FRACTIONAL, value.notna(), value, value.round())


def few_controls(inputs: LintInput) -> Findings:
    """Find control groups of three or fewer."""
    n = inputs.frame["n2i"]
    few = n <= SMALL_CONTROL
    split = int((few & (inputs.reported > SMALL_CONTROL)).sum())
    texts = FEW_CONTROLS
    if split:
        texts = replace(texts, title=f"{texts.title}, {split} by splitting a control")
    return _counted(inputs, texts, few, n, inputs.reported)


def shared_controls(inputs: LintInput) -> Findings:
    """Find controls of several groups: by label, or by mean, SD and n in a study."""
    frame = inputs.frame
    names = ["control"] if "control" in frame else ["m2i", "sd2i", "n2i"]
    texts = [frame[name].astype(object).astype(str) for name in names]
    control = pd.concat([frame["study"], *texts], axis=1).agg("\0".join, axis=1)
    group = frame.groupby(control)["group"]
    groups = group.transform("nunique")
    complete = frame[names].notna().all(axis=1)
    others = complete & (frame["group"] != group.transform("first"))
    return _counted(inputs, SHARED, complete & (groups > 1), groups, 1, others)


def _counted(
    inputs: LintInput, texts: Finding, selected: Any, value: Any, usual: Any, omitted: Any = None
) -> Findings:
    """Yield a finding on the selected effects; the remedy leaves them or the omitted out."""
    if not selected.any():
        return
    rows = rows_of(inputs.frame, selected, value, usual)
    remedy = left_out(inputs, selected, "these effects left out")
    if omitted is not None:
        remedy = left_out(inputs, omitted, "a single group per shared control kept") or remedy
    measure = f"effects of {len(selected)}"
    evidence = float(selected.sum())
    yield replace(texts, evidence=evidence, measure=measure, rows=rows, remedy=remedy)
