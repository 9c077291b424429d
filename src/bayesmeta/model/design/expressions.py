"""The Python in a formula, as np.log(dose): its columns, and that it only computes.

formulaic evaluates it, and it may come with a stranger's model file or posterior.nc.
"""

import ast
from collections.abc import Iterator
from typing import Any

from formulaic.transforms import TRANSFORMS
from formulaic.utils.code import sanitize_variable_names

from bayesmeta.infrastructure.errors import BadInput

LOGARITHMS = ("log", "log10", "log1p", "log2")
FUNCTIONS = ("abs", "cbrt", "clip", "exp", *LOGARITHMS, "maximum", "minimum", "sqrt")
VALUES = (ast.Expression, ast.expr_context, ast.Name, ast.Constant, ast.List, ast.Tuple)
OPERATIONS = (ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.keyword)
OPERATORS = (ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


def variables_of(formula: Any) -> list[str]:
    """Return the columns that a formulaic formula needs, those in `scale(dose)` too, in order."""
    return list(dict.fromkeys(name for factor in _factors(formula) for name in _names_of(factor)))


def check_expressions(formula: Any, written: str) -> None:
    """Raise BadInput unless a formula only computes by columns, numbers, signs, known functions."""
    for factor in _factors(formula):
        is_column = factor.eval_method.value == "lookup"
        for node in [] if is_column else ast.walk(_read(factor.expr)[0]):
            if not _computes(node):
                allowed = f"numbers, signs, formulaic's transforms and np.{', np.'.join(FUNCTIONS)}"
                got = f"terms '{written}' contain '{ast.unparse(node)}'"
                raise BadInput(f"{got}, and a formula may only compute with columns, {allowed}")


def _computes(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        module = node.value.id if isinstance(node.value, ast.Name) else ""
        is_contrast = module == "contr" and not node.attr.startswith("_")
        return is_contrast or (module == "np" and node.attr in FUNCTIONS)
    if isinstance(node, ast.Call):
        is_transform = isinstance(node.func, ast.Name) and node.func.id in TRANSFORMS
        return is_transform or isinstance(node.func, ast.Attribute)
    return isinstance(node, (*VALUES, *OPERATIONS, *OPERATORS))


def _factors(formula: Any) -> Iterator[Any]:
    factors = (factor for term in formula for factor in term.factors)
    return (factor for factor in factors if factor.eval_method.value != "literal")


def _names_of(factor: Any) -> list[str]:
    """Return the names that are values, not functions; names in backticks first."""
    if factor.eval_method.value == "lookup":
        return [str(factor.expr)]
    tree, quoted = _read(factor.expr)
    nodes = list(ast.walk(tree))
    others = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    others |= {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    values = [node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in others]
    return [*quoted.values(), *(name for name in values if name not in quoted)]


def _read(expression: str) -> tuple[ast.Expression, dict[str, str]]:
    """Return the tree that formulaic evaluates, and its names for what stands in backticks."""
    quoted: dict[str, str] = {}
    plain = sanitize_variable_names(expression, {}, quoted, template="_quoted_{}")
    return ast.parse(plain, mode="eval"), quoted
