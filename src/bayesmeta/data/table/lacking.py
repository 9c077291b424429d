"""What a table lacks for the nearest form in which it may give an effect."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.schema import LABELS
from bayesmeta.data.table.arms_in_names import groups_of
from bayesmeta.data.table.guessing import SYNONYMS
from bayesmeta.data.table.names import INTERVAL, RAW, complete_measure, derived, listed, plain
from bayesmeta.data.table.numerals import is_number
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.reproduced import ESTIMATES
from bayesmeta.data.table.requests import command
from bayesmeta.data.table.words import end_of_interval, kind_of_group, ratio_of
from bayesmeta.infrastructure.choices import nearest

GIVEN = (("yi", "vi"), ("yi", "sei"), ("yi", *INTERVAL))


class Form(NamedTuple):
    """A set of columns that gives an effect, and those of it that a table lacks."""

    title: str
    columns: tuple[str, ...]
    missing: tuple[str, ...]


def lacking(reading: Reading) -> str:
    """Return what is missing for the nearest form, and how columns are named."""
    known = {str(name): str(name) for name in reading.named.columns} | reading.taken
    free = [str(name) for name in reading.text.columns]
    guesses = {target: name for target, name in _near(reading, free).items() if target not in known}
    form = _nearest_form({*known, *guesses}, reading.asked_measure)
    read = [f"{name} may be {guesses[name]}" for name in form.columns if name in guesses]
    changes = {name: guesses[name] for name in form.columns if name in guesses}
    study = "" if "study" in known else _study_like(reading)
    near = "" if "study" in known else nearest("study", free)
    missing = [*(() if "study" in known else ("study",)), *form.missing]
    measure = None if study else complete_measure({*known}, reading.asked_measure)
    if measure:  # yi or its error stands in the way
        aside = {str(name): "" for name in ("yi", "vi", "sei") if name in known}
        remedy = f"{measure.name} is computed from the others by {command(reading, aside)}"
    elif not missing:
        remedy = f"if this is right: {command(reading, changes)}"
    elif study and not form.missing:
        remedy = f"if {study} names the studies: {command(reading, {'study': study, **changes})}"
    else:
        names = ", ".join(f"{name.split()[0]}=..." for name in missing)
        remedy = f'columns with other names are given by --columns "{names}"'
    have = f" ({', '.join(read)})" if read else ""
    lacks = f"for {form.title} it lacks {' and '.join(missing)}" if missing else form.title
    return f"its columns are {listed(free)}{have}; {lacks}{near}; {remedy}"


def _near(reading: Reading, free: Iterable[str]) -> dict[str, str]:
    """Return columns that people would call by the package's names, the first for each."""
    numbers = [name for name in free if is_number(reading.text[name]).any()]
    guesses: dict[str, str] = {}
    for target, words in SYNONYMS.items():
        names = [name for name in numbers if plain(name) in (target, *words)]
        if target == "yi":
            names += [name for name in numbers if ratio_of(name) or plain(name) in ESTIMATES]
        elif target in INTERVAL:
            names += [name for name in numbers if end_of_interval(name) == target]
        if names:
            guesses[target] = names[0]
    for group, columns in groups_of(numbers).items():
        number = 2 if kind_of_group(group) in ("control", "before") else 1
        for statistic, name in columns.items() if group else ():
            guesses.setdefault(f"{statistic}{number}i", name)
    return {
        name: source
        for name, source in guesses.items()
        if name in (*RAW, "yi", "vi", "sei", *INTERVAL)
    }


def _nearest_form(names: set[str], asked: str | None) -> Form:
    """Return the form of which a table has the largest share; if it has nothing, that of yi."""
    have = derived(names)
    guessed = [measure for measure in MEASURES.values() if measure.guessed]
    measures = [MEASURES[asked]] if asked else guessed
    forms: list[tuple[str, Sequence[str]]] = [] if asked else [("yi", form) for form in GIVEN]
    forms += [(measure.name, form) for measure in measures for form in measure.forms]
    candidates = [
        Form(title, tuple(form), tuple(name for name in form if name not in have))
        for title, form in forms
        if title == "yi" or asked or not {"yi", "vi"} & have
    ]
    best = max(candidates, key=lambda form: 1 - len(form.missing) / len(form.columns))
    if best.title == "yi" and "vi" in best.missing:
        others = tuple(name for name in best.missing if name != "vi")
        return best._replace(missing=(*others, "sei or vi"))
    return best


def _study_like(reading: Reading) -> str:
    """Return the column of words with most different labels, which may name the studies."""
    text = reading.text
    free = [str(name) for name in text.columns if name not in LABELS]
    words = [name for name in free if not is_number(text[name]).any()]
    return max(words, key=lambda name: text[name].nunique(), default="")
