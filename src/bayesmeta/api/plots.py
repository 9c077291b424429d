"""The content of a tree, as figures."""

from typing import Any

import xarray as xr

from bayesmeta.api.checks import check_sizes
from bayesmeta.api.wording import python_errors
from bayesmeta.infrastructure.choices import Picture, check_choice
from bayesmeta.output.figures.panels import Figure
from bayesmeta.output.pictures import draw_picture, heading_of

PAGED = ("forest", "cumulative")
ALL = 100_000  # rows on a page


@python_errors
def plot(
    tree: xr.DataTree, kind: Picture = "forest", *, title: str | None = None, **options: Any
) -> Figure:
    """Draw a figure; a notebook shows it, `savefig` writes it, and its `data` is the table.

    Raise BadInput if the kind or an option is unknown, or the model lacks the terms or moderators
    that the figure needs. A forest is a single page unless `rows` is given; then the first page is
    returned, and its `pages` are all of them.

    Parameters
    ----------
    tree : DataTree
        From `fit`, or from arviz.from_netcdf("posterior.nc").
    kind : str
        For the studies: `forest`, `cumulative` (the mean after each study), `funnel`, `zplot` (z
        values and discovery rates), `bubble` (along a numeric moderator), `radial`, `labbe` (risks
        of two groups), `rob` (risk of bias). For the model: `means`,
        `orchard`, `caterpillar`, `taus`, `chains`.
    title : str, optional
        Title of the figure; content and name of the table by default.
    **options
        `transform`: exp, tanh or plogis shows ratios, correlations or percentages. `moderator`, for
        a bubble plot. For a forest, `layout`: plain, revman, jama or bmj; `sort`: given, effect,
        precision, weight, label or a column, `-year` from the largest; `columns`: raw numbers, such
        as `n1i, Mean (SD)=m1i (sd1i)`; `favours`: `drug|placebo`, labels of the two sides; `size`:
        width and height in inches; `rows` on a page; `nested`: whether the effects of a study have
        rows.

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.example()
    >>> tree = bayesmeta.fit(frame, moderators="valence:phase", sampler="quadrature", draws=250)
    >>> figure = bayesmeta.plot(tree, "forest", layout="jama", sort="effect")
    >>> figure.data["label"].head(2).tolist()
    ['s02', 's16']
    """
    about = check_sizes(tree)["constant_data"].attrs
    check_choice("kind", kind, Picture)
    if title is None:
        title = f"{heading_of(kind)}: {about.get('title') or about['dataset']}"
    marked = f"SYNTHETIC  {title}" if about.get("synthetic") else title
    if kind in PAGED:
        options.setdefault("rows", ALL)
    pages = draw_picture(tree, kind, marked, **options).figures
    for page in pages:
        page.pages = pages
    return pages[0]
