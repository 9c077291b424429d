"""What a tree says, as figures."""

from collections.abc import Callable
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from bayesmeta.api.results import check_sizes
from bayesmeta.data.schema import nearest
from bayesmeta.estimates import convergence, summaries
from bayesmeta.estimates.margins import curves_along
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output import figures


def plot(tree: xr.DataTree, kind: str = "forest", *, title: str | None = None) -> Figure:
    """Draw what `bayesmeta fit` draws.

    Parameters
    ----------
    tree : from `fit`, or from arviz.from_netcdf("posterior.nc").
    kind : forest (means of the terms), orchard (every effect beside them), caterpillar (studies), taus (their priors
        and posteriors), chains (traces and ranks) or conditional (the mean along a moderator that is a number).
    title : above the figure; default what is drawn and of which table.

    Returns
    -------
    Figure : of matplotlib, which a notebook shows and `savefig` writes; the numbers in it are in the tables.

    Raises
    ------
    BadInput
        An unknown kind, an orchard of terms that are no cells, or no moderator that is a number.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), moderators="valence:phase", sampler="quadrature", draws=250)
    >>> figure = bayesmeta.plot(tree, "forest", title="Means")
    >>> figure.get_suptitle()
    'SYNTHETIC  Means'
    """
    about = check_sizes(tree)["constant_data"].attrs
    if kind not in KINDS:
        raise BadInput(f"unknown kind {kind!r}{nearest(str(kind), KINDS)}; the kinds are: {', '.join(KINDS)}")
    what, draw = KINDS[kind]
    named = f"{what}: {about.get('title') or about['dataset']}" if title is None else title
    return draw(tree, title=f"SYNTHETIC  {named}" if about.get("synthetic") else named)


def _forest(tree: xr.DataTree, title: str) -> Figure:
    table = summaries.forest_table(tree)
    if table.empty:
        raise BadInput("a forest draws means, and every term of this model is a slope or a difference: use conditional")
    return figures.draw_forest(table, xlabel=_scale(tree), title=title)


def _orchard(tree: xr.DataTree, title: str) -> Figure:
    table = summaries.orchard_table(tree)
    if not (table["part"] == "effect").any():
        raise BadInput(
            "an orchard draws effects beside the mean of their cell, and these terms are no cells: use forest"
        )
    return figures.draw_orchard(table, xlabel=_scale(tree), title=title)


def _caterpillar(tree: xr.DataTree, title: str) -> Figure:
    table = summaries.studies_table(tree)
    if table.empty:
        raise BadInput(
            "a caterpillar draws studies around means, and every term of this model is a slope or a difference: use "
            "conditional"
        )
    return figures.draw_caterpillar(table, xlabel=_scale(tree), title=title)


def _taus(tree: xr.DataTree, title: str) -> Figure:
    return figures.draw_prior_posterior(summaries.density_table(tree), title=title)


def _chains(tree: xr.DataTree, title: str) -> Figure:
    return figures.draw_trace(convergence.trace_table(tree), convergence.rank_table(tree), title=title)


def _conditional(tree: xr.DataTree, title: str) -> Figure:
    curves = curves_along(tree)
    if curves is None:
        raise BadInput("a conditional plot is along a moderator that is a number, and this model has none: use forest")
    names = {"xlabel": curves.xlabel, "ylabel": _scale(tree), "by": curves.by}
    return figures.draw_conditional(curves.lines, curves.points, **names, title=title)


def _scale(tree: xr.DataTree) -> Any:
    return tree["constant_data"].attrs["scale"]


KINDS: dict[str, tuple[str, Callable[..., Figure]]] = {
    "forest": ("Means", _forest),
    "orchard": ("Effects", _orchard),
    "caterpillar": ("Studies", _caterpillar),
    "taus": ("Heterogeneity", _taus),
    "chains": ("Chains", _chains),
    "conditional": ("Conditional means", _conditional),
}
