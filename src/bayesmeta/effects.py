"""Effect sizes and their sampling variances, under the names of metafor's `escalc`.

    yi, vi = MEASURES["SMD"](m1i=..., sd1i=..., n1i=..., m2i=..., sd2i=..., n2i=...)

Every column is an array or a scalar; they broadcast. `MEASURES["SMD"].forms` lists the accepted sets of
columns. 1 is the group (or occasion) of interest, 2 its control: yi > 0 where the first is larger.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from bayesmeta.errors import BadInput

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
Formula = Callable[..., Pair]
Forms = Mapping[tuple[str, ...], Formula]

TWO_GROUPS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
TWO_OCCASIONS = ("m1i", "sd1i", "m2i", "sd2i", "ri", "ni")

LIMITS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("sd1i", "sd2i", "ai", "bi", "ci", "di"), (0.0, np.inf)),
    **dict.fromkeys(("n1i", "n2i", "ni"), (2.0, np.inf)),
    "ri": (-1.0, 1.0),
}
SHOWN = 10


@dataclass(frozen=True)
class Measure:
    """One effect size: which columns it takes, and how.

    Attributes
    ----------
    name : metafor's name.
    title : the name in words.
    forms : the accepted sets of columns, each with its formula; the first that is complete is used.
    needs : what the values must satisfy beyond the limits of each column; part of the error message.
    vtypes : the variance estimators known, metafor's names; the first is the default.
    limits : columns whose least and largest value differ from `LIMITS`.
    """

    name: str
    title: str
    forms: Forms
    needs: str
    vtypes: tuple[str, ...] = ("LS",)
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def form(self, available: Sequence[str]) -> tuple[str, ...] | None:
        """The first accepted set of columns that `available` completes, or None."""
        return next((columns for columns in self.forms if set(columns) <= set(available)), None)

    def __call__(self, *, vtype: str = "LS", rows: Sequence[int] | None = None, **columns: ArrayLike) -> Pair:
        """Effect sizes and sampling variances.

        Parameters
        ----------
        vtype : variance estimator, one of `vtypes`.
        rows : numbers by which an error names the values, such as spreadsheet rows; positions from 0 if None.
        **columns : arrays or scalars that complete one of `forms`.

        Returns
        -------
        yi, vi : float arrays of the broadcast shape; every yi finite, every vi finite and above 0.

        Raises
        ------
        BadInput
            Values are missing, infinite or beyond their limits (sd < 0, n < 2, |r| > 1), or no effect follows
            from them. Every such column is named, with positions and values; nothing becomes nan silently.
        TypeError
            The columns complete no form, or one of them or `vtype` is unknown.
        """
        form = self.form(list(columns))
        unknown = set(columns).difference(*self.forms)
        if form is None or unknown or vtype not in self.vtypes:
            takes = f"{self.name} takes {' or '.join(map(str, self.forms))}, vtype one of {self.vtypes}"
            raise TypeError(f"{takes}; got {list(columns)}, vtype {vtype!r}")
        arrays = [np.asarray(a, float) for a in np.broadcast_arrays(*(columns[name] for name in form))]
        self._check_limits(dict(zip(form, arrays, strict=True)), rows)
        extra = {"vtype": vtype} if len(self.vtypes) > 1 else {}
        with np.errstate(all="ignore"):
            yi, vi = self.forms[form](*arrays, **extra)
        bad = ~(np.isfinite(yi) & np.isfinite(vi) & (vi > 0))
        if bad.any():
            raise BadInput(f"{self.name}: no effect size follows {places(bad, rows)}; it needs {self.needs}")
        return yi, vi

    def _check_limits(self, arrays: Mapping[str, Floats], rows: Sequence[int] | None) -> None:
        problems = []
        for name, values in arrays.items():
            low, high = self.limits.get(name, LIMITS.get(name, (-np.inf, np.inf)))
            bad = ~(np.isfinite(values) & (values >= low) & (values <= high))
            if bad.any():
                limit = _range(low, high)
                problems.append(f"{self.name}: {name} must be {limit}, got {places(bad, rows, values)}")
        if problems:
            raise BadInput("\n".join(problems))


def correction(df: ArrayLike) -> Floats:
    """Hedges' exact small-sample correction J(df); nan where df <= 1.

    J = Gamma(df/2) / (sqrt(df/2) Gamma((df-1)/2)), dimensionless, below 1.
    Source: Hedges (1981), doi:10.3102/10769986006002107. In metafor: the `cmi` of `escalc`.
    """
    df = np.asarray(df, float)
    with np.errstate(all="ignore"):
        exact = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2)
    return np.where(df > 1, exact, np.nan)


def smd(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats, *, vtype: str = "LS") -> Pair:
    """Hedges' g, in pooled standard deviations; metafor's SMD. Fractional n1i, n2i are allowed.

    g = J(m) (m1 - m2) / sd_pooled,  m = n1 + n2 - 2
    LS: v = 1/n1 + 1/n2 + g^2 / (2 (n1 + n2));  UB: v = 1/n1 + 1/n2 + (1 - (m - 2) / (m J^2)) g^2
    Source: Hedges (1982), doi:10.1037/0033-2909.92.2.490; UB: Hedges (1983), doi:10.1037/0033-2909.93.2.388.
    """
    df = n1i + n2i - 2
    pooled = np.sqrt(((n1i - 1) * sd1i**2 + (n2i - 1) * sd2i**2) / df)
    yi = correction(df) * ((m1i - m2i) / pooled)
    spread = 1 / (2 * (n1i + n2i)) if vtype == "LS" else 1 - (df - 2) / (df * correction(df) ** 2)
    return yi, 1 / n1i + 1 / n2i + spread * yi**2


def smdh(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Mean difference over sqrt((sd1^2 + sd2^2) / 2), for unequal variances; metafor's SMDH.

    g = J(n1 + n2 - 2) (m1 - m2) / s,  s^2 = (sd1^2 + sd2^2) / 2
    v = (sd1^2 / (n1-1) + sd2^2 / (n2-1)) / s^2 + g^2 (sd1^4 / (n1-1) + sd2^4 / (n2-1)) / (8 s^4)
    Source: Bonett (2009), equation 5, doi:10.1037/a0016619; metafor 4.6 and later (3.8 has J^2 v).
    """
    square = (sd1i**2 + sd2i**2) / 2
    yi = correction(n1i + n2i - 2) * ((m1i - m2i) / np.sqrt(square))
    means = (sd1i**2 / (n1i - 1) + sd2i**2 / (n2i - 1)) / square
    return yi, means + yi**2 * (sd1i**4 / (n1i - 1) + sd2i**4 / (n2i - 1)) / (8 * square**2)


