"""What a command analyses: from a dataset's name or a file, a model and a query to a table, a spec and a design."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta.errors import BadInput, DataMissing

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import Console

    from bayesmeta.progress import Steps
    from bayesmeta.spec import ModelSpec


@dataclass(frozen=True)
class Request:
    """What a user asks to be analysed; the defaults are the command line's."""

    dataset: str | None = None
    model: str | None = None
    variant: str = "calibrated"
    where: str | None = None
    moderators: str | None = None


@dataclass(frozen=True)
class Inputs:
    """What is analysed: effect table, model, design, and the contrasts whose cells a query emptied."""

    frame: "pd.DataFrame"
    spec: "ModelSpec"
    design: "xr.Dataset"
    left_out: list[str]

    @property
    def dataset(self) -> str:
        """Name of the dataset, or stem of the file."""
        return str(self.frame.attrs["dataset"])

    def folder(self, out: Path | None) -> Path:
        """Where results go unless another folder is named."""
        return out or Path("reports") / self.dataset / self.spec.name

    @property
    def sha256(self) -> str:
        """Hash of the effect table, of the model and of the code: what is the same gives the same results."""
        from bayesmeta.jobs import code_fingerprint, fingerprint

        return fingerprint((self.frame, self.spec, code_fingerprint()))

    def choices(self, out: Path, **others: Any) -> dict[str, Any]:
        """What provenance says about the choices made."""
        model = {"model": self.spec.name, "model_sha256": self.spec.sha256, "inputs_sha256": self.sha256}
        return {"dataset": self.dataset, **model, "out": str(out), **others}


def read_inputs(request: Request) -> Inputs:
    """Read what is to be analysed.

    Raises
    ------
    BadInput
        Anything about it cannot be used.
    """
    frame = read_effects(request)
    spec = choose_model(request, frame)
    kept = frame if request.where is None else keep_rows(frame, request.where)
    design, left_out = select(frame, kept, spec)
    return Inputs(kept, spec, design, left_out)


def show_inputs(request: Request, steps: "Steps", console: "Console") -> Inputs:
    """`read_inputs`, and tell the reader what was found: how a command begins."""
    from bayesmeta import summary

    with steps("reading the data"):
        inputs = read_inputs(request)
    summary.print_data(console, inputs.design, inputs.frame.attrs, inputs.left_out)
    return inputs


def read_effects(request: Request) -> "pd.DataFrame":
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


def choose_model(request: Request, frame: "pd.DataFrame") -> "ModelSpec":
    """The asked or default model; a file without `--model` or `--moderators` gets an overall mean."""
    from bayesmeta.design import cell_means
    from bayesmeta.spec import read_spec
    from bayesmeta.studies import DATASETS

    known = DATASETS.get(str(frame.attrs["dataset"]))
    spec = read_spec(request.model or (known.model if known else "three-level"))
    moderators = request.moderators or ("1" if known is None and request.model is None else None)
    return spec.with_terms(cell_means(moderators, frame)) if moderators else spec


def select(frame: "pd.DataFrame", kept: "pd.DataFrame", spec: "ModelSpec") -> tuple["xr.Dataset", list[str]]:
    """The design of the kept rows, and the contrasts left out because the others took their cells with them.

    Raises
    ------
    BadInput
        A contrast names a term that the whole dataset lacks, or the design cannot be built.
    """
    from bayesmeta.contrasts import contrast_weights, possible_weights
    from bayesmeta.design import build_design
    from bayesmeta.discrepancy import check_sides

    design = build_design(frame, spec)
    check_sides(design, spec)
    named = spec.contrasts_of(str(frame.attrs["dataset"]))
    weights = contrast_weights(named, [str(term) for term in design["term"].values])
    if kept is frame:
        return design, []
    design = build_design(kept, spec)
    left = possible_weights(named, [str(term) for term in design["term"].values])["contrast"].values
    return design, [str(name) for name in weights["contrast"].values if name not in left]


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


def whole_record(inputs: Inputs) -> "pd.DataFrame":
    """The effects of a set's species that the record has, comparison B and small cells included."""
    from bayesmeta.studies import trace

    if not is_trace(inputs.dataset):
        return inputs.frame
    effects = trace.build(str(inputs.frame.attrs["variant"])).effects
    return effects[effects["species"].isin(inputs.frame["species"].unique())]


def is_trace(dataset: str) -> bool:
    """Whether a dataset is made from the TRACE record, so that it can be read in other variants."""
    from bayesmeta.studies import DATASETS, trace

    return dataset in DATASETS and DATASETS[dataset].reader is trace.read
