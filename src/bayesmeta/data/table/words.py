"""Words that people use in names of columns: statistics, groups, occasions, ratios, intervals."""

import re
from typing import NamedTuple

from bayesmeta.data.table.names import plain


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STATISTICS = {
    "m": "m mean means average avg mn mw mittelwert moyenne moy media promedio medie gemiddelde",
    "sd": "sd sds std stdev stddev std_dev standard_deviation st_dev s_d standardabweichung stabw "
    "ecart_type et ds desviacion_estandar de deviazione_standard standaarddeviatie",
    "sem": "se sem s_e std_err std_error stderr standard_error standardfehler se_mean",
    "n": "n size sample_size samplesize n_total total_n total totals participants subjects "
    "patients anzahl fallzahl effectif aantal nobs sample number number_of_participants "
    "number_of_patients",
    "a": "events event cases responders deaths died dead events_n n_events number_of_events "
    "number_of_deaths ereignisse evenements eventos affected successes pos",
    "b": "non_events nonevents no_event no_events non_cases noncases non_responders nonresponders "
    "alive survivors failures unaffected neg",
    "median": "median mdn med mediane mediana",
    "q1": "q1 q25 p25 lower_quartile first_quartile quartile_1",
    "q3": "q3 q75 p75 upper_quartile third_quartile quartile_3",
    "min": "min minimum",
    "max": "max maximum",
}
CONTROLS = _words(
    "control controls ctrl ctl con cont contr c placebo pbo plc plb sham comparator comparison "
    "comp usual tau cau usual_care treatment_as_usual care_as_usual standard_care soc waitlist wl "
    "wlc wait_list waiting_list vehicle veh reference ref untreated unexposed nonexposed "
    "non_exposed cg control_group kontrolle kontroll kontrollgruppe temoin controle controllo "
    "no_treatment saline g2 group2 group_2 arm2 arm_2 2"
)
TREATMENTS = _words(
    "treatment treated treat trt tx t intervention interventions int interv experimental exp "
    "experiment e active drug exposed eg tg ig verum therapy treatment_group intervention_group "
    "behandlung intervencion traitement g1 group1 group_1 arm1 arm_1 1"
)
BEFORE = _words(
    "pre pretest pre_test before baseline bl base t0 prior pretreatment pre_treatment vorher "
    "avant antes"
)
AFTER = _words(
    "post posttest post_test after followup follow_up fu end endpoint posttreatment "
    "post_treatment nachher apres despues"
)
FILLERS = _words("group arm of in the for no value score i gruppe groupe")
RATIOS = {
    "OR": "or odds_ratio oddsratio odds_ratios o_r",
    "HR": "hr hazard_ratio hazardratio hazards_ratio hazard_ratios h_r",
    "RR": "rr risk_ratio riskratio relative_risk rel_risk risk_ratios r_r",
    "IRR": "irr rate_ratio rateratio incidence_rate_ratio",
    "ROM": "ratio_of_means",
}
RATIO_TITLES = {
    "OR": "log odds ratio",
    "HR": "log hazard ratio",
    "RR": "log risk ratio",
    "IRR": "log incidence rate ratio",
    "ROM": "log ratio of means",
}
ADJUSTED = _words(
    "adjusted adj a unadjusted crude multivariable multivariate univariable pooled point estimate "
    "est effect value study ci 80 90 95 98 99 reported raw"
)
LOWER = _words("lower low lb ll lcl lci l lo start from left inf untere")
UPPER = _words("upper high up ub ul ucl uci u hi end to right sup obere")
OF_INTERVAL = _words(
    "ci cl confidence interval limit lim bound conf int pct percent level of es effect estimate "
    "credible cri 80 90 95 98 99"
)
PERCENT = re.compile(r"(?<![\d.])(8[05]|9[0-9](?:\.\d+)?)(?![\d.])")
STATISTIC_OF = {word: name for name, words in STATISTICS.items() for word in words.split()}
RATIO_OF = {word: name for name, words in RATIOS.items() for word in words.split()}
VAGUE = ("total", "totals", "number", "sample", "size")  # sizes, unless another word is there
STUDIES = _words(
    "study studies studie studyid paper article trial publication citation reference manuscript "
    "report etude estudio studio covidence source pmid doi author authors "
    "auteur auteurs autor autores autore autoren"
)
NAMING = _words(
    "unique id ids identifier no nr num number code key label name short included first "
    "year or subgroup and ref"
)
LONGEST = 4  # words of a phrase


class Meaning(NamedTuple):
    """What the name of a column of a group says: a statistic, and the words for the group."""

    statistic: str
    group: str


