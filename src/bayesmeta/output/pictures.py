"""A tree becomes a picture: tables from `estimates`, axes from `figures`."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd
import xarray as xr

from bayesmeta.estimates import convergence, studies, summaries
from bayesmeta.estimates.margins import curves_along, moderators_of
from bayesmeta.infrastructure.choices import Picture, check_choice, check_known, nearest
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.output import figures
from bayesmeta.output.figures.panels import Figure
from bayesmeta.output.picture_options import page_of, scale_named

NO_MEANS = "every term of this model is a slope or a difference: use bubble"
SO_FAR = "mean of the studies so far, 95 % interval"
OF_PARAMETERS = ("taus", "chains")  # kinds that need no effect sizes
MAX_NESTED = 60  # rows of a forest; with more the effects of studies get no rows by default


class Drawn(NamedTuple):
    """Figures (several pages of a forest, else one), and the table or tables behind them."""

    figures: list[Figure]
    data: pd.DataFrame | Mapping[str, pd.DataFrame]


def draw_picture(tree: xr.DataTree, kind: str, title: str, **options: Any) -> Drawn:
    """Draw a picture of a tree; of directions without effect sizes only taus and chains.

    `options` are those of the kind. Raises BadInput if kind or option are unknown, or the model or
    its table has not what the picture shows.
    """
    check_choice("kind", kind, Picture)
    if kind not in OF_PARAMETERS and "vi" not in tree["constant_data"].data_vars:
        raise BadInput(
            f"{kind} draws effect sizes, and this model is one of directions without them"
        )
    draw = KINDS[kind][1]
    known = list(inspect.signature(draw).parameters)[2:]
    for name in options:
        if name not in known:
            takes = f"it takes: {', '.join(known)}" if known else "it takes none"
            raise BadInput(f"{kind} has no option '{name}'{nearest(name, known)}; {takes}")
    picture = draw(tree, title, **options)
    for figure in picture.figures:
        figure.data = picture.data
    return picture


def heading_of(kind: str) -> str:
    """Return what a kind shows, for titles."""
    return KINDS[kind][0]


def shown_scale(tree: xr.DataTree, transform: str) -> figures.Scale:
    """Return the scale of numbers and ticks; "auto" is that of the measure."""
    return scale_named(transform, str(tree["constant_data"].attrs.get("measure", "")))


def words_of(tree: xr.DataTree, title: str, transform: str) -> dict[str, Any]:
    """Return the title, the name of the axis and the scale of a picture of effects."""
    return {"title": title, "xlabel": scale_of(tree), "scale": shown_scale(tree, transform)}


def shown_names(tree: xr.DataTree, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table for a picture; the intercept is the overall mean if it is the only term."""
    if tree["posterior"].to_dataset()["term"].values.tolist() != ["intercept"]:
        return table
    return table.assign(term=table["term"].replace("intercept", "overall mean"))


def forest(
    tree: xr.DataTree,
    title: str,
    *,
    layout: str = "plain",
    sort: str = "given",
    columns: str | None = None,
    favours: str | tuple[str, str] | None = None,
    size: str | tuple[float, float] | None = None,
    rows: int = 60,
    nested: bool | None = None,
    transform: str = "auto",
) -> Drawn:
    """Draw a row per study; see `bayesmeta.plot` for the options."""
    raw = studies.raw_columns(tree["constant_data"].to_dataset())
    known = [str(name) for name in raw]
    chosen = studies.usual_columns(known)
    if columns is not None:
        chosen = studies.parse_columns(columns, known)
    domains = studies.bias_columns(raw)
    if nested is None:
        nested = tree["constant_data"].sizes["effect"] <= MAX_NESTED
    table = studies.study_table(tree, columns=[*chosen, *domains], sort=sort, nested=nested)
    pages = figures.draw_forest(
        table,
        title=title,
        xlabel=scale_of(tree),
        columns=[column.heading for column in chosen],
        domains=[column.heading for column in domains],
        note=studies.heterogeneity_text(tree),
        page=page_of(layout, favours, size, rows, shown_scale(tree, transform)),
    )
    return Drawn(pages, table)


def cumulative(
    tree: xr.DataTree,
    title: str,
    *,
    layout: str = "plain",
    sort: str = "given",
    favours: str | tuple[str, str] | None = None,
    size: str | tuple[float, float] | None = None,
    rows: int = 60,
    transform: str = "auto",
) -> Drawn:
    """Draw the mean after each study."""
    table = studies.cumulative_table(tree, sort=sort)
    words = {"title": title, "xlabel": scale_of(tree), "marks": SO_FAR}
    page = page_of(layout, favours, size, rows, shown_scale(tree, transform))
    return Drawn(figures.draw_forest(table, **words, page=page), table)


def funnel(tree: xr.DataTree, title: str, *, transform: str = "auto") -> Drawn:
    """Draw effects against their standard errors, with contours of significance."""
    table = studies.points_of_effects(tree)
    return Drawn([figures.draw_contours(table, **words_of(tree, title, transform))], table)


