"""Names that columns may have: metafor's, and the names that people use in their place."""

import re
from collections.abc import Collection, Iterable

from bayesmeta.data.effect_sizes import MEASURES, Measure
from bayesmeta.data.effect_sizes.measure import Form
from bayesmeta.data.schema import LABELS

SUMMARY = ("min", "q1", "median", "q3", "max")
ARMS = {
    arm: {name: f"{name}{arm}i" for name in ("m", "sd", "n", "sem", *SUMMARY)} for arm in ("1", "2")
}  # for both groups: the mean m1i, ..., the first quartile q11i
FIVE = "minimum, quartiles and maximum (Luo et al. 2018, Shi et al. 2020)"
QUARTILES = "median and quartiles (Luo et al. 2018, Wan et al. 2014)"
RANGE = "median and range (Luo et al. 2018, Wan et al. 2014)"
SUMMARIES = {
    FIVE: ("min", "q1", "median", "q3", "max", "n"),
    QUARTILES: ("q1", "median", "q3", "n"),
    RANGE: ("min", "median", "max", "n"),
}
EFFECT = ("yi", "vi", "sei")
INTERVAL = ("ci_lb", "ci_ub")  # in place of vi and sei
FORMS = [form for measure in MEASURES.values() for form in measure.forms]
ARM_COLUMNS = [name for arm in ARMS.values() for name in arm.values()]
RAW = tuple(dict.fromkeys([*(name for form in FORMS for name in form), *ARM_COLUMNS, "sign"]))
SETTINGS = ("measure", "incomplete", "sheet")  # given with the columns, although they are none
TARGETS = (*LABELS, *EFFECT, *INTERVAL, *RAW, *SETTINGS)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PERSONS = _words("author authors first_author")  # a person may publish several studies
YEAR = _words("year publication_year pub_year")
STUDY = (
    _words("study study_id studyid id_study study_no study_nr study_number study_name study_label")
    + _words("studie"),
    _words("trial trial_id paper paper_id article article_id publication reference author_year")
    + _words("source pmid doi")
    + PERSONS,
)
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
} | {
    f"{letter}{arm}i": tuple(f"{word}{join}{arm}" for word in _words(words) for join in ("", "_"))
    for letter, words in {"m": "m mean", "sd": "sd", "n": "n", "sem": "sem"}.items()
    for arm in ARMS
}


def gives_effect(names: Collection[str]) -> bool:
    """Return True if names hold an effect and its sampling variance, standard error or interval."""
    return "yi" in names and (bool({"vi", "sei"} & {*names}) or {*INTERVAL} <= {*names})


def listed(columns: Iterable[object]) -> str:
    """Return the names of columns for a message, which repeats at most 1,000 characters."""
    return ", ".join(map(str, columns))[:1000]


def plain(name: str) -> str:
    """Return a name without its case and signs, to compare synonyms: "Hedges' g" is hedges_g."""
    return re.sub(r"\W+", "_", name.casefold()).strip("_")


def derived(names: Collection[str]) -> set[str]:
    """Return the names that a table has, and those that a conversion can give it."""
    have = set(names)
    for arm in ARMS.values():
        if {arm["sem"], arm["n"]} <= have:
            have.add(arm["sd"])
        if any({arm[name] for name in summary} <= have for summary in SUMMARIES.values()):
            have |= {arm["m"], arm["sd"]}
    return have


def complete_measure(names: Collection[str], asked: str | None) -> Measure | None:
    """Return the first effect size that columns complete, of those that may be asked, or None."""
    measures = [MEASURES[asked]] if asked else list(MEASURES.values())
    have = list(derived(names))
    return next((measure for measure in measures if measure.form(have)), None)


def complete_form(names: Collection[str], asked: str | None) -> Form | None:
    """Return the first set of columns that is complete, of `complete_measure`."""
    measure = complete_measure(names, asked)
    return measure.form(list(derived(names))) if measure else None
