"""A table as text of Markdown or LaTeX."""

import re
from collections.abc import Iterable

import pandas as pd

WIDE = 40  # letters, from which a column of LaTeX gets a fixed width
TEXT_WIDTH = 0.8  # of the line, shared by the wide columns
ESCAPES = {letter: f"\\{letter}" for letter in "&%$#_{}"}
ESCAPES |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
ESCAPES |= {"<": r"\textless{}", ">": r"\textgreater{}", "²": r"\textsuperscript{2}", "–": "--"}
ESCAPES |= {"−": "$-$", "τ": r"$\tau$", "→": r"$\rightarrow$", "×": r"$\times$"}


def markdown_of(table: pd.DataFrame) -> str:
    """Return a table in Markdown; bars within a cell are escaped."""
    columns = list(map(str, table.columns))
    rows = table.astype(str).to_numpy().tolist()
    lines = [columns, ["---"] * len(columns), *rows]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def latex_of(table: pd.DataFrame, caption: str, label: str) -> str:
    """Return a LaTeX table with the rules of booktabs; wide columns wrap their text."""
    wide = [table[name].astype(str).str.len().max() > WIDE for name in table.columns]
    wrapped = f"p{{{TEXT_WIDTH / max(1, sum(wide)):.2f}\\linewidth}}"
    narrow = ["l", *["r"] * (len(wide) - 1)]
    columns = [wrapped if is_wide else kind for is_wide, kind in zip(wide, narrow, strict=True)]
    rows = [_latex_row(row) for row in table.astype(str).to_numpy().tolist()]
    head = [rf"\caption{{{latex_text(caption)}}}", rf"\label{{tab:{label}}}"]
    head += [rf"\begin{{tabular}}{{{''.join(columns)}}}", r"\toprule", _latex_row(table.columns)]
    end = [r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
    return "\n".join([r"\begin{table}", *head, r"\midrule", *rows, *end])


def _latex_row(cells: Iterable[object]) -> str:
    return " & ".join(map(latex_text, cells)) + r" \\"


def latex_text(text: object) -> str:
    """Return text with the special characters of LaTeX escaped and minus signs set as such."""
    return re.sub(".", lambda match: ESCAPES.get(match[0], match[0]), str(text), flags=re.DOTALL)
