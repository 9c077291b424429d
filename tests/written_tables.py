"""Tables as people write them, with the effects that they mean.

Expected effects are formulae, or numbers of metafor's escalc.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from bayesmeta.data.effect_sizes import MEASURES

DRUG = MEASURES["SMD"](
    m1i=[31.0, 30.2, 32.4],
    sd1i=[5.2, 6.0, 4.9],
    n1i=[20, 18, 30],
    m2i=[28.1, 29.0, 29.3],
    sd2i=[4.8, 5.7, 5.1],
    n2i=[20, 19, 31],
)[0]
ODDS = [-0.7444, -1.3022, -0.3140]  # metafor: OR of 12/60, 20/58; 3/41, 9/40; 25/110, 31/108
RISKS = [-0.5447, -1.1233, -0.2335]
HR = [0.72, 0.81, 0.64]
LOW = [0.55, 0.60, 0.47]
HIGH = [0.94, 1.09, 0.87]
EVENTS = "Abel 2004,12,60,20,58{}\nBond 2008,3,41,9,40{}\nCray 2011,25,110,31,108{}\n"


class Table(NamedTuple):
    """A table, the effects that it means, and words that its notes contain."""

    text: str
    yi: Sequence[float]
    notes: tuple[str, ...] = ()
    columns: str = ""
    vi: Sequence[float] = ()


def half(share: float) -> float:
    """Return half the width of an interval in standard errors."""
    return float(norm.ppf(0.5 + share / 2))


def of_width(low: Sequence[float], high: Sequence[float], share: float = 0.95) -> list[float]:
    """Return the variances of logarithms of ratios with these intervals."""
    return list(((np.log(high) - np.log(low)) / (2 * half(share))) ** 2)


def ratios(header: str, separator: str = ",") -> str:
    rows = zip("KLM", HR, LOW, HIGH, strict=True)
    return "\n".join([header, *(separator.join(map(str, row)) for row in rows)])


TABLES = {
    "hazard ratios": Table(
        ratios("study,HR,lower,upper"),
        np.log(HR),
        ("log hazard ratio: the logarithm of HR is analysed",),
        vi=of_width(LOW, HIGH),
    ),
    "90 % in the header": Table(
        ratios("study;OR;90% CI lower;90% CI upper", ";").replace(".", ","),
        np.log(HR),
        ("from 90 % intervals", "decimal comma"),
        vi=of_width(LOW, HIGH, 0.9),
    ),
    "a level per row": Table(
        "study,g,lower,upper,level\na,0.5,0.2,0.8,90\nb,0.4,0.1,0.7,99\n",
        [0.5, 0.4],
        ("90, 99 % (column level)",),
        vi=[(0.3 / half(0.9)) ** 2, (0.3 / half(0.99)) ** 2],
    ),
    "a level in a cell": Table(
        'study,RR\na,"0.50 (99% CI 0.25 to 1.00)"\nb,"0.80 (0.60 to 1.07)"\n',
        np.log([0.5, 0.8]),
        ("cells of RR are split", "95, 99 % (column CI level)"),
        vi=[*of_width([0.25], [1.0], 0.99), *of_width([0.6], [1.07])],
    ),
    "a ratio below 0 is a logarithm": Table(
        "study,OR,SE\na,0.5,0.2\nb,-0.2,0.3\n", [0.5, -0.2], ("read as logarithms of OR",)
    ),
    "the error of a logarithm": Table(
        "study,OR,se_logOR\na,1.5,0.2\nb,0.8,0.3\n", np.log([1.5, 0.8]), vi=[0.04, 0.09]
    ),
    "the error of a ratio, as asked": Table(
        "study,OR,SE\na,1.5,0.3\nb,0.8,0.2\n",
        np.log([1.5, 0.8]),
        columns="scale=ratio, error=ratio",
        vi=[0.04, 0.0625],
    ),
    "Peto": Table(
        "Study,Events 1,Total 1,Events 2,Total 2,O-E,Variance,Effect Estimate,CI Start,CI End\n"
        "A,12,60,20,58,-4.27,5.83,0.48,0.21,1.08\nB,3,41,9,40,-3.07,2.58,0.30,0.09,1.03\n",
        [-4.27 / 5.83, -3.07 / 2.58],
        ("yi = (O - E) / V and vi = 1 / V",),
        vi=[1 / 5.83, 1 / 2.58],
    ),
    "RevMan risk ratios": Table(
        "Study,Events 1,Total 1,Events 2,Total 2,O-E,Variance,Effect Estimate,CI Start,CI End\n"
        + EVENTS.format(",0,0,0.58,0.31,1.08", ",0,0,0.33,0.09,1.11", ",0,0,0.79,0.50,1.25"),
        RISKS,
        ("RR is computed, because it gives the file's Effect Estimate",),
    ),
    "repeated names": Table(
        "Study or Subgroup,Events,Total,Events,Total,Weight\n" + EVENTS.format(*[",14.2%"] * 3),
        ODDS,
        ("numbered: Study or Subgroup, Events 1, Total 1, Events 2, Total 2", "without their %"),
    ),
    "before and after": Table(
        "study,mpre,sdpre,mpost,sdpost,r,n\na,10,2,12,2.5,.6,20\nb,9,2,10,2.2,.5,30\n",
        MEASURES["SMCC"](
            m1i=[12, 10], sd1i=[2.5, 2.2], m2i=[10, 9], sd2i=2, ri=[0.6, 0.5], ni=[20, 30]
        )[0],
        ("m1i is read from mpost", "SMCC"),
    ),
    "totals": Table(
        "outcome,Study,g,SE\nTotal,Abel,0.48,0.21\nx,Total Diet Study 2003,0.3,0.19\n"
        "x,Subtotal (95% CI),0.38,0.11\n,Overall (I-squared = 30%),0.38,0.11\n"
        "x,Random effects model,0.38,0.11\nHeterogeneity: Chi2 = 3,,,\n",
        [0.48, 0.3],
        ("4 of 6 rows are left out, because totals are not studies: 'Subtotal (95% CI)' at row 4",),
    ),
    "missing words": Table(
        "study,g,se\na,0.5,0.1\nb,NR,0.1\nc,0.3,n/a\nd,-,.\ne,0.2,0.1\n",
        [0.5, 0.2],
        ("cells read as missing: g ('NR' at row 3", "3 of 5 rows are left out"),
        "incomplete=omit",
    ),
    "rows that cannot be an effect": Table(
        "study,g,se\na,0.5,0.1\nb,see text,0.1\nc,0.3,-1\n,0.3,0.1\ne,0.2,0\nf,inf,1\ng,0.1,0.1\n",
        [0.5, 0.1],
        ("got 'see text' at row 3", "5 of 7 rows are left out"),
        "incomplete=omit",
    ),
    "raw numbers that cannot be": Table(
        "study,m1i,sd1i,n1i,m2i,sd2i,n2i\nT,31.0,5.2,20,28.1,4.8,20\nx,31,-5,20,28,5,20\n"
        "U,30.2,6.0,18,29.0,5.7,19\ny,31,5,1,28,5,20\nV,32.4,4.9,30,29.3,5.1,31\n",
        DRUG,
        ("sd1i must be at least 0, got -5 at row 3", "2 of 5 rows are left out"),
        "incomplete=omit",
    ),
    "marks": Table(
        "study,g,SE\na,0.42*,0.16\nb,.15,.18\nc,~0.61,0.14\nd,0.3 (est.),0.2\n",
        [0.42, 0.15, 0.61, 0.3],
        ("'0.42*' at row 2, '~0.61' at row 4, '0.3 (est.)' at row 5",),
    ),
    "an estimate with its interval": Table(
        'study,"g (95% CI)"\na,"0.42 [0.10, 0.74]"\nb,"0.15 (-0.20 to 0.50)"\n',
        [0.42, 0.15],
        ("cells of g (95% CI) are split into g, lower 95 % CI, upper 95 % CI",),
        vi=[(0.32 / half(0.95)) ** 2, (0.35 / half(0.95)) ** 2],
    ),
    "means with SDs": Table(
        "study,Mean (SD) drug,n drug,Mean (SD) placebo,n placebo\nT,31.0 (5.2),20,28.1 (4.8),20\n"
        "U,30.2 (6.0),18,29.0 ± 5.7,19\nV,32.4 (4.9),30,29.3 (5.1),31\n",
        DRUG,
    ),
    "events of totals": Table(
        "study,drug (n/N),control (n/N)\na,12/60,20/58\nb,3/41,9/40\nc,25/110,31/108\n", ODDS
    ),
    "names with commas": Table(
        'Study,"Mean, drug","SD, drug","N, drug","Mean, placebo","SD, placebo","N, placebo"\n'
        "T,31.0,5.2,20,28.1,4.8,20\nU,30.2,6.0,18,29.0,5.7,19\nV,32.4,4.9,30,29.3,5.1,31\n",
        DRUG,
        columns='m1i="Mean, drug", sd1i="SD, drug", n1i="N, drug"',
    ),
    "groups in German": Table(
        "Studie;Mittelwert Verum;SD Verum;N Verum;Mittelwert Kontrolle;SD Kontrolle;N Kontrolle\n"
        "T;31,0;5,2;20;28,1;4,8;20\nU;30,2;6,0;18;29,0;5,7;19\nV;32,4;4,9;30;29,3;5,1;31\n",
        DRUG,
    ),
    "outcomes side by side": Table(
        "study,year,g_anx,v_anx,g_dep,v_dep\nO,2009,0.42,0.051,0.35,0.05\nP,2012,0.1,0.022,,\n",
        [0.42, 0.35, 0.1],
        ("distinguished by outcome: anx: g_anx, v_anx; dep: g_dep, v_dep",),
    ),
    "outcomes of groups side by side": Table(
        "study,anx_mean_drug,anx_sd_drug,anx_n_drug,anx_mean_ctl,anx_sd_ctl,anx_n_ctl,dep_mean_drug,"
        "dep_sd_drug,dep_n_drug,dep_mean_ctl,dep_sd_ctl,dep_n_ctl\n"
        "T,31.0,5.2,20,28.1,4.8,20,30.2,6.0,18,29.0,5.7,19\n"
        "V,32.4,4.9,30,29.3,5.1,31,,,,,,\n",
        DRUG,
    ),
    "ratios of outcomes side by side": Table(
        "study,or_death,or_death_lower,or_death_upper,or_mi,or_mi_lower,or_mi_upper\n"
        "a,0.5,0.2,1.25,0.6,0.3,1.2\nb,0.7,0.35,1.4,,,\n",
        np.log([0.5, 0.6, 0.7]),
        ("log odds ratio",),
    ),
    "doses and one control side by side": Table(
        "study,mean_low,sd_low,n_low,mean_high,sd_high,n_high,mean_ctl,sd_ctl,n_ctl\n"
        "T,31.0,5.2,20,28.1,4.8,20,28.1,4.8,20\nU,30.2,6.0,18,,,,29.0,5.7,19\n",
        [DRUG[0], 0, DRUG[1]],
        ("they share their control",),
    ),
    "a row per group": Table(
        "study,treatment,n,mean,sd\nT,drug,20,31.0,5.2\nT,placebo,20,28.1,4.8\n"
        "U,placebo,19,29.0,5.7\nU,drug,18,30.2,6.0\nV,drug,30,32.4,4.9\nV,placebo,31,29.3,5.1\n",
        DRUG,
        ("rows are groups (treatment): they are compared with placebo, 3 comparisons",),
    ),
    "a row per group and outcome": Table(
        "Study,Outcome,Arm,Events,N\na,x,trt,12,60\na,x,ctrl,20,58\na,y,trt,3,41\na,y,ctrl,9,40\n"
        "b,x,trt,25,110\nb,x,ctrl,31,108\n",
        ODDS,
    ),
    "a title above": Table(
        "My review; table 1\nstudy;yi;vi\na;0,5;0,1\nb;0,2;0,1\n* from a figure\n",
        [0.5, 0.2],
        ("stands above the table: 'My review table 1'; the names of columns are in row 2",),
    ),
    "papers": Table(
        "unique_paper_id,d,var_d\n101,0.6,0.1\n101,0.2,0.04\n102,0.3,0.03\n",
        [0.6, 0.2, 0.3],
        ("study is read from unique_paper_id",),
    ),
}
