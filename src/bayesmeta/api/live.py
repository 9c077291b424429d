"""The interactive page of a table in Python."""

import pandas as pd

from bayesmeta.api.requests import Columns, Model, Priors, Text, inputs_of
from bayesmeta.api.wording import python_errors
from bayesmeta.commands.live import live_content
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.provenance import provenance_of
from bayesmeta.output.folders.folder import ABOUT, source_of
from bayesmeta.output.live import live_page

NO_DIRECTIONS = "the live page needs effect sizes yi with variances vi; these are directions"


@python_errors
def live(
    frame: pd.DataFrame,
    model: Model = None,
    *,
    moderators: Text = None,
    where: Text = None,
    priors: Priors = None,
    measure: Text = None,
    columns: Columns = None,
) -> str:
    """Return a page, as HTML, in which readers change the analysis and see what it changes.

    It needs no other file. The arguments are the same as for `fit`. The page integrates the nearest
    model that is normal and nested, and states what it leaves out of another model. Raise
    BadInput if the table or the model cannot be used.

    Parameters
    ----------
    frame : DataFrame
        A row per effect, as for `fit`; the page contains all of them.
    model : str, Path or ModelSpec, optional
        Name of a model, a TOML file, or a model; a text that begins with ~ is a formula.
    moderators, where, priors, measure, columns
        As for `fit`.

    Examples
    --------
    >>> import bayesmeta
    >>> page = bayesmeta.live(bayesmeta.example(), moderators="valence:phase")
    >>> page.splitlines()[0]
    '<!doctype html>'
    """
    inputs = inputs_of(
        frame, model, moderators, where, priors=priors, measure=measure, columns=columns
    )
    if inputs.has_directions:
        raise BadInput(NO_DIRECTIONS)
    content = live_content(inputs)
    choices = {"dataset": inputs.dataset, "model": inputs.spec.name}
    provenance = provenance_of(choices, inputs.frame.attrs)
    sizes = {"k": content.design.sizes["effect"], "studies": content.design.sizes["study"]}
    about = {key: provenance[key] for key in ABOUT} | sizes
    return live_page(content.payload, about | {"source": source_of(provenance)})
