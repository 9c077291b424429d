"""Which column of a file is what: as the user says, as it is called, or as people call it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from bayesmeta.data.schema import LABELS, nearest
from bayesmeta.data.table.forms import complete_form
from bayesmeta.data.table.names import EFFECT, INTERVAL, PERSONS, RAW, SETTINGS, STUDY, SYNONYMS, TARGETS, YEAR, plain
from bayesmeta.data.table.numerals import is_number
from bayesmeta.infrastructure.errors import BadInput

ASIDE = "_in_file"
OMIT = "omit"


class Named(NamedTuple):
    """A table under the package's names; which column each was; the file's own columns that had to make way."""

    text: pd.DataFrame
    taken: dict[str, str]
    aside: dict[str, str]
    measure: str | None


def parse_columns(text: str) -> dict[str, str]:
    """`study=district, group=school, yi=es` as a dictionary; `group=` sets a column of that name aside.

    Raises
    ------
    BadInput
        Something else, or a name that is given twice.
    """
    found: dict[str, str] = {}
    for part in filter(str.strip, text.split(",")):
        target, equals, source = (piece.strip() for piece in part.partition("="))
        if not equals or not target:
            raise BadInput(f"--columns has {part.strip()!r}; it should read 'study=district, yi=es, sei=se'")
        if target in found:
            raise BadInput(f"--columns gives {target} twice, {found[target]!r} and {source!r}")
        found[target] = source
    return found


def omits(asked: Mapping[str, str]) -> bool:
    """Whether rows whose effect is incomplete are to be left out.

    Raises
    ------
    BadInput
        Another choice than "omit" or "".
    """
    choice = asked.get("incomplete", "")
    if choice not in ("", OMIT):
        raise BadInput(f"columns give incomplete={choice!r}; it should be {OMIT!r}, or not be given")
    return choice == OMIT


def name_columns(text: pd.DataFrame, asked: Mapping[str, str], notes: list[str]) -> Named:
    """The table with columns under the package's names; a note says what was taken for what.

    Parameters
    ----------
    text : every cell as text.
    asked : name to column, as `parse_columns` or a model's `[columns]` gives it.
    notes : of the reading.

    Raises
    ------
    BadInput
        An unknown name or column, or several columns that may be meant.
    """
    unknown = [target for target in asked if target not in TARGETS]
    if unknown:
        near = nearest(unknown[0], TARGETS)
        raise BadInput(f"columns cannot name {', '.join(unknown)}{near}; the names are {', '.join(TARGETS)}")
    chosen = {target: _source(text, target, source) for target, source in asked.items() if target not in SETTINGS}
    measure = asked.get("measure") or None
    taken = {target: source for target, source in chosen.items() if source}
    own = [name for name in TARGETS if name in text.columns and name not in (*chosen, *SETTINGS)]
    if not {*EFFECT} & {*taken} and {*RAW} & {*taken}:  # raw numbers are asked for: an effect beside them is another
        own = [name for name in own if name not in EFFECT]
    if {"vi", "sei", *INTERVAL} & {*taken}:
        own = [name for name in own if name not in ("vi", "sei")]
    guessed = _guess(text, {*taken, *own}, {*taken.values(), *own}, measure)
    return _renamed(text, taken | guessed, own, measure, notes)


def _source(text: pd.DataFrame, target: str, source: str) -> str:
    """The column that is meant, whatever its case; of a label also `district/school`."""
    if not source or source in text.columns:
        return source
    if target in LABELS and "/" in source:
        return "/".join(_source(text, "", part.strip()) for part in source.split("/"))
    alike = [str(name) for name in text.columns if str(name).casefold() == source.casefold()]
    if len(alike) == 1:
        return alike[0]
    raise BadInput(
        f"columns asks for {source!r}, which is not a column{nearest(source, text.columns)}; "
        f"the columns are {', '.join(map(str, text.columns))[:1000]}"
    )


def _renamed(
    text: pd.DataFrame, taken: dict[str, str], own: Iterable[str], measure: str | None, notes: list[str]
) -> Named:
    sources = {part for source in taken.values() for part in _parts(text, source) if plain(part) not in YEAR}
    columns = {target: _label(text, source) for target, source in taken.items()}
    aside = {}
    for name in map(str, text.columns):
        if name in own:
            columns[name] = text[name]
        elif name in sources:
            continue
        elif name in (*LABELS, *EFFECT, "sheet_row") or name in columns:
            aside[name] = _free(f"{name}{ASIDE}", {*text.columns, *columns})
            columns[aside[name]] = text[name]
        else:
            columns[name] = text[name]
    changed = {target: source for target, source in taken.items() if target != source}
    if changed:
        notes.append("; ".join(f"{target} is read from {source}" for target, source in changed.items()))
    if aside:
        notes.append("; ".join(f"the file's own {old} is kept as {new}" for old, new in aside.items()))
    named = {name: name for name in own} | taken
    return Named(pd.DataFrame(columns, index=text.index), named, aside, measure)


def _parts(text: pd.DataFrame, source: str) -> list[str]:
    return [source] if source in text.columns else source.split("/")


def _label(text: pd.DataFrame, source: str) -> pd.Series:
    first, *others = (text[part] for part in _parts(text, source))
    for other in others:
        first = (first + "/" + other).where((first != "") & (other != ""), "")
    return first


def _free(name: str, used: set[str]) -> str:
    while name in used:
        name += "_"
    return name


def _guess(text: pd.DataFrame, have: set[str], used: set[str], measure: str | None) -> dict[str, str]:
    """Columns for the names that are still to be found, from what they are called."""
    found: dict[str, str] = {}
    free = [str(name) for name in text.columns if name not in used]
    if "study" not in have:
        found |= _study(text, free)
    numbers = [name for name in free if name not in found.values() and is_number(text[name]).any()]
    if _is_given(have) or complete_form(have, measure):
        return found
    effect = _effect(text, have, numbers)
    if _is_given({*have, *effect}):
        return found | effect
    raw = {name: one for name in SYNONYMS if name in RAW and name not in have and (one := _one(name, numbers))}
    if form := complete_form({*have, *raw}, measure):
        found |= {name: raw[name] for name in form if name in raw}
    return found


def _is_given(have: set[str]) -> bool:
    """Whether names say what an effect and its sampling variance are."""
    return "yi" in have and (bool({"vi", "sei"} & have) or {*INTERVAL} <= have)


def _study(text: pd.DataFrame, free: list[str]) -> dict[str, str]:
    for names in STUDY:
        candidates = sorted((name for name in free if plain(name) in names), key=lambda name: names.index(plain(name)))
        parts = {name: tuple(pd.factorize(text[name])[0]) for name in candidates}
        if len(set(parts.values())) > 1:
            raise _ambiguous("study", candidates)
        if candidates:
            year = [name for name in free if plain(name) in YEAR and plain(candidates[0]) in PERSONS]
            return {"study": "/".join([candidates[0], *year[:1]])}
    return {}


def _effect(text: pd.DataFrame, have: set[str], free: list[str]) -> dict[str, str]:
    """yi, and vi or sei or an interval, where names say so."""
    found = {} if "yi" in have else {"yi": _one("yi", free)}
    if not {"vi", "sei"} & have:
        spread = {name: target for target in ("vi", "sei") for name in _candidates(target, free)}
        if len(spread) > 1 and ("yi" in have or found["yi"]):
            raise _ambiguous("vi or sei", list(spread))
        found |= {target: name for name, target in spread.items()}
    if not {"vi", "sei"} & {*have, *found}:
        found |= {target: _one(target, free) for target in INTERVAL if target not in have}
    return {target: name for target, name in found.items() if name}


def _candidates(target: str, free: Iterable[str]) -> list[str]:
    return [name for name in free if plain(name) in (target, *SYNONYMS[target])]


def _one(target: str, free: Iterable[str]) -> str:
    candidates = _candidates(target, free)
    if len(candidates) > 1:
        raise _ambiguous(target, candidates)
    return candidates[0] if candidates else ""


def _ambiguous(target: str, candidates: list[str]) -> BadInput:
    first = target.split()[0]
    return BadInput(
        f'{target} may be any of the columns {", ".join(candidates)}; say which: --columns "{first}={candidates[0]}"'
    )