def md(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Mean difference m1 - m2, in the unit of the data, v = sd1^2/n1 + sd2^2/n2; metafor's MD."""
    return m1i - m2i, sd1i**2 / n1i + sd2i**2 / n2i


def rom(m1i: Floats, sd1i: Floats, n1i: Floats, m2i: Floats, sd2i: Floats, n2i: Floats) -> Pair:
    """Log ratio of means, log(m1 / m2), v = sd1^2/(n1 m1^2) + sd2^2/(n2 m2^2); metafor's ROM.

    Source: Hedges, Gurevitch & Curtis (1999), doi:10.1890/0012-9658(1999)080[1150:TMAORR]2.0.CO;2.
    """
    return np.log(m1i / m2i), sd1i**2 / (n1i * m1i**2) + sd2i**2 / (n2i * m2i**2)


def zcor(ri: Floats, ni: Floats) -> Pair:
    """Fisher's z of a correlation, atanh(r), v = 1 / (n - 3); metafor's ZCOR.

    Source: Fisher (1921), Metron 1, 3-32.
    """
    return np.arctanh(ri), np.where(ni > 3, 1 / (ni - 3), np.nan)


def log_odds_ratio(ai: Floats, bi: Floats, ci: Floats, di: Floats) -> Pair:
    """Log odds ratio log(a d / (b c)), v = 1/a + 1/b + 1/c + 1/d; metafor's OR (add = 1/2, to = "only0").

    1/2 is added to the four cells of each table that has an empty one.
    Source: Woolf (1955), doi:10.1111/j.1469-1809.1955.tb01348.x.
    """
    cells = np.stack([ai, bi, ci, di])
    cells = np.where((cells < 0).any(0), np.nan, cells + 0.5 * (cells == 0).any(0))
    a, b, c, d = cells
    return np.log(a / b) - np.log(c / d), (1 / cells).sum(0)


def log_odds_ratio_n(ai: Floats, n1i: Floats, ci: Floats, n2i: Floats) -> Pair:
    """`log_odds_ratio` from the events a, c and the group sizes n1 = a + b, n2 = c + d."""
    return log_odds_ratio(ai, n1i - ai, ci, n2i - ci)


def smcc_t(ti: Floats, ni: Floats) -> Pair:
    """`smcc` from the paired t statistic: g = J(n - 1) t / sqrt(n)."""
    yi = correction(ni - 1) * (ti / np.sqrt(ni))
    return yi, 1 / ni + yi**2 / (2 * ni)


def smcc(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Mean change over the standard deviation of the change (d_z, corrected); metafor's SMCC.

    g = J(n - 1) (m1 - m2) / sd_change,  sd_change^2 = sd1^2 + sd2^2 - 2 r sd1 sd2;  v = 1/n + g^2 / (2 n)
    Source: Gibbons, Hedeker & Davis (1993), doi:10.3102/10769986018003271.
    """
    change = np.sqrt(sd1i**2 + sd2i**2 - 2 * ri * sd1i * sd2i)
    return smcc_t((m1i - m2i) / change * np.sqrt(ni), ni)


def smcrp(m1i: Floats, sd1i: Floats, m2i: Floats, sd2i: Floats, ri: Floats, ni: Floats) -> Pair:
    """Mean change over sqrt((sd1^2 + sd2^2) / 2) (d_av, corrected); metafor's SMCRP (4.6 and later).

    g = J(2 (n - 1) / (1 + r^2)) (m1 - m2) / s,  s^2 = (sd1^2 + sd2^2) / 2
    v = 2 (1 - r) / n + g^2 (1 + r^2) / (4 n)
    Source: Cousineau (2020), doi:10.20982/tqmp.16.4.p418.
    """
    yi = correction(2 * (ni - 1) / (1 + ri**2)) * ((m1i - m2i) / np.sqrt((sd1i**2 + sd2i**2) / 2))
    return yi, 2 * (1 - ri) / ni + yi**2 * (1 + ri**2) / (4 * ni)


def _range(low: float, high: float) -> str:
    if np.isinf(low):
        return "a finite number"
    return f"at least {low:g}" if np.isinf(high) else f"from {low:g} to {high:g}"


def places(bad: ArrayLike, rows: Sequence[int] | None = None, values: ArrayLike | None = None) -> str:
    """Where `bad` is true, as errors say it: "-3 at row 4 and 2 more"; positions without `rows`."""
    positions = np.flatnonzero(np.asarray(bad, bool)).tolist()
    listed = [] if values is None else np.asarray(values).ravel().tolist()
    got = [f"{_shown(listed[p])} " if listed else "" for p in positions]
    place = [f"at position {p}" if rows is None else f"at row {rows[p]}" for p in positions]
    shown = [g + p for g, p in zip(got, place, strict=True)]
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else repr(value)


_SPREAD = "a standard deviation above 0"
_ODDS: Forms = {("ai", "bi", "ci", "di"): log_odds_ratio, ("ai", "n1i", "ci", "n2i"): log_odds_ratio_n}
_CHANGE: Forms = {TWO_OCCASIONS: smcc, ("ti", "ni"): smcc_t}
_COUNTS = dict.fromkeys(("n1i", "n2i"), (0.0, np.inf))

MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("SMD", "standardised mean difference (Hedges' g)", {TWO_GROUPS: smd}, _SPREAD, ("LS", "UB")),
        Measure("SMDH", "standardised mean difference, unequal variances", {TWO_GROUPS: smdh}, _SPREAD),
        Measure("MD", "mean difference", {TWO_GROUPS: md}, _SPREAD),
        Measure("ROM", "log ratio of means", {TWO_GROUPS: rom}, f"two means of one sign and {_SPREAD}"),
        Measure("ZCOR", "Fisher's z", {("ri", "ni"): zcor}, "|ri| < 1 and ni > 3"),
        Measure("OR", "log odds ratio", _ODDS, "ai <= n1i and ci <= n2i", limits=_COUNTS),
        Measure("SMCC", "standardised mean change (d_z)", _CHANGE, "ni > 2 and a change that varies"),
        Measure("SMCRP", "standardised mean change (d_av)", {TWO_OCCASIONS: smcrp}, f"ni > 2 and {_SPREAD}"),
    )
}