def tokens_of(name: str) -> list[str]:
    """Return the words of a name: "Mean1 (drug)" is mean, 1, drug."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name)  # MeanDrug
    parted = re.sub(r"(?<=[^\W\d_]{2})(?=\d)", "_", parted)  # mean1, but t0 and q1 stay
    return [word for word in plain(parted).split("_") if word]


def meaning_of(name: str) -> Meaning | None:
    """Return the statistic and the group of a name; None if it names no statistic of a group."""
    words = tokens_of(name)
    for length in range(min(LONGEST, len(words)), 0, -1):
        starts = range(len(words) - length + 1)
        phrases = {start: "_".join(words[start : start + length]) for start in starts}
        known = {at: STATISTIC_OF[word] for at, word in phrases.items() if word in STATISTIC_OF}
        if known:  # "total events" are events, although a total is a size
            start = min(known, key=lambda at: phrases[at] in VAGUE)
            others = [*words[:start], *words[start + length :]]
            return Meaning(known[start], _group(others))
    return _joined(words)


def names_study(name: str) -> bool:
    """Return whether a name is that of studies: unique_paper_id, Study or Subgroup."""
    words = {*tokens_of(name)}
    if "year" in words and not any(word.startswith("aut") for word in words):
        return False  # the year of a study, and no label of it
    return bool(words & STUDIES) and words <= STUDIES | NAMING


def kind_of_group(group: str) -> str:
    """Return control, treatment, before, after or "" for the words of a group."""
    kinds = {"control": CONTROLS, "treatment": TREATMENTS, "before": BEFORE, "after": AFTER}
    joined = plain(group)
    parts = [joined, *(word for word in joined.split("_") if len(word) > 1)]
    return next((kind for part in parts for kind, words in kinds.items() if part in words), "")


def ratio_of(name: str) -> str | None:
    """Return OR, HR, RR, IRR or ROM for a name of a ratio, or of its logarithm; else None."""
    words = [word for word in _without_log(name) if word not in ADJUSTED]
    joined = "_".join(words)
    adjusted = joined[1:] if joined[:1] == "a" else joined  # aOR, aHR
    return RATIO_OF.get(joined) or RATIO_OF.get(adjusted)


def is_logarithm(name: str) -> bool:
    """Return whether a name is that of a logarithm: logOR, ln(RR), log hazard ratio."""
    return _without_log(name) != plain(name).split("_")


def is_error_of_log(name: str) -> bool:
    """Return whether a name is that of the standard error of a logarithm: se_logHR, SE(ln OR)."""
    joined = plain(name)
    error = joined.startswith(("se", "stderr", "std_err", "standard_error"))
    return error and bool(re.search(r"(^|_|se)(log|ln)", joined))


def end_of_interval(name: str) -> str | None:
    """Return ci_lb or ci_ub for a name of a limit of an interval, else None."""
    words = tokens_of(name)
    others = {*words} - OF_INTERVAL - {*RATIO_OF}
    if len(others) != 1:
        return None
    (word,) = others
    if word in LOWER:
        return "ci_lb"
    return "ci_ub" if word in UPPER else None


def percent_in(name: str) -> float | None:
    """Return the confidence level in the name of an interval, "HR (90 % CI)": 90; else None."""
    match = PERCENT.search(name)
    return float(match[1]) if match else None


def _without_log(name: str) -> list[str]:
    words = plain(name).split("_")
    if words[0] in ("log", "ln", "loge"):
        return words[1:]
    for prefix in ("log", "ln"):
        if words[0].startswith(prefix) and ratio_word(words[0].removeprefix(prefix)):
            return [words[0].removeprefix(prefix), *words[1:]]
    return words


def ratio_word(word: str) -> bool:
    """Return whether a word is short for a ratio: or, hr, rr, aor."""
    return word in RATIO_OF or word[1:] in RATIO_OF


def _group(words: list[str]) -> str:
    kept = [word for word in words if word not in FILLERS]
    return "_".join(kept or words)


def _joined(words: list[str]) -> Meaning | None:
    """Return the meaning of a name whose words are not parted: mpre, sdpost, tpos."""
    joined = "_".join(words)
    known = CONTROLS | TREATMENTS | BEFORE | AFTER
    statistics = sorted(STATISTIC_OF, key=len, reverse=True)
    for word in statistics:
        for group in (joined.removeprefix(word).strip("_"), joined.removesuffix(word).strip("_")):
            if group != joined and group in known:
                return Meaning(STATISTIC_OF[word], group)
    return None
