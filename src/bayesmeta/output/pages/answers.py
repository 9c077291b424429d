"""The summary in sentences: data, estimates, heterogeneity, frequentist analysis, doubts."""

import re
import shlex
from collections.abc import Callable
from typing import Any

from bayesmeta.data.datasets import DATASETS
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.estimates.transformed import NAME
from bayesmeta.output.pages.cells import Cells
from bayesmeta.output.pages.conclusions import compared, doubted, estimated, moved, varied
from bayesmeta.output.pages.facts import SUPPORTED, Tables, answering, with_facts
from bayesmeta.output.pages.prose import blocks, joined
from bayesmeta.output.pages.results import Results
from bayesmeta.output.pages.saved_model import saved_model, supported_model

MAX_LISTED = 8  # names in a list before "and others"
REPEATED = ("levels", "likelihood", "crossed", "prior", "moderators", "where")  # options of a fit


def answer(results: Results, html: bool = True) -> str:
    """Return the summary as paragraphs of a sentence.

    The answer is that of the model that the data support, with the requested one beside it, if both
    were fitted. A sentence without its tables names the command that makes them. HTML has `<data>`
    elements and needs no further escaping; otherwise it is plain text. Raises BadInput if
    posterior.nc cannot be read.
    """
    parts = blocks("answer.j2", html=html, **context_of(results, html))
    return joined([part for part in parts if part.kind != "heading"], html=html)


def sentences(results: Results, html: bool = True) -> dict[str, str]:
    """Return the same sentences by topic.

    Topics: analysed, estimated, structure (with a supported model), signs, varies, frequentist,
    doubts.
    """
    parts = blocks("answer.j2", html=html, **context_of(results, html))
    return {head.text: body.text for head, body in zip(parts[::2], parts[1::2], strict=True)}


def context_of(results: Results, html: bool) -> dict[str, Any]:
    """Return the variables of the templates: cells, facts, and names by conclusion."""
    tables = with_facts(results)
    cell = Cells(tables, html=html)
    saved = saved_model(results)
    supported = supported_model(results)
    answers = answering(tables)

    def fact(name: str, digits: int = 0) -> str:
        return cell("facts", name, "value", digits)

    def chance(event: str, name: str) -> str:
        """Return a probability with its sign: `P = .93`, `P > .999`."""
        sign = "" if cell.value("facts", name, "value")[0] in "<>" else "= "
        return event + " " + sign + fact(name)

    return {
        "about": results.about,
        "has": set(tables),
        "facts": set(tables["facts"]["fact"]),
        "cell": cell,
        "fact": fact,
        "chance": chance,
        "spec": saved.spec,
        "scale": saved.scale,
        "positive": meaning_of_positive(saved.scale),
        "measure": saved.measure,
        "has_null": has_null(saved.measure),
        "back_transformed": MEASURES[saved.measure].scale.name if saved.measure in MEASURES else "",
        "scaled": scales_by_term(answers),
        "max_listed": MAX_LISTED,
        "command": command_of(results),
        "of": SUPPORTED if supported else "",
        "answering": supported.spec if supported else saved.spec,
        **estimated(answers),
        **varied(answers),
        **moved(tables),
        **compared(tables),
        **doubted(tables),
    }


def has_null(measure: str) -> bool:
    """Return whether a value of 0 means no effect: not for a proportion or the mean of a group."""
    return measure not in MEASURES or MEASURES[measure].null == 0


def scales_by_term(tables: Tables) -> dict[str, str]:
    """Return the scale of every term that has transformed estimates, such as odds ratio."""
    terms = tables.get("terms")
    if terms is None or NAME not in terms:
        return {}
    named = terms.dropna(subset=[NAME])
    return dict(zip(named["term"].astype(str), named[NAME], strict=True))


def meaning_of_positive(scale: str) -> str:
    """Return what a positive effect means, from a scale such as `g (positive: better memory)`."""
    match = re.search(r"\(positive: (.*)\)$", scale)
    return match[1] if match else ""


def command_of(results: Results) -> Callable[[str], str]:
    """Return a writer of commands with the options of the fit: `bayesmeta lint --dataset NAME`."""
    about = results.about
    dataset = DATASETS.get(str(about.get("dataset")))
    options = f" --dataset {shlex.quote(about.get('requested_dataset') or about['dataset'])}"
    columns = about.get("columns") or {}
    given = {"model": about.get("requested_model"), **{name: about.get(name) for name in REPEATED}}
    given["columns"] = ",".join(f"{name}={source}" for name, source in columns.items())
    for name, value in given.items():
        options += f" --{name} {shlex.quote(value)}" if value else ""
    if dataset and about.get("variant"):
        options += f" --variant {about['variant']}"
    return lambda name: f"bayesmeta {name}{options}"
