"""The Bayesian analysis reporting guidelines, answered from a folder of results."""

import re

import pandas as pd

from bayesmeta.output.pages.methods import methods_context
from bayesmeta.output.pages.prose import phrase
from bayesmeta.output.pages.rendering import PLAIN
from bayesmeta.output.pages.results import Results

AUTHOR = "!"  # before an answer that the author has to complete


def checklist_table(results: Results) -> pd.DataFrame:
    """Return the items of the checklist with the answers of the results.

    Columns: step, item, answer ("" if no table has it; `for the author: ...` if no program can give
    it), where (ids of the page's sections), state (`answered`, `not answered`). Raises BadInput if
    posterior.nc cannot be read. Source: Kruschke 2021, doi 10.1038/s41562-021-01177-7, with points
    of the WAMBS checklist, Depaoli & van de Schoot 2017, doi 10.1037/met0000065; the wording is
    ours.
    """
    context = methods_context(results, html=False)
    checked = set(results.tables["check"]["check"]) if "check" in results.tables else set()
    context |= {"figures": set(results.figures), "checked": checked}
    text = PLAIN.get_template("checklist.j2").render(context | {"phrase": phrase, "html": False})
    rows = []
    step = ""
    for block in re.split(r"\n(?=### |\? )", text):
        head, _, body = block.strip().partition("\n")
        if head.startswith("### "):
            step = head.removeprefix("### ")
        elif head.startswith("? "):
            item = head.removeprefix("? ")
            rows.append({"step": step} | _item(item, re.sub(r"\s+", " ", body).strip()))
    return pd.DataFrame(rows, columns=["step", "item", "answer", "where", "state"])


def _item(head: str, answer: str) -> dict[str, str]:
    item, _, where = head.partition(" | ")
    state = "answered" if answer and not answer.startswith(AUTHOR) else "not answered"
    answer = answer.removeprefix(AUTHOR).strip()
    return {"item": item, "answer": answer, "where": where, "state": state}
