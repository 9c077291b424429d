"""Columns that are not named by the user, guessed from what people call them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from bayesmeta.data.schema import LABELS
from bayesmeta.data.table.arms_in_names import change_columns, two_groups
from bayesmeta.data.table.names import ARMS, INTERVAL, RAW, YEAR, complete_form, gives_effect, plain
from bayesmeta.data.table.numerals import is_number
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.reproduced import reproduced_measure
from bayesmeta.data.table.requests import choose
from bayesmeta.data.table.words import (
    end_of_interval,
    is_error_of_log,
    is_logarithm,
    names_study,
    ratio_of,
)

Names = Mapping[str, str]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PERSONS = _words("author authors first_author")  # a person may publish several studies
STUDY = (
    _words("study study_id studyid id_study study_no study_nr study_number study_name study_label")
    + _words("studie"),
    _words("trial trial_id paper paper_id article article_id publication reference author_year")
    + _words("source pmid doi")
    + PERSONS,
)
ARM_WORDS = {"m": "m mean", "sd": "sd", "n": "n", "sem": "sem"} | {
    "x": "x event events",
    "t": "t time person_time person_years py",
}
SYNONYMS = {
    "yi": _words("g hedges_g hedgesg hedge_s_g hedges_s_g d cohens_d cohen_d cohen_s_d smd es")
    + _words("effect_size effectsize effect_estimate estimate te log_or logor lnor log_rr logrr")
    + _words("lnrr fisher_z fishers_z fisher_s_z zr"),
    "sei": _words("se s_e stderr std_err std_error standard_error se_g seg g_se se_d sed d_se")
    + _words("se_es es_se se_smd se_te sete se_yi yi_se"),
    "vi": _words("v var variance sampling_variance vg v_g var_g g_var vd v_d var_d d_var var_es")
    + _words("es_var var_smd var_yi yi_var"),
    "ci_lb": _words("ci_lower ci_low lower_ci lci cil ci_l lower lower_bound lower_limit ll lcl")
    + _words("lower_95 ci_95_lower"),
    "ci_ub": _words("ci_upper ci_high upper_ci uci ciu ci_u upper upper_bound upper_limit ul ucl")
    + _words("upper_95 ci_95_upper"),
    "ri": _words("r cor corr correlation"),
    "ni": _words("n n_total total_n sample_size samplesize"),
    "xi": _words("event events n_events cases deaths responders"),
} | {
    f"{letter}{arm}i": tuple(f"{word}{join}{arm}" for word in _words(words) for join in ("", "_"))
    for letter, words in ARM_WORDS.items()
    for arm in ("1", "2")
}
WITH_ERROR = ("vi", "sei")
OF_ONE_GROUP = ("ri", "ni", "ti")


@dataclass
class Guess:
    """The columns that were guessed for a table, and what the user should read about them."""

    reading: Reading
    columns: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def take_one(self, target: str, candidates: list[str]) -> None:
        """Take the candidate for a name; raise BadInput if there are several, and none is given."""
        if len(candidates) > 1:
            options = [({target: name}, f"{target} is {name}") for name in candidates]
            listed = ", ".join(candidates)
            self.take(options, f"{target} may be any of the columns {listed}")
        elif candidates:
            self.columns[target] = candidates[0]

    def take(self, options: list[tuple[dict[str, str], str]], problem: str) -> None:
        """Take the only option; of several the first if the reading proposes, else raise."""
        if len(options) > 1:
            taken, message = choose(self.reading, problem, options)
            self.messages.append(message)
            self.columns.update(taken)
        elif options:
            self.columns.update(options[0][0])


def guess_columns(reading: Reading, known: Names) -> Guess:
    """Return columns for the names that a table still needs.

    `known` are the package's names that have a column, to the file's. Raise BadInput if several
    columns may be meant, and the reading is not to propose one.
    """
    text = reading.text
    measure = reading.asked_measure
    guess = Guess(reading)
    free = [str(name) for name in text.columns if name not in known.values()]
    if "study" not in known:
        _study(guess, free)
    if gives_effect({*known}) or complete_form({*known}, measure):
        return guess
    taken = {part for source in guess.columns.values() for part in (source, *source.split("/"))}
    numbers = [name for name in free if name not in taken and is_number(text[name]).any()]
    effect = Guess(reading)
    _effect(effect, known, numbers)
    if gives_effect({*known, *effect.columns}):
        raw = _raw_of_estimates(reading, known, numbers, effect)
        guess.columns |= raw or effect.columns
        guess.messages += effect.messages
    else:
        _raw(guess, known, numbers, measure)
    return guess


def _study(guess: Guess, free: list[str]) -> None:
    text = guess.reading.text
    sets = [[name for word in names for name in free if plain(name) == word] for names in STUDY]
    sets.append([name for name in free if names_study(name)])
    candidates = next(filter(None, sets), [])
    if not candidates:
        if guess.reading.propose:
            _propose_study(guess, free)
        return
    if len({tuple(pd.factorize(text[name])[0]) for name in candidates}) > 1:
        guess.take_one("study", candidates)
    else:
        guess.columns["study"] = candidates[0]
    by_person = plain(guess.columns["study"]) in PERSONS
    years = [name for name in free if plain(name) in YEAR and by_person]
    guess.columns["study"] = "/".join([guess.columns["study"], *years[:1]])


def _propose_study(guess: Guess, free: list[str]) -> None:
    text = guess.reading.text
    free = [name for name in free if name not in LABELS]
    words = [name for name in free if not is_number(text[name]).any() and (text[name] != "").all()]
    if words:
        name = max(words, key=lambda name: text[name].nunique())
        guess.columns["study"] = name
        guess.messages.append(f"no column is called study; {name} is taken, check it")


def _effect(guess: Guess, known: Names, free: list[str]) -> None:
    if "yi" not in known:
        guess.take_one("yi", _candidates("yi", free) or _ratios(free))
    ends = {target: _candidates(target, free) for target in INTERVAL if target not in known}
    has_interval = all(ends.values())
    if not {*WITH_ERROR} & {*known}:
        _error(guess, known, free, has_interval=has_interval)
    if {*WITH_ERROR} & {*known, *guess.columns}:
        return
    for target, candidates in ends.items():
        guess.take_one(target, candidates)


def _error(guess: Guess, known: Names, free: list[str], *, has_interval: bool) -> None:
    targets = {name: target for target in WITH_ERROR for name in _candidates(target, free)}
    source = {**known, **guess.columns}.get("yi", "")
    if not source:
        return
    if ratio_of(source) and not is_logarithm(source) and has_interval:
        return  # an interval of a ratio is on its scale, a standard error may be on another
    if len(targets) > 1:
        options = [({target: name}, f"{target} is {name}") for name, target in targets.items()]
        guess.take(options, f"vi or sei may be any of the columns {', '.join(targets)}")
    else:
        guess.columns |= {target: name for name, target in targets.items()}


def _raw(guess: Guess, known: Names, numbers: list[str], measure: str | None) -> None:
    names = [name for name in SYNONYMS if name in RAW and name not in known]
    raw = {target: near for target in names if (near := _candidates(target, numbers))}
    raw |= {target: [name] for target, name in change_columns(numbers).items()}
    if not complete_form({*known, *raw} - {*OF_ONE_GROUP}, measure):
        groups = Guess(guess.reading)
        problem = "the names of the groups do not show which of them is the control"
        groups.take(_two_groups(known, numbers, measure), problem)
        guess.messages += groups.messages
        raw |= {target: [name] for target, name in groups.columns.items()}
    form = complete_form({*known, *raw}, measure) or ()
    arms = [arm for arm in ARMS.values() if arm["m"] in form]
    needed = dict.fromkeys([*form, *(name for arm in arms for name in arm.values())])
    for target in (name for name in needed if name in raw and name not in known):
        guess.take_one(target, raw[target])


def _raw_of_estimates(
    reading: Reading, known: Names, numbers: list[str], effect: Guess
) -> dict[str, str]:
    """Return raw columns that reproduce the rounded estimates of intervals, or {}."""
    if {"vi", "sei"} & {*known, *effect.columns} or reading.asked_measure:
        return {}
    options = two_groups(numbers)
    if len(options) != 1 or reproduced_measure(reading.text, options[0][0]) is None:
        return {}
    return options[0][0]


def _two_groups(
    known: Names, numbers: list[str], measure: str | None
) -> list[tuple[dict[str, str], str]]:
    """Return the readings of two groups that agree with what is known, without it."""
    sized = {"n1i", "n2i"} <= {*known}
    readings = [
        (columns, meaning)
        for columns, meaning in two_groups([*numbers, *known.values()], sized=sized)
        if all(columns[name] == known[name] for name in columns if name in known)
    ]
    if not all(complete_form({*known, *columns}, measure) for columns, _ in readings):
        return []
    return [
        ({name: source for name, source in columns.items() if name not in known}, meaning)
        for columns, meaning in readings
    ]


def _candidates(target: str, free: Iterable[str]) -> list[str]:
    exact = [name for name in free if plain(name) in (target, *SYNONYMS[target])]
    if exact or target not in (*INTERVAL, "sei"):
        return exact
    if target == "sei":
        return [name for name in free if is_error_of_log(name)]
    return [name for name in free if end_of_interval(name) == target]


def _ratios(free: Iterable[str]) -> list[str]:
    """Return the names of ratios, but only those of logarithms if there are any."""
    ratios = [name for name in free if ratio_of(name)]
    return [name for name in ratios if is_logarithm(name)] or ratios
