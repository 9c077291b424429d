"""The main job, from a dataset's name or a file to a folder of results: a table of contents of the package."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta import summary
from bayesmeta.errors import BadInput, DataMissing
from bayesmeta.progress import Steps
from bayesmeta.provenance import provenance_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import Console

    from bayesmeta.spec import ModelSpec


@dataclass(frozen=True)
class FitRequest:
    """What a user asks `bayesmeta fit` for; the defaults are the command line's."""

    dataset: str | None = None
    model: str | None = None
    variant: str = "calibrated"
    where: str | None = None
    moderators: str | None = None
    sampler: str = "numpyro"
    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    seed: int = 1
    out: Path | None = None


def run_fit(request: FitRequest, console: "Console") -> int:
    """Fit a model and write its folder.

    Returns
    -------
    int
        0 when every diagnostic passed, 1 when one failed (all is written and the console says which).

    Raises
    ------
    BadInput
        Nothing is written then.
    """
    steps = Steps(console)
    with steps("reading the data"):
        frame = read_effects(request)
        spec = choose_model(request, frame)
        design, left_out = select(frame, spec, request.where)
    summary.print_data(console, design, frame.attrs, left_out)
    with steps("starting JAX and PyMC"):
        from bayesmeta import report
        from bayesmeta.sampling import check_sampler, sample_posterior
    check_sampler(request.sampler)
    out = request.out or Path("reports") / str(frame.attrs["dataset"]) / spec.name
    with report.staging(out) as folder:
        options = {key: getattr(request, key) for key in ("sampler", "draws", "tune", "chains", "seed")}
        tree = sample_posterior(design, spec, steps=steps, **options)
        model = {"model": spec.name, "model_sha256": spec.sha256}
        choices = asdict(request) | {"dataset": frame.attrs["dataset"], "out": str(out)} | model
        provenance = provenance_of(choices, frame.attrs)
        tables = report.fit_tables(tree)
        diagnostics = report.write_fit(folder, tree, tables, provenance, steps)
    summary.print_fit(console, tables, diagnostics, out, synthetic=provenance["synthetic"])
    return 0 if diagnostics["passed"] else 1


def read_effects(request: FitRequest) -> "pd.DataFrame":
    """The effect table of a dataset's name or of a file; without either preclinical, or its twin without the data."""
    from bayesmeta import studies
    from bayesmeta.studies.table import KINDS, read_table

    if request.dataset is None:
        try:
            return studies.read("preclinical", variant=request.variant)
        except DataMissing as error:
            frame = studies.read("preclinical-twin", variant=request.variant)
            frame.attrs["notes"] = [f"the real data cannot be had here, so the synthetic twin is used: {error}"]
            return frame
    path = Path(request.dataset)
    if request.dataset not in studies.DATASETS and (path.suffix.lower() in KINDS or path.is_file()):
        return read_table(path)
    return studies.read(request.dataset, variant=request.variant)


def choose_model(request: FitRequest, frame: "pd.DataFrame") -> "ModelSpec":
    """The asked or default model; a file without `--model` or `--moderators` gets an overall mean."""
    from bayesmeta.design import cell_means
    from bayesmeta.spec import read_spec
    from bayesmeta.studies import DATASETS

    known = DATASETS.get(str(frame.attrs["dataset"]))
    spec = read_spec(request.model or (known.model if known else "three-level"))
    moderators = request.moderators or ("1" if known is None and request.model is None else None)
    return spec.with_terms(cell_means(moderators, frame)) if moderators else spec


def select(frame: "pd.DataFrame", spec: "ModelSpec", where: str | None) -> tuple["xr.Dataset", list[str]]:
    """The design of the rows a query keeps, and the contrasts left out because it emptied their cells.

    Raises
    ------
    BadInput
        The query cannot be read or keeps nothing; a contrast names a term that the whole dataset lacks.
    """
    from bayesmeta.contrasts import contrast_weights
    from bayesmeta.design import build_design

    design = build_design(frame, spec)
    named = spec.contrasts_of(str(frame.attrs["dataset"]))
    weights = contrast_weights(named, [str(term) for term in design["term"].values])
    if where is None:
        return design, []
    design = build_design(keep_rows(frame, where), spec)
    kept = set(design["term"].values)
    return design, [name for name in named if not set(weights.term[weights.sel(contrast=name) != 0].values) <= kept]


def keep_rows(frame: "pd.DataFrame", where: str) -> "pd.DataFrame":
    """Rows of the effect table for which a pandas query holds."""
    try:
        kept: Any = frame.query(where, engine="python")
    except Exception as error:  # whatever a user's expression raises
        columns = ", ".join(map(str, frame.columns))
        raise BadInput(f"--where '{where}' cannot be evaluated: {error}; the columns are: {columns}") from error
    if not len(kept):
        raise BadInput(f"--where '{where}' keeps none of the {len(frame)} effects")
    kept.attrs = frame.attrs
    return kept
