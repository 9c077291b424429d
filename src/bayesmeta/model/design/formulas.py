"""Names of columns in formulas: a name with signs in it is put into backticks.

`dose (mg)` and `age-group` are names, so `~ dose (mg) + age-group` has two moderators. Where a name
could also be an expression of other columns, as `a:b` beside `a` and `b`, nothing is guessed.
"""

import re
from collections.abc import Iterable
from keyword import iskeyword
from typing import Any

from formulaic import Formula

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.expressions import variables_of

OPERATORS = ("and", "or", "not", "in", "is", "if", "else")  # in formulas and queries
_KEPT = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def quote_names(formula: str, columns: Iterable[object], what: str = "terms") -> str:
    """Return a formula or a query with odd names of columns in backticks, the longest names first.

    Names of numbers alone, such as 1, are names only in backticks. Raise BadInput if a name is also
    an expression of other columns.
    """
    names = {str(name) for name in columns}
    odd = sorted(filter(_is_odd, names), key=len, reverse=True)
    if not odd:
        return formula
    pattern = re.compile("|".join([_KEPT.pattern, *(f"({_bounded(name)})" for name in odd)]))

    def quoted(match: re.Match[str]) -> str:
        name = match[0]
        if match.lastindex is None:
            return name
        if other := _expression(name, names):
            problem = f"{what} '{formula}': '{name}' is a column, and also an expression of columns"
            raise BadInput(f"{problem}; write `{name}` for the column, or {other}")
        return f"`{name}`"

    return pattern.sub(quoted, formula)


def _is_odd(name: str) -> bool:
    plain = name.isidentifier() and (not iskeyword(name) or name in OPERATORS)
    is_name = re.search(r"\w", name) and not _NUMBER.fullmatch(name) and "`" not in name
    return bool(is_name) and not plain


def _bounded(name: str) -> str:
    """Return a pattern of a name that is not a part of a longer word."""
    before = r"(?<![\w.])" if re.match(r"\w", name) else ""
    after = r"(?!\w)" if re.match(r"\w", name[-1]) else ""
    return f"{before}{re.escape(name)}{after}"


def _expression(name: str, columns: set[str]) -> str:
    """Return a name as an expression of other columns, these in backticks; "" if it is none."""
    try:
        variables: list[Any] = variables_of(Formula(name))
    except Exception:  # formulaic raises errors of many kinds: the name is no expression
        return ""
    if not variables or name in variables or not columns.issuperset(variables):
        return ""
    return re.sub(rf"\b({'|'.join(map(re.escape, variables))})\b", r"`\1`", name)
