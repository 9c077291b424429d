"""The draft of a model for a user's own table: what columns are, where effects vary, possible moderators."""

import json
from typing import TYPE_CHECKING, NamedTuple

from bayesmeta.infrastructure.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from bayesmeta.data.table import Reading

MOST_LEVELS = 12
MOST_SUGGESTED = 40

MODEL = """# A model of {file}, written by bayesmeta init: {sizes}.
# Run it:  {command}
title = {title}

# What the mean of an effect depends on. "1" is one overall mean.
terms = "1"
{suggestions}
# True effects vary between {words}.
levels = {levels}
likelihood = "normal"   # "student" (with [priors.nu]) lets a few studies lie far out
rho = 0.0               # correlation of sampling errors within a group
rope = {rope:<12g}     # differences too small to matter, on the scale of yi: say what is small in your field

[priors.terms]
prior = "Normal(0, {terms_sd:g})"
reason = {reason}

[priors.tau]
prior = "HalfNormal({tau_sd:g})"
reason = {reason}

# Which column of the file is what; the names on the left are the package's.
[columns]
{columns}
"""


class Scale(NamedTuple):
    """Priors and region of practical equivalence that suit an effect size; why."""

    terms_sd: float
    tau_sd: float
    rope: float
    reason: str


GENERAL = Scale(
    1.5,
    1,
    0.2,
    "weakly informative for standardised differences and log ratios, of which most are below 3",
)
SCALES = dict.fromkeys(("SMD", "SMDH", "SMCC", "SMCRP"), GENERAL) | {
    "OR": Scale(1.5, 1, 0.2, "weakly informative: most odds ratios are between 1/20 and 20"),
    "RR": Scale(1.5, 1, 0.1, "weakly informative: most risk ratios are between 1/20 and 20"),
    "ROM": Scale(1, 0.5, 0.1, "weakly informative: most ratios of means are between 1/7 and 7"),
    "ZCOR": Scale(1, 0.5, 0.1, "weakly informative: most correlations are below .96 in size"),
    "RD": Scale(
        0.5, 0.25, 0.05, "weakly informative: most differences of risks are below .9 in size"
    ),
}


def columns_table(reading: "Reading") -> "pd.DataFrame":
    """A row per column of the file: column, kind (numbers, words with their levels), missing cells, role."""
    import pandas as pd

    from bayesmeta.data.table.numerals import is_number

    rows = []
    for name in map(str, reading.text.columns):
        cells = reading.text[name]
        filled = cells[cells != ""]
        levels = filled.nunique()
        kind = (
            "numbers" if is_number(filled).all() else f"words, {levels} level{'s' * (levels != 1)}"
        )
        rows.append(
            {
                "column": name,
                "kind": kind if levels else "empty",
                "missing": len(cells) - len(filled),
            }
            | {"role": _role(reading, name, levels, len(filled))}
        )
    return pd.DataFrame(rows)


def levels_of(frame: "pd.DataFrame") -> list[str]:
    """Levels that the labels can tell apart: each has fewer members than the one below it."""
    studies, groups, effects = frame["study"].nunique(), frame["group"].nunique(), len(frame)
    if studies == effects:
        return ["study"]
    if groups == effects:
        return ["study", "group"]
    return ["study", "effect"] if groups == studies else ["study", "group", "effect"]


def scale_of(frame: "pd.DataFrame", measure: str | None) -> Scale:
    """Priors by the measure; where it is unknown and yi not of the size of standardised effects, by yi itself."""
    if measure in SCALES:
        return SCALES[measure]
    size = float((frame["yi"] ** 2).mean() ** 0.5)
    if measure is None and 0.1 <= size <= 3:
        return GENERAL
    unit = float(f"{size or 1:.1g}")
    return Scale(
        2.5 * unit,
        unit,
        0.1 * unit,
        f"wide beside the effects, whose root mean square is {size:.2g}",
    )


