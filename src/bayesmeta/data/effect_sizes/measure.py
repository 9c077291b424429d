"""What an effect size is to the package: the columns it takes, their limits, its formula, and where an error is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmeta.infrastructure.errors import BadInput

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
Formula = Callable[..., Pair]
Forms = Mapping[tuple[str, ...], Formula]

TWO_GROUPS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
TWO_OCCASIONS = ("m1i", "sd1i", "m2i", "sd2i", "ri", "ni")

LIMITS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("sd1i", "sd2i", "ai", "bi", "ci", "di"), (0.0, np.inf)),
    **dict.fromkeys(("n1i", "n2i", "ni"), (2.0, np.inf)),
    **dict.fromkeys(("ri", "pi"), (-1.0, 1.0)),
}
SHOWN = 10
WIDEST = 60


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
        named = dict(zip(form, arrays, strict=True))
        if problems := self.problems(form, named, rows=rows, vtype=vtype):
            raise BadInput("\n".join(problems))
        return self._effects(form, named, vtype)

    def problems(
        self,
        form: tuple[str, ...],
        columns: Mapping[str, Floats],
        *,
        rows: Sequence[int] | None = None,
        vtype: str = "LS",
    ) -> list[str]:
        """What is impossible in the columns of a form, arrays of one shape, a line each: values, then what follows."""
        lines, sound = [], np.ones(columns[form[0]].shape, bool)
        for name in form:
            low, high = self.limits.get(name, LIMITS.get(name, (-np.inf, np.inf)))
            bad = ~(np.isfinite(columns[name]) & (columns[name] >= low) & (columns[name] <= high))
            sound &= ~bad
            if bad.any():
                limit = _range(low, high)
                lines.append(f"{self.name}: {name} must be {limit}, got {places(bad, rows, columns[name])}")
        yi, vi = self._effects(form, columns, vtype)
        bad = sound & ~(np.isfinite(yi) & np.isfinite(vi) & (vi > 0))
        if bad.any():
            lines.append(f"{self.name}: no effect size follows {places(bad, rows)}; it needs {self.needs}")
        return lines

    def _effects(self, form: tuple[str, ...], columns: Mapping[str, Floats], vtype: str) -> Pair:
        extra = {"vtype": vtype} if len(self.vtypes) > 1 else {}
        with np.errstate(all="ignore"):
            return self.forms[form](*(columns[name] for name in form), **extra)


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
    text = f"{value:g}" if isinstance(value, (int, float)) else repr(value)
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}..."
