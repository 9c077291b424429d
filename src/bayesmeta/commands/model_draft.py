"""The draft of a model for a user's table: levels, priors and possible moderators."""

import json
from typing import NamedTuple

import pandas as pd

from bayesmeta.commands.column_roles import moderators_of, used_names
from bayesmeta.commands.moderator_notes import may_be_codes
from bayesmeta.data.table import Reading
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import code_terms

MAX_SUGGESTED = 40
STANDARDISED = (0.1, 3)  # root mean square of effects that may be standardised

MODEL = """# A model of {file}, written by bayesmeta init: {sizes}.
# Run it:  {command}
title = {title}

# Terms of the mean effect; "1" is an overall mean.
terms = "1"
{suggestions}
# True effects vary between {words}.
levels = {levels}
likelihood = "normal"   # "student" (with [priors.nu]) allows outlying studies
rho = 0.0               # correlation of sampling errors within a group
rope = {rope:<12g}     # differences too small to matter in your field, on the scale of yi

[priors.terms]
prior = "Normal(0, {terms_sd:g})"
reason = {reason}

[priors.tau]
prior = "HalfNormal({tau_sd:g})"
reason = {reason}

# Columns of the file; the names on the left are those of bayesmeta.
{notes}[columns]
{columns}
"""
NOTES = "# Check how the table was read; these are the likeliest readings:\n"


class Scale(NamedTuple):
    """Priors and region of practical equivalence for a kind of effect size, with the reason."""

    terms_sd: float
    tau_sd: float
    rope: float
    reason: str


MOST = "weakly informative for standardised differences and log ratios, of which most are below 3"
GENERAL = Scale(1.5, 1, 0.2, MOST)
SCALES = dict.fromkeys(("SMD", "SMDH", "SMCC", "SMCRP"), GENERAL) | {
    "OR": Scale(1.5, 1, 0.2, "weakly informative: most odds ratios are between 1/20 and 20"),
    "RR": Scale(1.5, 1, 0.1, "weakly informative: most risk ratios are between 1/20 and 20"),
    "ROM": Scale(1, 0.5, 0.1, "weakly informative: most ratios of means are between 1/7 and 7"),
    "ZCOR": Scale(1, 0.5, 0.1, "weakly informative: most correlations are below .96 in size"),
    "RD": Scale(0.5, 0.25, 0.05, "weakly informative: most risk differences are below .9 in size"),
}


def levels_of(frame: pd.DataFrame) -> list[str]:
    """Return the levels that the labels can tell apart, the highest first."""
    studies = frame["study"].nunique()
    groups = frame["group"].nunique()
    if studies == len(frame):
        return ["study"]
    if groups == len(frame):
        return ["study", "group"]
    return ["study", "effect"] if groups == studies else ["study", "group", "effect"]


def scale_of(frame: pd.DataFrame, measure: str | None) -> Scale:
    """Return priors for a measure, else by the root mean square of yi (it may be standardised)."""
    if measure in SCALES:
        return SCALES[measure]
    size = float((frame["yi"] ** 2).mean() ** 0.5)
    if measure is None and STANDARDISED[0] <= size <= STANDARDISED[1]:
        return GENERAL
    unit = float(f"{size or 1:.1g}")
    reason = f"wide beside the effects, which have root mean square {size:.2g}"
    return Scale(2.5 * unit, unit, 0.1 * unit, reason)


def model_text(reading: Reading, file: str, command: str) -> str:
    """Return the text of a model file: an overall mean, possible moderators as comments."""
    frame = reading.frame
    levels = levels_of(frame)
    scale = scale_of(frame, reading.measure)
    suggested = moderators_of(reading)[:MAX_SUGGESTED]
    counts = f"{frame['group'].nunique()} groups, {frame['study'].nunique()} studies"
    groups = "effects of a study" if frame["group"].is_unique else "groups of a study"
    words = {"study": "studies", "group": groups, "effect": "effects of a group"}
    return MODEL.format(
        file=comment(file),
        sizes=f"{len(frame)} effects, {counts}",
        command=comment(command),
        title=quoted(f"Overall mean, {file}"),
        suggestions="".join(f"# {suggestion(frame, name)}\n" for name in suggested),
        words=" and between ".join(words[level] for level in levels),
        levels=json.dumps(levels),
        rope=scale.rope,
        terms_sd=scale.terms_sd,
        tau_sd=scale.tau_sd,
        reason=quoted(scale.reason),
        columns=columns_text(reading),
        notes=notes_text(reading),
    )


def notes_text(reading: Reading) -> str:
    """Return comments with what was guessed or left out; "" if nothing was."""
    lines = [f"# - {comment(line)}\n" for line in reading.messages]
    return NOTES + "".join(lines) if lines else ""


def columns_text(reading: Reading) -> str:
    """Return the table [columns] of a model file: columns, measure and settings of the reading."""
    used = used_names(reading)
    columns = {name: source for name, source in reading.taken.items() if name in used}
    columns |= ({"measure": reading.measure} if reading.measure else {}) | reading.settings
    columns = {name: source for name, source in columns.items() if source not in reading.made}
    return "\n".join(f"{name} = {quoted(source)}" for name, source in columns.items())


def suggestion(frame: pd.DataFrame, name: str) -> str:
    """Return a line with the terms of a moderator, its levels or range, and blank cells."""
    term = name if name.isidentifier() else f"`{name}`"
    column = frame[name]
    if column.dtype == "category":
        terms = f"0 + {term}"
        n = column.value_counts()
        description = f"a mean for each of {len(n)} levels, {n.min()} effects in the smallest"
    else:
        terms = f"1 + scale({term})"
        limits = f"from {column.min():g} to {column.max():g}"
        description = f"a slope per standard deviation; {limits}{_as_codes(column, term)}"
    try:
        code_terms(frame.dropna(subset=[name]), terms)
    except (BadInput, ValueError):  # a name that a formula cannot have, or too few levels
        return f"{comment(name)} could be a moderator; give the column a plainer name"
    missing = int(column.isna().sum())
    blank = f"; {missing} blank cells to be filled in, or rows left out, first" if missing else ""
    return f"terms = {comment(quoted(terms))}  # {description}{blank}"


def _as_codes(column: pd.Series, term: str) -> str:
    """Return the terms of a number that may be a code of categories, else ""."""
    return f"; if it is a code: 0 + C({term})" if may_be_codes(column) else ""


def quoted(text: str) -> str:
    """Return a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def comment(text: str) -> str:
    """Return text without the characters that a TOML comment must not have."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