def model_text(reading: "Reading", file: str, command: str) -> str:
    """Text of a model file for a table: an overall mean, with the moderators that it might have as comments."""
    frame = reading.frame
    levels, scale = levels_of(frame), scale_of(frame, reading.measure)
    sizes = f"{len(frame)} effects, {frame['group'].nunique()} groups, {frame['study'].nunique()} studies"
    given = {name: source for name, source in reading.taken.items() if name in _used(reading)}
    named = given | ({"measure": reading.measure} if reading.measure else {}) | reading.settings
    groups = "effects of a study" if frame["group"].is_unique else "groups of a study"
    words = {"study": "studies", "group": groups, "effect": "effects of a group"}
    return MODEL.format(
        file=_comment(file),
        sizes=sizes,
        command=_comment(command),
        title=_quoted(f"Overall mean, {file}"),
        suggestions="".join(f"# {line}\n" for line in suggestions_of(reading)),
        words=" and between ".join(words[level] for level in levels),
        levels=json.dumps(levels),
        rope=scale.rope,
        terms_sd=scale.terms_sd,
        tau_sd=scale.tau_sd,
        reason=_quoted(scale.reason),
        columns="\n".join(f"{name} = {_quoted(source)}" for name, source in named.items()),
    )


def suggestions_of(reading: "Reading") -> list[str]:
    """Lines that name each moderator as terms would, with what to know of it."""
    from bayesmeta.model.design.coding import code_terms

    frame, lines = reading.frame, []
    for name in moderators_of(reading)[:MOST_SUGGESTED]:
        term = name if name.isidentifier() else f"`{name}`"
        column, missing = frame[name], int(frame[name].isna().sum())
        category = column.dtype == "category"
        terms = f"0 + {term}" if category else f"1 + scale({term})"
        if category:
            counts = column.value_counts()
            said = (
                f"a mean for each of {len(counts)} levels, {counts.min()} effects in the smallest"
            )
        else:
            said = f"a slope per standard deviation; from {column.min():g} to {column.max():g}"
        try:
            code_terms(frame.dropna(subset=[name]), terms)
        except (BadInput, ValueError):  # a name that a formula cannot have, levels that are one
            lines.append(f"{_comment(name)} could be a moderator; give the column a plainer name")
            continue
        blank = (
            f"; {missing} blank cells to be filled in, or rows left out, first" if missing else ""
        )
        lines.append(f"terms = {_comment(_quoted(terms))}  # {said}{blank}")
    return lines


def moderators_of(reading: "Reading") -> list[str]:
    """Columns of the effect table that may be moderators: numbers that vary, words of few levels."""
    from bayesmeta.data.schema import KEYS

    frame, used = reading.frame, {*KEYS, *_used(reading), "sheet_row"}
    return [
        str(name)
        for name in frame.columns
        if name not in used and _unfit(frame[name], frame["study"]) is None
    ]


def _unfit(column: "pd.Series", study: "pd.Series") -> str | None:
    """Why a column is no moderator, or None."""
    import pandas as pd

    filled = column.dropna()
    levels = filled.nunique()
    if levels < 2:
        return "constant"
    if bool((pd.factorize(column)[0] == pd.factorize(study)[0]).all()):
        return "names the studies"
    if not pd.api.types.is_numeric_dtype(column):
        many = levels > MOST_LEVELS or 2 * levels > len(filled)
        return f"{levels} levels, too many" if many else None
    return "row numbers" if _counts(filled) or filled.groupby(study).apply(_counts).all() else None


def _counts(numbers: "pd.Series") -> bool:
    """Whether numbers are 1, 2, ..., each once."""
    return bool(numbers.is_unique and numbers.min() == 1 and numbers.max() == len(numbers))


def _used(reading: "Reading") -> set[str]:
    """Names of the package that the analysis takes from the file."""
    from bayesmeta.data.effect_sizes import MEASURES
    from bayesmeta.data.schema import LABELS
    from bayesmeta.data.table.names import ARMS, EFFECT, INTERVAL, RAW

    if reading.measure is None:
        spread = {*EFFECT} if {"vi", "sei"} & {*reading.taken} else {*EFFECT, *INTERVAL}
        return {*LABELS, *spread} & {*reading.taken}
    forms = {name for form in MEASURES[reading.measure].forms for name in form}
    arms = {name for arm in ARMS.values() for name in arm.values() if arm["m"] in forms}
    return {*LABELS, *EFFECT, *forms, *arms, *({"sign"} & {*RAW})} & {*reading.taken}


def _role(reading: "Reading", name: str, levels: int, filled: int) -> str:
    used = _used(reading)
    roles = [
        target
        for target, source in reading.taken.items()
        if target in used and name in (source, *source.split("/"))
    ]
    if roles:
        return ", ".join(roles)
    if levels == 0:
        return "empty"
    own = reading.aside.get(name, name)
    if own in reading.frame.columns and own not in used:
        unfit = _unfit(reading.frame[own], reading.frame["study"])
        return (unfit or "moderator") + (f", as {own}" if own != name else "")
    return "left out"


def _quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """Text without the characters that a TOML comment must not have."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
