"""The first stage: columns under the package's names, as the user asks or as they are called."""

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from bayesmeta.data.schema import LABELS
from bayesmeta.data.table.guessing import Names, guess_columns
from bayesmeta.data.table.names import EFFECT, INTERVAL, RAW, SETTINGS, TARGETS, YEAR, listed, plain
from bayesmeta.data.table.reading import Reading
from bayesmeta.infrastructure.choices import nearest
from bayesmeta.infrastructure.errors import BadInput

ASIDE = "_in_file"
QUOTES = "\"'`"
SEPARATE = re.compile(r"""(?:=\s*"[^"]*"|=\s*'[^']*'|=\s*`[^`]*`|[^,])+""")  # parts between commas


def parse_columns(text: str) -> dict[str, str]:
    """Return `study=district, group=school, yi=es` as a dictionary from our names to the file's.

    A name with commas stands in quotes, m1i="Mean, drug". `group=` sets a column of that name
    aside. Raise BadInput if the text is of another form, or gives a name twice.
    """
    columns: dict[str, str] = {}
    for part in filter(str.strip, SEPARATE.findall(text)):
        target, equals, source = (piece.strip() for piece in part.partition("="))
        if not equals or not target:
            form = "it should read 'study=district, yi=es, sei=se'"
            quotes = """; quote a name that has commas, m1i="Mean, drug\""""
            raise BadInput(f"--columns has {part.strip()!r}; {form}{quotes}")
        if target in columns:
            raise BadInput(f"--columns gives {target} twice, {columns[target]!r} and {source!r}")
        is_quoted = len(source) > 1 and source[0] == source[-1] and source[0] in QUOTES
        columns[target] = source[1:-1] if is_quoted else source
    return columns


def name_columns(reading: Reading) -> Reading:
    """Return the reading with `named`, `taken` and `aside`; a message states what was read as what.

    Raise BadInput if a name or column is unknown, or several columns may be meant.
    """
    text = reading.text
    chosen = _chosen(text, reading.asked)
    asked = {target: source for target, source in chosen.items() if source}
    kept = {name: name for name in _names_kept(text, chosen, asked)}
    guess = guess_columns(reading, {**asked, **kept})
    taken = asked | guess.columns
    others = _other_names(text, taken, kept)
    aside = _names_aside(text, others, taken, kept)
    columns = {target: _label(text, source) for target, source in taken.items()}
    columns |= {aside.get(name, name): text[name] for name in others}
    changed = {target: source for target, source in taken.items() if target != source}
    messages = [
        "; ".join(f"{target} is read from {source}" for target, source in changed.items()),
        "; ".join(f"{old} of the file is kept as {new}" for old, new in aside.items()),
    ]
    named = pd.DataFrame(columns, index=text.index)
    messages = [*guess.messages, *filter(None, messages)]
    return reading.updated(messages=messages, named=named, taken=kept | taken, aside=aside)


def _chosen(text: pd.DataFrame, asked: Mapping[str, str]) -> dict[str, str]:
    """Return the column of the file that the user gives for a name; "" sets that name aside."""
    if unknown := [target for target in asked if target not in TARGETS]:
        names = f"{', '.join(unknown)}{nearest(unknown[0], TARGETS)}"
        raise BadInput(f"columns cannot name {names}; the names are {', '.join(TARGETS)}")
    columns = {target: source for target, source in asked.items() if target not in SETTINGS}
    return {target: _source(text, target, source) for target, source in columns.items()}


def _source(text: pd.DataFrame, target: str, source: str) -> str:
    """Return the column that is meant, whatever its case; for a label also `district/school`."""
    if not source or source in text.columns:
        return source
    if target in LABELS and "/" in source:
        return "/".join(_source(text, "", part.strip()) for part in source.split("/"))
    alike = [str(name) for name in text.columns if str(name).casefold() == source.casefold()]
    if len(alike) == 1:
        return alike[0]
    near = nearest(source, text.columns)
    problem = f"columns names {source!r}, which is not a column{near}"
    raise BadInput(f"{problem}; the columns are {listed(text.columns)}")


def _names_kept(text: pd.DataFrame, chosen: Names, asked: Names) -> list[str]:
    """Return the package's names that the file uses itself and that nothing asked for replaces."""
    replaced = {*chosen, *SETTINGS}
    if {*RAW} & {*asked} and not {*EFFECT} & {*asked}:
        replaced |= {*EFFECT}  # the effect is to be computed, and yi of the file is another
    if {"vi", "sei", *INTERVAL} & {*asked}:
        replaced |= {"vi", "sei"}
    return [name for name in TARGETS if name in text.columns and name not in replaced]


def _other_names(text: pd.DataFrame, taken: Names, kept: Iterable[str]) -> list[str]:
    """Return the columns that do not serve under another name only; a year stays a moderator."""
    parts = {part for source in taken.values() for part in _parts(text, source)}
    serving = {part for part in parts if plain(part) not in YEAR}
    return [name for name in map(str, text.columns) if name in kept or name not in serving]


def _names_aside(
    text: pd.DataFrame, others: Iterable[str], taken: Names, kept: Iterable[str]
) -> dict[str, str]:
    """Return columns with a name that is needed for something else, and their new, unused name."""
    reserved = {*LABELS, *EFFECT, "sheet_row", *taken} - {*kept}
    used = {*map(str, text.columns), *taken}
    aside: dict[str, str] = {}
    for name in (name for name in others if name in reserved):
        aside[name] = f"{name}{ASIDE}"
        while aside[name] in used:
            aside[name] += "_"
        used.add(aside[name])
    return aside


def _parts(text: pd.DataFrame, source: str) -> list[str]:
    """Return the columns that a source joins: `district/school` is two unless it is a column."""
    return [source] if source in text.columns else source.split("/")


def _label(text: pd.DataFrame, source: str) -> pd.Series:
    """Return a column, or two joined by a slash; blank if a part is blank."""
    label, *others = (text[part] for part in _parts(text, source))
    for other in others:
        label = (label + "/" + other).where((label != "") & (other != ""), "")
    return label
