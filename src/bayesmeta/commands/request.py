"""What a command analyses: from a dataset's name or a file, a model and a query to a table, a spec and a design."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta.infrastructure.errors import BadInput, DataMissing

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import Console

    from bayesmeta.infrastructure.progress import Steps
    from bayesmeta.model.spec import ModelSpec


ONE_LEVEL = "every study has one effect: true effects vary on one level, that of the study"


@dataclass(frozen=True)
class Request:
    """What a user asks to be analysed; the defaults are the command line's.

    `columns` is of a file: the package's name of a column to the file's, beside those of the model's `[columns]`.
    """

    dataset: str | None = None
    model: str | None = None
    variant: str = "calibrated"
    where: str | None = None
    moderators: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


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
        from bayesmeta.infrastructure.jobs import code_fingerprint, fingerprint

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
    refuse_directions(frame, spec)
    kept = frame if request.where is None else keep_rows(frame, request.where)
    design, left_out = select(frame, kept, spec)
    return Inputs(kept, spec, design, left_out)


def refuse_directions(frame: "pd.DataFrame", spec: "ModelSpec") -> None:
    """Nothing for effect sizes and a model of them.

    Raises
    ------
    BadInput
        The table has directions alone, or the model is one of directions.
    """
    from bayesmeta.model.spec import ORDERED

    if spec.likelihood != ORDERED and {"yi", "vi"} <= set(frame.columns):
        return
    dataset = frame.attrs.get("dataset", "the table")
    raise BadInput(
        f"this command needs effect sizes yi with variances vi, and a model of them; got {dataset} with model "
        f"{spec.name}. Of directions alone there is a fit: bayesmeta fit --dataset ketamine-extinction"
    )


def show_inputs(request: Request, steps: "Steps", console: "Console") -> Inputs:
    """`read_inputs`, and tell the reader what was found: how a command begins."""
    from bayesmeta.commands import console as summary

    with steps("reading the data"):
        inputs = read_inputs(request)
    summary.print_data(console, inputs.design, inputs.frame.attrs, inputs.left_out)
    return inputs


def read_effects(request: Request) -> "pd.DataFrame":
    """The effect table of a dataset's name or of a file; without either preclinical, or its twin without the data."""
    from bayesmeta.data import datasets
    from bayesmeta.data.table import KINDS, read_table
    from bayesmeta.model.design.reserved import without_reserved

    if request.dataset is None:
        try:
            return datasets.read("preclinical", variant=request.variant)
        except DataMissing as error:
            frame = datasets.read("preclinical-twin", variant=request.variant)
            frame.attrs["notes"] = [f"the real data cannot be had here, so the synthetic twin is used: {error}"]
            return frame
    path = Path(request.dataset)
    if request.dataset not in datasets.DATASETS and (path.suffix.lower() in KINDS or path.is_file()):
        frame = without_reserved(read_table(path, columns=columns_of(request.model, request.columns)))
        if frame.attrs["dataset"] in datasets.DATASETS:  # a user's clinical.csv is not the dataset of that name
            frame.attrs["dataset"] += "-file"
        return frame
    if request.columns and request.dataset in datasets.DATASETS:
        raise BadInput(f"--columns names the columns of a file, and {request.dataset} is a dataset of the package")
    return datasets.read(request.dataset, variant=request.variant)


def columns_of(model: str | None, columns: "str | Mapping[str, str] | None") -> dict[str, str]:
    """The columns that a model's file names, and over them those of the command line.

    Raises
    ------
    BadInput
        The model cannot be read, or the text is not like `study=district, yi=es`.
    """
    from bayesmeta.data.table import parse_columns
    from bayesmeta.model.spec import read_spec

    asked = parse_columns(columns) if isinstance(columns, str) else dict(columns or {})
    return (dict(read_spec(model).columns) if model else {}) | asked


def choose_model(request: Request, frame: "pd.DataFrame") -> "ModelSpec":
    """The asked or default model.

    A file without `--model` or `--moderators` gets an overall mean; if each of its studies has one effect, they vary on
    one level.
    """
    from bayesmeta.data.datasets import DATASETS
    from bayesmeta.model.design import cell_means
    from bayesmeta.model.spec import read_spec

    known = DATASETS.get(str(frame.attrs["dataset"]))
    spec = read_spec(request.model or (known.model if known else "three-level"))
    moderators = request.moderators
    if known is None and request.model is None:
        moderators = moderators or "1"
        if not frame["study"].duplicated().any():
            spec = spec.with_levels(("study",))
            frame.attrs["notes"] = [*frame.attrs.get("notes", []), ONE_LEVEL]
    return spec.with_terms(cell_means(moderators, frame)) if moderators else spec


def select(frame: "pd.DataFrame", kept: "pd.DataFrame", spec: "ModelSpec") -> tuple["xr.Dataset", list[str]]:
    """The design of the kept rows, and the contrasts left out because the others took their cells with them.

    Raises
    ------
    BadInput
        A contrast names a term that the whole dataset lacks, or the design cannot be built.
    """
    from bayesmeta.estimates.discrepancy import check_sides
    from bayesmeta.model.design import build_design
    from bayesmeta.model.design.contrasts import contrast_weights, possible_weights

    design = build_design(kept, spec)
    whole = design if kept is frame else build_design(_with_moderators(frame, spec), spec)
    check_sides(whole, spec)
    named = spec.contrasts_of(str(frame.attrs["dataset"]))
    weights = contrast_weights(named, [str(term) for term in whole["term"].values])
    if kept is frame:
        return design, []
    left = possible_weights(named, [str(term) for term in design["term"].values])["contrast"].values
    return design, [str(name) for name in weights["contrast"].values if name not in left]


def _with_moderators(frame: "pd.DataFrame", spec: "ModelSpec") -> "pd.DataFrame":
    """Rows whose moderators are filled, for a query may have left out those where they are not."""
    from formulaic import Formula

    from bayesmeta.model.design import variables_of

    names = [*variables_of(Formula(spec.terms)), *filter(None, [spec.tau_by])]
    return frame.dropna(subset=[name for name in names if name in frame.columns])


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
    """Return every effect of the record that the dataset is selected from, of the same kinds."""
    from bayesmeta.data import datasets

    return datasets.full_record(inputs.frame)


def is_trace(dataset: str) -> bool:
    """Return True if a dataset can be read in other variants."""
    from bayesmeta.data.datasets import DATASETS

    return dataset in DATASETS and bool(DATASETS[dataset].variants)
