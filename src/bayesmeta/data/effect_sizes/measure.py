"""The measure: columns of an effect size, their limits, its formula, and places of errors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmeta.data.effect_sizes.scales import AS_IT_IS, Scale
from bayesmeta.infrastructure.errors import BadInput

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
Formula = Callable[..., Pair]
Form = tuple[str, ...]
Forms = Mapping[Form, Formula]
Rows = Sequence[int] | None

TWO_GROUPS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
TWO_OCCASIONS = ("m1i", "sd1i", "m2i", "sd2i", "ri", "ni")

COUNTS = ("ai", "bi", "ci", "di", "x1i", "x2i", "xi")
POSITIVE = ("sd1i", "sd2i", "sdi", "t1i", "t2i", "hri", "hri_lb", "hri_ub")

Limits = Mapping[str, tuple[float, float]]
LIMITS: Limits = {
    **dict.fromkeys((*COUNTS, *POSITIVE), (0.0, np.inf)),
    **dict.fromkeys(("n1i", "n2i", "ni"), (2.0, np.inf)),
    **dict.fromkeys(("ri", "pi"), (-1.0, 1.0)),
    "r2i": (0.0, 1.0),
}
Notes = Callable[[Mapping[str, Floats], Rows], list[str]]
SHOWN = 10  # values that an error lists
WIDEST = 60  # characters of a value that an error shows


def nothing(_columns: Mapping[str, Floats], _rows: Rows) -> list[str]:
    """Return no lines: a measure whose formulas change no number."""
    return []


@dataclass(frozen=True)
class Measure:
    """An effect size: the sets of columns that it takes, with their formulas, and its scale.

    Attributes
    ----------
    name, title : metafor's name, and the name in words.
    forms : the accepted sets of columns, with their formulas; the first that is complete is used.
    needs : conditions on the values beyond the limits of their columns, for the error message.
    vtypes : the variance estimators, by metafor's names; the first is the default.
    limits : columns with other least and largest values than `LIMITS`.
    scale : the scale on which it is read, and the transformation to it.
    null : the effect size that means no effect; None if no value does, as for a single group.
    guessed : whether a table whose columns complete a form is taken to mean it without being asked.
    notes : lines about some columns of a form, such as what was added to which rows.
    warning : why the measure is rarely right, printed if it is asked for.
    """

    name: str
    title: str
    forms: Forms
    needs: str
    vtypes: tuple[str, ...] = ("LS",)
    limits: Limits = field(default_factory=dict)
    scale: Scale = AS_IT_IS
    null: float | None = 0.0
    guessed: bool = False
    notes: Notes = nothing
    warning: str = ""

    def form(self, available: Sequence[str]) -> Form | None:
        """Return the first accepted set of columns that `available` completes, or None."""
        have = set(available)
        return next((columns for columns in self.forms if set(columns) <= have), None)

    def __call__(self, *, vtype: str = "LS", rows: Rows = None, **columns: ArrayLike) -> Pair:
        """Return yi and vi of the broadcast shape: every yi is finite, every vi finite and above 0.

        Raise BadInput if values are missing, infinite or beyond their limits (sd < 0, n < 2,
        |r| > 1), or no effect follows from them: every such column is named, with positions and
        values; no value becomes nan without an error. Raise TypeError if the columns complete no
        form, or a column or `vtype` is unknown.

        `rows` are numbers by which an error names the values, such as spreadsheet rows; by default
        positions from 0. `columns` are arrays or scalars that complete a set of `forms`.
        """
        form = self.form(list(columns))
        unknown = set(columns).difference(*self.forms)
        if form is None or unknown or vtype not in self.vtypes:
            taken = f"{' or '.join(map(str, self.forms))}, vtype one of {self.vtypes}"
            raise TypeError(f"{self.name} takes {taken}; got {list(columns)}, vtype {vtype!r}")
        arrays = np.broadcast_arrays(*(columns[name] for name in form))
        values = {name: np.asarray(array, float) for name, array in zip(form, arrays, strict=True)}
        if problems := self.problems(form, values, rows=rows, vtype=vtype):
            raise BadInput("\n".join(problems))
        return self._effects(form, values, vtype)

    def problems(
        self, form: Form, columns: Mapping[str, Floats], *, rows: Rows = None, vtype: str = "LS"
    ) -> list[str]:
        """Return the impossible values in the columns of a form, a line per problem.

        `columns` are arrays of the same shape; `rows` and `vtype` are as for a call.
        """
        lines = []
        possible = np.ones_like(columns[form[0]], bool)
        for name in form:
            values = columns[name]
            low, high = {**LIMITS, **self.limits}.get(name, (-np.inf, np.inf))
            fits = np.isfinite(values) & (values >= low) & (values <= high)
            possible &= fits
            if not fits.all():
                got = places(~fits, rows, values)
                lines.append(f"{self.name}: {name} must be {_range(low, high)}, got {got}")
        yi, vi = self._effects(form, columns, vtype)
        impossible = possible & ~(np.isfinite(yi) & np.isfinite(vi) & (vi > 0))
        if impossible.any():
            where = places(impossible, rows)
            lines.append(f"{self.name}: no effect size follows {where}; it needs {self.needs}")
        return lines

    def _effects(self, form: Form, columns: Mapping[str, Floats], vtype: str) -> Pair:
        options = {"vtype": vtype} if len(self.vtypes) > 1 else {}
        with np.errstate(all="ignore"):
            return self.forms[form](*(columns[name] for name in form), **options)


def places(bad: ArrayLike, rows: Rows = None, values: ArrayLike | None = None) -> str:
    """Return the places (and values) of errors in words: "-3 at row 4, 7 at row 9 and 2 more"."""
    positions = np.flatnonzero(np.asarray(bad, bool)).tolist()
    more = f" and {len(positions) - SHOWN} more" if len(positions) > SHOWN else ""
    first = positions[:SHOWN]
    shown = [f"at position {p}" if rows is None else f"at row {rows[p]}" for p in first]
    if values is not None:
        listed = np.asarray(values).ravel().tolist()
        shown = [f"{_shown(listed[p])} {place}" for p, place in zip(first, shown, strict=True)]
    return ", ".join(shown) + more


def _range(low: float, high: float) -> str:
    if np.isinf(low):
        return "a finite number"
    return f"at least {low:g}" if np.isinf(high) else f"from {low:g} to {high:g}"


def _shown(value: object) -> str:
    text = f"{value:g}" if isinstance(value, (int, float)) else repr(value)
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}..."
