"""The Bayesian analysis reporting guidelines with points of WAMBS, answered from what a folder of results holds."""

import re

import pandas as pd

from bayesmeta.output.pages.methods import methods_context
from bayesmeta.output.pages.prose import PLAIN, phrase
from bayesmeta.output.pages.results import Results

ANSWERED, OPEN = "answered", "not answered"
AUTHOR = "!"


def checklist_table(results: Results) -> pd.DataFrame:
    """Each item of the checklist and what the results say of it.

    Returns
    -------
    DataFrame
        step, item, answer ("" where no table has it; `for the author: ...` where no program can), where (ids of the
        page's sections), state (`answered`, `not answered`).

    Raises
    ------
    BadInput
        posterior.nc cannot be read.

    Source: Kruschke 2021, doi 10.1038/s41562-021-01177-7; Depaoli & van de Schoot 2017, doi 10.1037/met0000065; both in
    our own words.
    """
    context = methods_context(results, html=False)
    checked = set(results.tables["check"]["check"]) if "check" in results.tables else set()
    more = {"figures": set(results.figures), "checked": checked}
    text = PLAIN.get_template("checklist.j2").render(
        context | more | {"phrase": phrase, "html": False}
    )
    rows, step = [], ""
    for block in re.split(r"\n(?=### |\? )", text):
        head, _, body = block.strip().partition("\n")
        if head.startswith("### "):
            step = head.removeprefix("### ")
        elif head.startswith("? "):
            rows.append(_item(step, head.removeprefix("? "), re.sub(r"\s+", " ", body).strip()))
    return pd.DataFrame(rows, columns=["step", "item", "answer", "where", "state"])


def _item(step: str, head: str, answer: str) -> dict[str, str]:
    item, _, where = head.partition(" | ")
    state = ANSWERED if answer and not answer.startswith(AUTHOR) else OPEN
    return {
        "step": step,
        "item": item,
        "answer": answer.removeprefix(AUTHOR).strip(),
        "where": where,
        "state": state,
    }
