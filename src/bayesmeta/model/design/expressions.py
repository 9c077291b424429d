"""The Python inside a formula, such as np.log(dose): which columns it names, and that it computes and nothing else.

A formula may come with a stranger's model file or posterior.nc, and formulaic evaluates it as Python.
"""

import ast
from collections.abc import Iterator
from typing import Any

from bayesmeta.infrastructure.errors import BadInput

FUNCTIONS = frozenset(
    {"abs", "cbrt", "clip", "exp", "log", "log10", "log1p", "log2", "maximum", "minimum", "sqrt"}
)
PARTS = (
    ast.Expression,
    ast.expr_context,
    ast.Name,
    ast.Constant,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.Call,
    ast.keyword,
    ast.List,
    ast.Tuple,
)


def variables_of(formula: Any) -> list[str]:
    """Columns that a formulaic formula needs, in the order in which it names them.

    formulaic's own `required_variables` lack those of `scale(dose)` until the formula has been evaluated.
    """
    return list(dict.fromkeys(name for factor in _factors(formula) for name in _names_of(factor)))


def check_expressions(formula: Any, written: str) -> None:
    """Nothing, where every Python expression in a formula is made of columns, numbers, signs and known functions.

    Raises
    ------
    BadInput
        Something else, by which a formula could do more than compute.
    """
    for factor in _factors(formula):
        for node in [] if _is_column(factor) else ast.walk(_read(factor.expr)[0]):
            if not _computes(node):
                raise BadInput(
                    f"terms '{written}' hold '{ast.unparse(node)}', and a formula may only compute: with columns, "
                    f"numbers, signs, formulaic's transforms and np.{', np.'.join(sorted(FUNCTIONS))}"
                )


def _computes(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        return (owner == "np" and node.attr in FUNCTIONS) or (
            owner == "contr" and not node.attr.startswith("_")
        )
    if isinstance(node, ast.Call):
        from formulaic.transforms import TRANSFORMS

        return isinstance(node.func, ast.Attribute) or (
            isinstance(node.func, ast.Name) and node.func.id in TRANSFORMS
        )
    return isinstance(node, PARTS)


def _factors(formula: Any) -> Iterator[Any]:
    return (
        factor
        for term in formula
        for factor in term.factors
        if factor.eval_method.value != "literal"
    )


def _is_column(factor: Any) -> bool:
    return bool(factor.eval_method.value == "lookup")


def _names_of(factor: Any) -> list[str]:
    """Names that are values, not functions; names in backticks first."""
    if _is_column(factor):
        return [str(factor.expr)]
    tree, quoted = _read(factor.expr)
    nodes = list(ast.walk(tree))
    functions = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    owners = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    values = [
        node.id
        for node in nodes
        if isinstance(node, ast.Name) and id(node) not in functions | owners
    ]
    return [*quoted.values(), *(name for name in values if name not in quoted)]


def _read(expression: str) -> tuple[ast.Expression, dict[str, str]]:
    """The tree that formulaic evaluates, by its own reading of backticks, and its names for what stands in them."""
    from formulaic.utils.code import sanitize_variable_names

    quoted: dict[str, str] = {}
    return ast.parse(
        sanitize_variable_names(expression, {}, quoted, template="_quoted_{}"), mode="eval"
    ), quoted
