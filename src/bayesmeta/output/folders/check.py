"""Files of `bayesmeta check`."""

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr

from bayesmeta.estimates.text import words
from bayesmeta.output import figures, pages
from bayesmeta.output.folders.folder import Folder

MAX_PANELS = 12  # of subsets: more would be too small to read
DRAWN_ONLY = ("funnel_replicates", "funnel_points")  # written beside their figure


def write_check(
    folder: Folder,
    tables: Mapping[str, pd.DataFrame],
    verdicts: list[tuple[str, str, str]],
    design: xr.Dataset,
) -> None:
    """Write tables/*.csv (check.csv: the verdicts), figures and check.html."""
    kept = {name: table for name, table in tables.items() if name not in DRAWN_ONLY}
    table = pd.DataFrame(verdicts, columns=["check", "state", "sentence"])
    folder.write_tables(kept | {"check": table})
    with folder.steps("drawing figures"):
        if "funnel" in tables:
            write_funnels(folder, tables)
        write_other_figures(folder, tables, design)
    paths = sorted((folder.path / "figures").glob("*.svg"))
    drawn = {path.stem: path for path in paths if path.stem in pages.CAPTIONS}
    about = folder.about(design) | {"verdicts": verdicts}
    folder.write_text("check.html", pages.check_page(tables, drawn, about))


def write_funnels(folder: Folder, tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw a funnel of all effects, and a funnel per cell."""
    points = tables["funnel_points"]
    replicates = tables["funnel_replicates"]
    for cell, mean in tables["funnel_cells"].set_index("cell")["mean"].items():
        together = cell == "all"
        title = f"Funnel: {folder.title}"
        figure = figures.draw_funnel(
            points,
            tables["funnel"],
            replicates,
            title=title if together else f"{title}, {words(cell)}",
            cell=str(cell),
            zero=None if together else -mean,
        )
        drawn = {"points": points, "replicates": replicates}
        if not together:
            drawn = {name: table[table["cell"] == cell] for name, table in drawn.items()}
        name = "funnel" if together else f"funnel_{str(cell).replace(':', '-')}"
        folder.write_figure(name, figure, drawn)


def write_other_figures(
    folder: Folder, tables: Mapping[str, pd.DataFrame], design: xr.Dataset
) -> None:
    """Draw bias models, studies, Baujat, subsets and sensitivity, as far as the tables exist."""
    scale = design.attrs["scale"]
    title = folder.title
    if "bias_cells" in tables:
        bias = {name: tables[f"bias_{name}"] for name in ("cells", "parameters", "models")}
        figure = figures.draw_bias(*bias.values(), title=f"Bias models: {title}", xlabel=scale)
        folder.write_figure("bias", figure, bias)
    if "influence_studies" in tables:
        studies = tables["influence_studies"]
        figure = figures.draw_leave_one_out(studies, title=f"Studies left out: {title}")
        folder.write_figure("studies", figure, studies)
    if "baujat" in tables:
        baujat = tables["baujat"]
        figure = figures.draw_baujat(baujat, title=f"Outlying studies: {title}")
        folder.write_figure("baujat", figure, baujat)
        gosh = limit_panels(tables["gosh"], [str(term) for term in design["term"].values])
        figure = figures.draw_gosh(gosh, title=f"Subsets of studies: {title}", xlabel=scale)
        folder.write_figure("gosh", figure, gosh)
    if "psense" in tables:
        priors = {"psense": tables["psense"], "refits": tables["prior_refits"]}
        figure = figures.draw_sensitivity(*priors.values(), title=f"Priors: {title}", xlabel=scale)
        folder.write_figure("sensitivity", figure, priors)


def limit_panels(gosh: pd.DataFrame, terms: Sequence[str]) -> pd.DataFrame:
    """Return the rows of at most MAX_PANELS contrasts; differences come before single terms."""
    names = [str(name) for name in gosh["contrast"].unique()]
    if len(names) > MAX_PANELS:
        differences = [name for name in names if name not in terms]
        names = (differences or names)[:MAX_PANELS]
    return gosh[gosh["contrast"].isin(names)]
