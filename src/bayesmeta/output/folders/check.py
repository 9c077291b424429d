"""Files of `bayesmeta check`."""

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from bayesmeta.estimates.text import words
from bayesmeta.output import figures, pages
from bayesmeta.output.folders.folder import Folder, Tables

MAX_PANELS = 12  # of subsets: more would be too small to read
DRAWN_ONLY = ("funnel_replicates", "funnel_points")  # written beside their figure


def write_check(
    folder: Folder, tables: Tables, verdicts: list[tuple[str, str, str]], design: xr.Dataset
) -> None:
    """Write tables/*.csv (check.csv: the verdicts), figures and check.html."""
    kept = {name: table for name, table in tables.items() if name not in DRAWN_ONLY}
    table = pd.DataFrame(verdicts, columns=["check", "state", "sentence"])
    folder.write_tables(kept | {"check": table})
    with folder.steps("drawing figures"):
        if "funnel" in tables:
            _write_funnels(folder, tables)
        _write_other_figures(folder, tables, design)
    paths = sorted((folder.path / "figures").glob("*.svg"))
    drawn = {path.stem: path for path in paths if path.stem in pages.CAPTIONS}
    about = folder.about(design) | {"verdicts": verdicts}
    folder.write_text("check.html", pages.check_page(tables, drawn, about))


def _write_funnels(folder: Folder, tables: Tables) -> None:
    drawn = {name: tables[f"funnel_{name}"] for name in ("points", "replicates")}
    title = f"Funnel: {folder.title}"
    for cell, mean in tables["funnel_cells"].set_index("cell")["mean"].items():
        funnel = drawn["points"], tables["funnel"], drawn["replicates"]
        if cell == "all":
            folder.write_figure("funnel", figures.draw_funnel(*funnel, title=title), drawn)
            continue
        heading = f"{title}, {words(cell)}"
        figure = figures.draw_funnel(*funnel, title=heading, cell=str(cell), zero=-mean)
        of_cell = {name: table[table["cell"] == cell] for name, table in drawn.items()}
        folder.write_figure(f"funnel_{str(cell).replace(':', '-')}", figure, of_cell)


def _write_other_figures(folder: Folder, tables: Tables, design: xr.Dataset) -> None:
    """Draw bias models, studies, Baujat, subsets and sensitivity, as far as the tables exist."""
    scale = design.attrs["scale"]
    if "bias_cells" in tables:
        bias = {name: tables[f"bias_{name}"] for name in ("cells", "parameters", "models")}
        folder.draw("bias", figures.draw_bias, bias, "Bias models", xlabel=scale)
    if "influence_studies" in tables:
        studies = tables["influence_studies"]
        folder.draw("studies", figures.draw_leave_one_out, studies, "Studies left out")
    if "baujat" in tables:
        folder.draw("baujat", figures.draw_baujat, tables["baujat"], "Outlying studies")
        gosh = _limit_panels(tables["gosh"], [str(term) for term in design["term"].values])
        folder.draw("gosh", figures.draw_gosh, gosh, "Subsets of studies", xlabel=scale)
    if "psense" in tables:
        priors = {"psense": tables["psense"], "refits": tables["prior_refits"]}
        folder.draw("sensitivity", figures.draw_sensitivity, priors, "Priors", xlabel=scale)


def _limit_panels(gosh: pd.DataFrame, terms: Sequence[str]) -> pd.DataFrame:
    """Return the rows of at most MAX_PANELS contrasts; differences come before single terms."""
    names = [str(name) for name in gosh["contrast"].unique()]
    if len(names) > MAX_PANELS:
        differences = [name for name in names if name not in terms]
        names = (differences or names)[:MAX_PANELS]
    return gosh[gosh["contrast"].isin(names)]
