"""The content of a tree, as figures."""

from collections.abc import Callable
from typing import Any, Literal

import xarray as xr
from matplotlib.figure import Figure

from bayesmeta.api.checks import check_sizes
from bayesmeta.api.wording import python_errors
from bayesmeta.estimates import convergence, summaries
from bayesmeta.estimates.margins import curves_along
from bayesmeta.infrastructure.choices import check_choice
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output import figures

NO_MEANS = "every term of this model is a slope or a difference: use conditional"
Kind = Literal["forest", "orchard", "caterpillar", "taus", "chains", "conditional"]


@python_errors
def plot(tree: xr.DataTree, kind: Kind = "forest", *, title: str | None = None) -> Figure:
    """Draw a figure of `bayesmeta fit`; a notebook shows it and `savefig` writes it.

    Raise BadInput if the kind is unknown, or the model has no terms or moderators of the kind that
    it draws. The numbers of a figure are in the tables.

    Parameters
    ----------
    tree : DataTree
        From `fit`, or from arviz.from_netcdf("posterior.nc").
    kind : {"forest", "orchard", "caterpillar", "taus", "chains", "conditional"}
        Means of the terms, effects with these means, studies, priors and posteriors of the taus,
        traces and ranks, or the mean along a numeric moderator.
    title : str, optional
        Title of the figure; content and name of the table by default.

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.example()
    >>> tree = bayesmeta.fit(frame, moderators="valence:phase", sampler="quadrature", draws=250)
    >>> figure = bayesmeta.plot(tree, "forest", title="Means")
    >>> figure.get_suptitle()
    'SYNTHETIC  Means'
    """
    about = check_sizes(tree)["constant_data"].attrs
    check_choice("kind", kind, Kind)
    content, draw = KINDS[kind]
    if title is None:
        title = f"{content}: {about.get('title') or about['dataset']}"
    return draw(tree, title=f"SYNTHETIC  {title}" if about.get("synthetic") else title)


def draw_forest(tree: xr.DataTree, title: str) -> Figure:
    """Draw the means of the terms."""
    table = summaries.forest_table(tree)
    if table.empty:
        raise BadInput(f"a forest draws means, and {NO_MEANS}")
    return figures.draw_forest(table, xlabel=scale_of(tree), title=title)


def draw_orchard(tree: xr.DataTree, title: str) -> Figure:
    """Draw every effect beside the mean of its cell."""
    table = summaries.orchard_table(tree)
    if not (table["part"] == "effect").any():
        cells = "effects beside the mean of their cell, and these terms are no cells"
        raise BadInput(f"an orchard draws {cells}: use forest")
    return figures.draw_orchard(table, xlabel=scale_of(tree), title=title)


def draw_caterpillar(tree: xr.DataTree, title: str) -> Figure:
    """Draw the true means of the studies."""
    table = summaries.studies_table(tree)
    if table.empty:
        raise BadInput(f"a caterpillar draws studies around means, and {NO_MEANS}")
    return figures.draw_caterpillar(table, xlabel=scale_of(tree), title=title)


def draw_taus(tree: xr.DataTree, title: str) -> Figure:
    """Draw prior and posterior of the taus."""
    return figures.draw_prior_posterior(summaries.density_table(tree), title=title)


def draw_chains(tree: xr.DataTree, title: str) -> Figure:
    """Draw traces and ranks of the chains."""
    trace = convergence.trace_table(tree)
    return figures.draw_trace(trace, convergence.rank_table(tree), title=title)


def draw_conditional(tree: xr.DataTree, title: str) -> Figure:
    """Draw the mean along a numeric moderator."""
    curves = curves_along(tree)
    if curves is None:
        along = "along a moderator that is a number, and this model has none"
        raise BadInput(f"a conditional plot is {along}: use forest")
    names = {"xlabel": curves.xlabel, "ylabel": scale_of(tree), "by": curves.by}
    return figures.draw_conditional(curves.lines, curves.points, **names, title=title)


def scale_of(tree: xr.DataTree) -> Any:
    """Return the name of the axis of effects."""
    return tree["constant_data"].attrs["scale"]


KINDS: dict[Kind, tuple[str, Callable[..., Figure]]] = {
    "forest": ("Means", draw_forest),
    "orchard": ("Effects", draw_orchard),
    "caterpillar": ("Studies", draw_caterpillar),
    "taus": ("Heterogeneity", draw_taus),
    "chains": ("Chains", draw_chains),
    "conditional": ("Conditional means", draw_conditional),
}
