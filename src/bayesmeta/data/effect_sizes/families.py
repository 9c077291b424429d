"""Rows of the table of measures whose columns are the same: what a family has in common."""

import numpy as np

from bayesmeta.data.effect_sizes import correlations, counts, means, proportions, zeros
from bayesmeta.data.effect_sizes.measure import (
    TWO_OCCASIONS,
    Form,
    Forms,
    Formula,
    Limits,
    Measure,
    Notes,
)
from bayesmeta.data.effect_sizes.scales import AS_IT_IS, Scale

SD = "a standard deviation above 0"
SAME_SIGN = f"two means of the same sign and {SD}"
VARIES = "ni > 2 and a change that varies"
CELLS = ("ai", "bi", "ci", "di")
EVENTS = ("ai", "n1i", "ci", "n2i")
TWO_RATES = ("x1i", "t1i", "x2i", "t2i")
ONE_GROUP = ("mi", "sdi", "ni")
NOT_NEGATIVE = (0.0, np.inf)
SIZES: Limits = {"n1i": NOT_NEGATIVE, "n2i": NOT_NEGATIVE}


def of_counts(
    name: str,
    title: str,
    formula: Formula,
    scale: Scale = AS_IT_IS,
    *,
    needs: str = "ai <= n1i and ci <= n2i",
    notes: Notes = zeros.notes,
    guessed: bool = False,
) -> Measure:
    """Return a measure of two groups, from the four cells, or from events and group sizes."""
    forms: Forms = {CELLS: formula, EVENTS: counts.by_sizes(formula)}
    return Measure(
        name, title, forms, needs, limits=SIZES, scale=scale, notes=notes, guessed=guessed
    )


def of_pairs(name: str, title: str, formula: Formula, scale: Scale = AS_IT_IS) -> Measure:
    """Return a measure of matched pairs, from the four cells of the table of pairs."""
    needs = "a pair in which the occasions differ"
    return Measure(name, title, {CELLS: formula}, needs, scale=scale, notes=zeros.notes)


def of_rates(
    name: str,
    title: str,
    formula: Formula,
    scale: Scale = AS_IT_IS,
    *,
    notes: Notes = zeros.notes,
    guessed: bool = False,
) -> Measure:
    """Return a measure of two groups, from events and person-times."""
    needs = "person-times above 0"
    forms: Forms = {TWO_RATES: formula}
    return Measure(name, title, forms, needs, scale=scale, notes=notes, guessed=guessed)


def of_a_rate(
    name: str, title: str, formula: Formula, scale: Scale, *, notes: Notes = zeros.notes
) -> Measure:
    """Return a measure of a single group, from events and person-time."""
    limits = {"ti": NOT_NEGATIVE}
    needs = "a person-time above 0"
    return Measure(
        name, title, {("xi", "ti"): formula}, needs, limits=limits, scale=scale, null=None,
        notes=notes,
    )  # fmt: skip


def of_a_proportion(
    name: str,
    title: str,
    formula: Formula,
    scale: Scale,
    *,
    notes: Notes = zeros.notes,
    guessed: bool = False,
    warning: str = "",
) -> Measure:
    """Return a measure of a single group, from events and the size, or events and the others."""
    forms: Forms = {("xi", "ni"): proportions.by_size(formula), ("xi", "mi"): formula}
    limits = {"mi": NOT_NEGATIVE, "ni": (1.0, np.inf)}
    return Measure(
        name, title, forms, "xi <= ni", limits=limits, scale=scale, null=None, notes=notes,
        guessed=guessed, warning=warning,
    )  # fmt: skip


def of_a_mean(
    name: str,
    title: str,
    formula: Formula,
    scale: Scale = AS_IT_IS,
    *,
    columns: Form = ONE_GROUP,
    null: float | None = None,
) -> Measure:
    """Return a measure of a single group, from its mean and standard deviation."""
    needs = f"{SD}, and a mean above 0 for a logarithm"
    return Measure(name, title, {columns: formula}, needs, scale=scale, null=null)


def of_change(
    name: str,
    title: str,
    formula: Formula,
    scale: Scale = AS_IT_IS,
    *,
    columns: Form = TWO_OCCASIONS,
    needs: str = f"ni > 2 and {SD}",
) -> Measure:
    """Return a measure of a group that is measured twice."""
    return Measure(name, title, {columns: formula}, needs, scale=scale)


def of_d(name: str, title: str, formula: Formula, scale: Scale = AS_IT_IS) -> Measure:
    """Return a measure that is made of Cohen's d: from means and SDs, or from t, F or p."""
    needs = f"{SD} (a p-value other than 0)"
    return Measure(name, title, means.of_two_groups(formula), needs, scale=scale)


def of_r(
    name: str, title: str, formula: Formula, scale: Scale = AS_IT_IS, *, guessed: bool = False
) -> Measure:
    """Return a measure of a correlation, from r or its t."""
    forms: Forms = {("ri", "ni"): formula, ("ti", "ni"): correlations.of_t(formula)}
    return Measure(name, title, forms, "|ri| < 1 and ni > 3", scale=scale, guessed=guessed)


def of_partial_r(name: str, title: str, formula: Formula, scale: Scale = AS_IT_IS) -> Measure:
    """Return a measure of a partial correlation, from r or the t of its coefficient."""
    by_t = correlations.of_partial_t(formula)
    forms: Forms = {("ri", "mi", "ni"): formula, ("ti", "mi", "ni"): by_t}
    needs = "|ri| < 1 and ni above mi + 2"
    return Measure(name, title, forms, needs, limits={"mi": (1.0, np.inf)}, scale=scale)


def of_semi_partial_r(name: str, title: str, formula: Formula, scale: Scale = AS_IT_IS) -> Measure:
    """Return a measure of a semi-partial correlation, from r or t, and the R^2 of the model."""
    by_t = correlations.of_semi_partial_t(formula)
    forms: Forms = {("ri", "mi", "ni", "r2i"): formula, ("ti", "mi", "ni", "r2i"): by_t}
    needs = "|ri| < 1, ri^2 <= r2i < 1 and ni above mi + 1"
    return Measure(name, title, forms, needs, limits={"mi": (1.0, np.inf)}, scale=scale)


def of_r_squared(name: str, title: str, formula: Formula, scale: Scale = AS_IT_IS) -> Measure:
    """Return a measure of the R^2 of a regression, from R^2 or F."""
    by_f = correlations.of_f(formula)
    forms: Forms = {("r2i", "mi", "ni"): formula, ("fi", "mi", "ni"): by_f}
    limits = {"mi": (1.0, np.inf), "fi": NOT_NEGATIVE}
    needs = "r2i between 0 and 1 and ni above mi + 1"
    return Measure(name, title, forms, needs, limits=limits, scale=scale, null=None)


def of_alpha(name: str, title: str, formula: Formula, scale: Scale = AS_IT_IS) -> Measure:
    """Return a measure of Cronbach's alpha, from alpha, items and persons."""
    limits = {"ai": (-np.inf, 1.0), "mi": (2.0, np.inf)}
    needs = "ai < 1 and ni > 2"
    forms: Forms = {("ai", "mi", "ni"): formula}
    return Measure(name, title, forms, needs, limits=limits, scale=scale, null=None)


def of_probability(name: str, title: str, formula: Formula) -> Measure:
    """Return a measure of the probability of superiority, from its value and group sizes."""
    forms: Forms = {("ai", "n1i", "n2i"): formula}
    needs = "ai between 0 and 1, and n1i and n2i above 1"
    return Measure(name, title, forms, needs, limits={"ai": (0.0, 1.0)}, null=0.5)
