"""Columns that are not named by the user, guessed from what people call them."""

from collections.abc import Iterable, Mapping

import pandas as pd

from bayesmeta.data.table.names import ARMS, INTERVAL, RAW, YEAR, complete_form, gives_effect, plain
from bayesmeta.data.table.numerals import is_number
from bayesmeta.infrastructure.errors import BadInput

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
    for arm in ARMS
}


def guess_columns(text: pd.DataFrame, known: Names, measure: str | None) -> dict[str, str]:
    """Return columns for the names that a table still needs.

    `text` has every cell as text; `known` are the package's names that have a column, to the
    file's; `measure` is the effect size that the user names. Raise BadInput if several columns may
    be meant.
    """
    free = [str(name) for name in text.columns if name not in known.values()]
    study = {} if "study" in known else _study(text, free)
    if gives_effect({*known}) or complete_form({*known}, measure):
        return study
    taken = {*study.values()}
    numbers = [name for name in free if name not in taken and is_number(text[name]).any()]
    effect = _effect({*known}, numbers)
    if gives_effect({*known, *effect}):
        return study | effect
    return study | _raw({*known}, numbers, measure)


def _study(text: pd.DataFrame, free: list[str]) -> dict[str, str]:
    """Return the column of study labels; authors are joined with the year, if any."""
    for names in STUDY:
        candidates = [name for word in names for name in free if plain(name) == word]
        partitions = {tuple(pd.factorize(text[name])[0]) for name in candidates}
        if len(partitions) > 1:
            raise _ambiguous("study", candidates)
        if candidates:
            by_person = plain(candidates[0]) in PERSONS
            years = [name for name in free if plain(name) in YEAR and by_person]
            return {"study": "/".join([candidates[0], *years[:1]])}
    return {}


def _effect(known: set[str], free: list[str]) -> dict[str, str]:
    yi = {} if "yi" in known else _only("yi", free)
    errors = {} if {"vi", "sei"} & known else _error(free, has_effect=bool(yi) or "yi" in known)
    if {"vi", "sei"} & {*known, *errors}:
        return yi | errors
    ends = [_only(target, free) for target in INTERVAL if target not in known]
    return yi | {target: name for end in ends for target, name in end.items()}


def _error(free: list[str], *, has_effect: bool) -> dict[str, str]:
    targets = {name: target for target in ("vi", "sei") for name in _candidates(target, free)}
    if len(targets) > 1 and has_effect:
        raise _ambiguous("vi or sei", list(targets))
    return {target: name for name, target in targets.items()}


def _raw(known: set[str], free: list[str], measure: str | None) -> dict[str, str]:
    names = [name for name in SYNONYMS if name in RAW and name not in known]
    raw = {target: name for wanted in names for target, name in _only(wanted, free).items()}
    form = complete_form({*known, *raw}, measure) or ()
    return {name: raw[name] for name in form if name in raw}


def _candidates(target: str, free: Iterable[str]) -> list[str]:
    return [name for name in free if plain(name) in (target, *SYNONYMS[target])]


def _only(target: str, free: Iterable[str]) -> dict[str, str]:
    candidates = _candidates(target, free)
    if len(candidates) > 1:
        raise _ambiguous(target, candidates)
    return {target: candidates[0]} if candidates else {}


def _ambiguous(target: str, candidates: list[str]) -> BadInput:
    choice = f'--columns "{target.split()[0]}={candidates[0]}"'
    columns = ", ".join(candidates)
    return BadInput(f"{target} may be any of the columns {columns}; say which: {choice}")
