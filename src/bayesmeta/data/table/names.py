"""The names that columns may have: metafor's, and what people call them."""

import re

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.schema import LABELS

FIVE = ("min", "q1", "median", "q3", "max")
ARMS = {
    arm: {name: f"{name}{arm}i" for name in ("m", "sd", "n", "sem", *FIVE)} for arm in ("1", "2")
}  # of a group: its mean m1i, ..., its first quartile q11i
EFFECT = ("yi", "vi", "sei")
INTERVAL = ("ci_lb", "ci_ub")  # in place of vi and sei
FORMED = tuple(dict.fromkeys(name for measure in MEASURES.values() for form in measure.forms for name in form))
RAW = tuple(dict.fromkeys((*FORMED, *(name for arm in ARMS.values() for name in arm.values()), "sign")))
SETTINGS = ("measure", "incomplete", "sheet")  # said where columns are, and none
TARGETS = (*LABELS, *EFFECT, *INTERVAL, *RAW, *SETTINGS)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


STUDY = (
    _words("study study_id studyid id_study study_no study_nr study_number study_name study_label studie"),
    _words("trial trial_id paper paper_id article article_id publication reference author_year source pmid doi")
    + _words("author authors first_author"),
)
PERSONS = _words("author authors first_author")  # who publish more than one study
YEAR = _words("year publication_year pub_year")
SYNONYMS = {
    "yi": _words("g hedges_g hedgesg hedge_s_g hedges_s_g d cohens_d cohen_d cohen_s_d smd es effect_size effectsize")
    + _words("effect_estimate estimate te log_or logor lnor log_rr logrr lnrr fisher_z fishers_z fisher_s_z zr"),
    "sei": _words("se s_e stderr std_err std_error standard_error se_g seg g_se se_d sed d_se se_es es_se se_smd")
    + _words("se_te sete se_yi yi_se"),
    "vi": _words("v var variance sampling_variance vg v_g var_g g_var vd v_d var_d d_var var_es es_var var_smd")
    + _words("var_yi yi_var"),
    "ci_lb": _words("ci_lower ci_low lower_ci lci cil ci_l lower lower_bound lower_limit ll lcl lower_95 ci_95_lower"),
    "ci_ub": _words("ci_upper ci_high upper_ci uci ciu ci_u upper upper_bound upper_limit ul ucl upper_95 ci_95_upper"),
    "ri": _words("r cor corr correlation"),
    "ni": _words("n n_total total_n sample_size samplesize"),
} | {
    f"{letter}{arm}i": tuple(f"{word}{join}{arm}" for word in _words(words) for join in ("", "_"))
    for letter, words in {"m": "m mean", "sd": "sd", "n": "n", "sem": "sem"}.items()
    for arm in ARMS
}


def plain(name: str) -> str:
    """A name without its case and signs, as synonyms are compared: "Hedges' g" is hedges_g."""
    return re.sub(r"\W+", "_", name.casefold()).strip("_")
