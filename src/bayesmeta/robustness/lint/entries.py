"""Numbers of single rows that cannot be right, or that carry more weight than they should."""

from typing import Any, NamedTuple

import pandas as pd

from bayesmeta.robustness.lint.findings import Finding, Remedy, Subject, left_out, rows_of

FEW = 3
TRUE = ("true", "1", "1.0")


class Words(NamedTuple):
    """What is said of a problem, whatever its rows; see `Finding`."""

    code: str
    rank: int
    title: str
    why: str
    advice: str


SD_ZERO = Words(
    "sd-zero",
    2,
    "A standard deviation of 0",
    "a group in which nobody differs is a floor or a ceiling, or a typing error; the other group's SD alone then "
    "decides how large g is",
    "check the paper; if everyone had the same score, an SMD is the wrong measure for this row",
)
NEGATIVE = Words(
    "dispersion-negative",
    3,
    "A standard deviation or standard error below 0 in the record",
    "its sign is wrong for sure, its size perhaps, too: a bar read downwards in a figure gives such numbers",
    "read the number again; the named datasets take its absolute value",
)
FRACTIONAL = Words(
    "n-fractional",
    3,
    "Group sizes that are not whole numbers",
    "sizes given as a range ('6-7') or averaged over outcomes are guesses, and vi follows them",
    "nothing, where they are the middle of a range; else look the sizes up",
)
FEW_CONTROLS = Words(
    "controls-few",
    2,
    f"Control groups of {FEW} or fewer",
    "g and its variance are approximations that fail at such sizes, and three subjects hardly give an SD; a control "
    "that was split loses most of what is known about it",
    "keep the control whole and model the shared errors (rho above 0), or combine the groups that share it",
)
SHARED = Words(
    "control-shared",
    2,
    "Controls that several groups are compared with",
    "what chance did to the control moves all of these effects together; taken as independent they count the control "
    "several times",
    "split its n between the comparisons, as is usual, or model the covariance of effects with one control",
)


def zero_sds(subject: Subject) -> list[Finding]:
    """Groups without any spread."""
    sds = subject.frame[["sd1i", "sd2i"]]
    return _counted(subject, SD_ZERO, (sds == 0).any(axis=1), sds.min(axis=1), "above 0")


def negative_dispersions(subject: Subject) -> list[Finding]:
    """SDs or SEMs below 0, or that were so before the data were read."""
    frame = subject.frame
    numbers = frame[[name for name in ("sd1i", "sd2i", "sem1i", "sem2i") if subject.has(name)]]
    negative = (numbers < 0).any(axis=1)
    if "negative_dispersion" in frame:
        negative |= frame["negative_dispersion"].astype(str).str.lower().isin(TRUE)
    return _counted(subject, NEGATIVE, negative, numbers.min(axis=1), "above 0")


def fractional_sizes(subject: Subject) -> list[Finding]:
    """Group sizes that are no whole numbers."""
    sizes = subject.frame[["n1i", "n2i"]]
    fraction = sizes.where(sizes.notna() & (sizes != sizes.round()))
    value = fraction["n1i"].fillna(fraction["n2i"])
    return _counted(subject, FRACTIONAL, value.notna(), value, value.round())


def few_controls(subject: Subject) -> list[Finding]:
    """Control groups of three or fewer."""
    frame = subject.frame
    few, reported = frame["n2i"] <= FEW, subject.reported
    split = int((few & (reported > FEW)).sum())
    words = (
        FEW_CONTROLS._replace(title=f"{FEW_CONTROLS.title}, {split} by splitting a control") if split else FEW_CONTROLS
    )
    return _counted(subject, words, few, frame["n2i"], reported)


def shared_controls(subject: Subject) -> list[Finding]:
    """Controls that several groups are compared with: by label, or the same mean, SD and n in one study."""
    frame = subject.frame
    names = ["control"] if "control" in frame else ["m2i", "sd2i", "n2i"]
    numbered = [frame[name].astype(object).astype(str) for name in names]
    control = pd.concat([frame["study"], *numbered], axis=1).agg("\0".join, axis=1)
    group = frame.groupby(control)["group"]
    groups, known = group.transform("nunique"), frame[names].notna().all(axis=1)
    others = known & (frame["group"] != group.transform("first"))
    remedy = left_out(subject, others, "one group per shared control kept")
    return _counted(subject, SHARED, known & (groups > 1), groups, 1, remedy)


def _counted(
    subject: Subject, words: Words, which: "pd.Series[bool]", value: Any, usual: Any, remedy: Remedy | None = None
) -> list[Finding]:
    """A finding whose evidence is the number of effects; none where there are none. They are left out, by default."""
    if not which.any():
        return []
    return [
        Finding(
            **words._asdict(),
            evidence=float(which.sum()),
            measure=f"effects of {len(which)}",
            rows=rows_of(subject.frame, which, value, usual),
            remedy=remedy or left_out(subject, which, "these effects left out"),
        )
    ]
