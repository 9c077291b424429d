"""The draft of a model for a user's table: levels, priors and possible moderators."""

import json

import pandas as pd

from bayesmeta.commands.column_roles import moderators_of, used_names
from bayesmeta.commands.default_priors import widths_of
from bayesmeta.commands.moderator_notes import may_be_codes
from bayesmeta.data.table import Reading
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import code_terms

MAX_SUGGESTED = 40
FEWEST = 5  # values of a column that may have a tau

MODEL = """# A model of {file}, written by bayesmeta init: {sizes}.
# Run it:  {command}
title = {title}

# Terms of the mean effect; "1" is an overall mean.
terms = "1"
{suggestions}
# True effects vary between {words}.
levels = {levels}
{structures}likelihood = "normal"   # "student" (with [priors.nu]) allows outlying studies
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


def levels_of(frame: pd.DataFrame) -> list[str]:
    """Return the levels that the labels can separate, the highest first."""
    studies = frame["study"].nunique()
    groups = frame["group"].nunique()
    if studies == len(frame):
        return ["study"]
    if groups == len(frame):
        return ["study", "group"]
    return ["study", "effect"] if groups == studies else ["study", "group", "effect"]


def model_text(reading: Reading, file: str, command: str) -> str:
    """Return the text of a model file: an overall mean, possible moderators as comments."""
    frame = reading.frame
    levels = levels_of(frame)
    widths = widths_of(frame, frame.attrs.get("measure"))
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
        structures="".join(
            f"# {comment(line)}\n" for line in structures_of(frame, suggested, levels)
        ),
        rope=widths.rope,
        terms_sd=widths.terms_sd,
        tau_sd=widths.tau_sd,
        reason=quoted(widths.reason),
        columns=columns_text(reading),
        notes=notes_text(reading),
    )


def structures_of(frame: pd.DataFrame, names: list[str], levels: list[str]) -> list[str]:
    """Return lines of a model for columns whose units may differ in their effects.

    A column crosses the studies if its values occur in several studies, and studies have several
    of them; it is a level above them if every study has one.
    """
    lines = []
    for name in names:
        pairs = frame[[name, "study"]].drop_duplicates()
        by_value = pairs.groupby(name, observed=True)["study"].count()
        usable = frame[name].dtype == "category" and frame[name].notna().all()
        if not usable or not FEWEST <= len(by_value) < len(pairs):
            continue
        about = f"{len(by_value)} values, {by_value.median():g} studies each (dependence.md)"
        if pairs["study"].is_unique:
            lines.append(f"levels = {json.dumps([name, *levels])}   # {about}")
        else:
            lines.append(f"crossed = {json.dumps([name])}   # {about}")
    return lines


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
        return f"{comment(name)} could be a moderator; give the column a simpler name"
    missing = int(column.isna().sum())
    blank = f"; {missing} blank cells: fill them in, or leave the rows out" if missing else ""
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