def radial(tree: xr.DataTree, title: str) -> Drawn:
    """Draw Galbraith's plot."""
    table = studies.radial_table(tree)
    return Drawn([figures.draw_radial(table, xlabel=scale_of(tree), title=title)], table)


def zplot(tree: xr.DataTree, title: str) -> Drawn:
    """Draw the z values beside those that the model expects."""
    tables = studies.z_values(tree)._asdict()
    return Drawn([figures.draw_z_values(**tables, title=title)], tables)


def labbe(tree: xr.DataTree, title: str) -> Drawn:
    """Draw the risks of two groups."""
    table = studies.labbe_table(tree)
    return Drawn([figures.draw_labbe(table, title=title)], table)


def bubble(
    tree: xr.DataTree, title: str, *, moderator: str | None = None, transform: str = "auto"
) -> Drawn:
    """Draw the mean along a numeric moderator, by default the first."""
    numbers = moderators_of(tree).numbers
    if not numbers:
        along = "along a moderator that is a number, and this model has none"
        raise BadInput(f"a bubble plot is {along}: use forest")
    if moderator is not None:
        check_known("moderator", moderator, numbers)
    curves = curves_along(tree, moderator)
    if curves is None:
        raise BadInput("a bubble plot averages over cells, and one of them has no effects")
    words = {"xlabel": curves.xlabel, "ylabel": scale_of(tree), "by": curves.by, "title": title}
    scale = shown_scale(tree, transform)
    points = curves.points.assign(weight=studies.row_sum_weights(tree))
    tables = {"lines": curves.lines, "points": points}
    drawn = figures.draw_conditional(curves.lines, points, **words, scale=scale)
    return Drawn([drawn], tables)


def rob(tree: xr.DataTree, title: str, *, rows: int = 40) -> Drawn:
    """Draw traffic lights of the risk of bias, and on the last page the shares by domain."""
    table = studies.judgements_table(tree)
    domains = list(table.columns[2:])
    lights = figures.draw_traffic_lights(table, domains=domains, title=title, rows=rows)
    shares = figures.draw_judgements(table, domains=domains, title=title)
    return Drawn([*lights, shares], table)


def means(tree: xr.DataTree, title: str, *, transform: str = "auto") -> Drawn:
    """Draw the means of the terms."""
    table = summaries.means_table(tree)
    if table.empty:
        raise BadInput(f"this figure draws means, and {NO_MEANS}")
    return Drawn(
        [figures.draw_means(shown_names(tree, table), **words_of(tree, title, transform))], table
    )


def orchard(tree: xr.DataTree, title: str, *, transform: str = "auto") -> Drawn:
    """Draw every effect beside the mean of its cell."""
    table = summaries.orchard_table(tree)
    if not (table["part"] == "effect").any():
        cells = "effects beside the mean of their cell, and these terms are not cells"
        raise BadInput(f"an orchard draws {cells}: use forest")
    return Drawn(
        [figures.draw_orchard(shown_names(tree, table), **words_of(tree, title, transform))], table
    )


def caterpillar(tree: xr.DataTree, title: str, *, transform: str = "auto") -> Drawn:
    """Draw the true means of the studies."""
    if "summaries" in tree.children:
        raise BadInput("a caterpillar needs the draws of the studies, which a large tree lacks")
    table = summaries.studies_table(tree)
    if table.empty:
        raise BadInput(f"a caterpillar draws studies around means, and {NO_MEANS}")
    return Drawn(
        [figures.draw_caterpillar(shown_names(tree, table), **words_of(tree, title, transform))],
        table,
    )


def taus(tree: xr.DataTree, title: str) -> Drawn:
    """Draw prior and posterior of the taus."""
    table = summaries.density_table(tree)
    return Drawn([figures.draw_prior_posterior(table, title=title)], table)


def chains(tree: xr.DataTree, title: str) -> Drawn:
    """Draw traces and ranks of the chains."""
    tables = {"trace": convergence.trace_table(tree), "ranks": convergence.rank_table(tree)}
    return Drawn([figures.draw_trace(*tables.values(), title=title)], tables)


def scale_of(tree: xr.DataTree) -> str:
    """Return the name of the axis of effects."""
    return str(tree["constant_data"].attrs["scale"])


KINDS: dict[str, tuple[str, Callable[..., Drawn]]] = {
    "forest": ("Studies", forest),
    "bubble": ("Mean along a moderator", bubble),
    "funnel": ("Funnel", funnel),
    "zplot": ("z values", zplot),
    "cumulative": ("Cumulative", cumulative),
    "labbe": ("Risks", labbe),
    "radial": ("Radial", radial),
    "rob": ("Risk of bias", rob),
    "means": ("Means", means),
    "orchard": ("Effects", orchard),
    "caterpillar": ("Studies", caterpillar),
    "taus": ("Heterogeneity", taus),
    "chains": ("Chains", chains),
}
