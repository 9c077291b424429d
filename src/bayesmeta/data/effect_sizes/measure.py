"""The measure: columns of an effect size, their limits, its formula, and places of errors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmeta.infrastructure.errors import BadInput

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
Formula = Callable[..., Pair]
Form = tuple[str, ...]
Forms = Mapping[Form, Formula]

TWO_GROUPS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
TWO_OCCASIONS = ("m1i", "sd1i", "m2i", "sd2i", "ri", "ni")

LIMITS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("sd1i", "sd2i", "ai", "bi", "ci", "di"), (0.0, np.inf)),
    **dict.fromkeys(("n1i", "n2i", "ni"), (2.0, np.inf)),
    **dict.fromkeys(("ri", "pi"), (-1.0, 1.0)),
}
SHOWN = 10  # values that an error lists
WIDEST = 60  # characters of a value that an error shows


@dataclass(frozen=True)
class Measure:
    """An effect size: the sets of columns that it takes, with their formulas.

    Attributes
    ----------
    name : str
        Metafor's name.
    title : str
        The name in words.
    forms : mapping of tuple of str to callable
        The accepted sets of columns, with their formulas; the first that is complete is used.
    needs : str
        Conditions on the values beyond the limits of their columns; part of the error message.
    vtypes : tuple of str
        The variance estimators, by metafor's names; the first is the default.
    limits : mapping of str to pair of float
        Columns with other least and largest values than `LIMITS`.
    """

    name: str
    title: str
    forms: Forms
    needs: str
    vtypes: tuple[str, ...] = ("LS",)
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def form(self, available: Sequence[str]) -> Form | None:
        """Return the first accepted set of columns that `available` completes, or None."""
        have = set(available)
        return next((columns for columns in self.forms if set(columns) <= have), None)

    def __call__(
        self, *, vtype: str = "LS", rows: Sequence[int] | None = None, **columns: ArrayLike
    ) -> Pair:
        """Return effect sizes and sampling variances.

        Parameters
        ----------
        vtype : str
            Variance estimator, in `vtypes`.
        rows : sequence of int, optional
            Numbers by which an error names the values, such as spreadsheet rows; by default
            positions from 0.
        **columns : array_like
            Arrays or scalars that complete a set of `forms`.

        Returns
        -------
        yi, vi : ndarray
            Floats of the broadcast shape; every yi is finite, every vi finite and above 0.

        Raises
        ------
        BadInput
            Values are missing, infinite or beyond their limits (sd < 0, n < 2, |r| > 1), or no
            effect follows from them. Every such column is named, with positions and values; no
            value becomes nan without an error.
        TypeError
            The columns complete no form, or a column or `vtype` is unknown.
        """
        form = self.form(list(columns))
        unknown = set(columns).difference(*self.forms)
        if form is None or unknown or vtype not in self.vtypes:
            forms = " or ".join(map(str, self.forms))
            raise TypeError(
                f"{self.name} takes {forms}, vtype one of {self.vtypes}; got {list(columns)}, "
                f"vtype {vtype!r}"
            )
        arrays = np.broadcast_arrays(*(columns[name] for name in form))
        values = {name: np.asarray(array, float) for name, array in zip(form, arrays, strict=True)}
        if problems := self.problems(form, values, rows=rows, vtype=vtype):
            raise BadInput("\n".join(problems))
        return self._effects(form, values, vtype)

    def problems(
        self,
        form: Form,
        columns: Mapping[str, Floats],
        *,
        rows: Sequence[int] | None = None,
        vtype: str = "LS",
    ) -> list[str]:
        """Return the impossible values in the columns of a form, a line per problem.

        Parameters
        ----------
        form : tuple of str
            A set of `forms`.
        columns : mapping of str to ndarray
            Arrays of the same shape.
        rows, vtype : sequence of int, str
            As for a call.
        """
        wrong = {name: self._beyond_limits(name, columns[name]) for name in form}
        lines = [
            f"{self.name}: {name} must be {_range(*self._limits(name))}, got "
            f"{places(bad, rows, columns[name])}"
            for name, bad in wrong.items()
            if bad.any()
        ]
        yi, vi = self._effects(form, columns, vtype)
        impossible = ~(np.isfinite(yi) & np.isfinite(vi) & (vi > 0))
        impossible &= ~np.any(list(wrong.values()), axis=0)
        if impossible.any():
            lines.append(
                f"{self.name}: no effect size follows {places(impossible, rows)}; it needs "
                f"{self.needs}"
            )
        return lines

    def _limits(self, name: str) -> tuple[float, float]:
        """Return the least and the largest value of a column."""
        return self.limits.get(name, LIMITS.get(name, (-np.inf, np.inf)))

    def _beyond_limits(self, name: str, values: Floats) -> NDArray[np.bool]:
        """Return the values (boolean) that are missing, infinite or beyond the limits."""
        low, high = self._limits(name)
        return ~(np.isfinite(values) & (values >= low) & (values <= high))

    def _effects(self, form: Form, columns: Mapping[str, Floats], vtype: str) -> Pair:
        """Return yi and vi; nan or infinite if no effect follows."""
        options = {"vtype": vtype} if len(self.vtypes) > 1 else {}
        with np.errstate(all="ignore"):
            return self.forms[form](*(columns[name] for name in form), **options)


def places(
    bad: ArrayLike, rows: Sequence[int] | None = None, values: ArrayLike | None = None
) -> str:
    """Return the places of errors in words: "-3 at row 4, 7 at row 9 and 2 more".

    Parameters
    ----------
    bad : array_like
        True for every error.
    rows : sequence of int, optional
        Row numbers; without them positions from 0 are given.
    values : array_like, optional
        The wrong values.
    """
    positions = np.flatnonzero(np.asarray(bad, bool)).tolist()
    more = f" and {len(positions) - SHOWN} more" if len(positions) > SHOWN else ""
    listed = None if values is None else np.asarray(values).ravel().tolist()
    shown = [
        ("" if listed is None else f"{_shown(listed[position])} ")
        + (f"at position {position}" if rows is None else f"at row {rows[position]}")
        for position in positions[:SHOWN]
    ]
    return ", ".join(shown) + more


def _range(low: float, high: float) -> str:
    """Return limits in words."""
    if np.isinf(low):
        return "a finite number"
    return f"at least {low:g}" if np.isinf(high) else f"from {low:g} to {high:g}"


def _shown(value: object) -> str:
    """Return a value as an error shows it."""
    text = f"{value:g}" if isinstance(value, (int, float)) else repr(value)
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}..."
