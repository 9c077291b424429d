"""From a request to the table, the model and the design that a command analyses."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from formulaic import Formula

from bayesmeta.commands.default_priors import widened
from bayesmeta.commands.effects import keep_rows, read_effects
from bayesmeta.commands.moderator_notes import notes_on_blanks, notes_on_codes
from bayesmeta.commands.options import Request
from bayesmeta.data.datasets import DATASETS
from bayesmeta.data.schema import KEYS
from bayesmeta.estimates.discrepancy import check_sides
from bayesmeta.infrastructure.choices import check_known
from bayesmeta.infrastructure.code import code_fingerprint
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs.fingerprint import fingerprint
from bayesmeta.model.design import (
    SMALL_STUDY_POWERS,
    build_design,
    caution,
    cell_means,
    double_use,
    variables_of,
)
from bayesmeta.model.design.blanks import complete_rows
from bayesmeta.model.design.completing import moderator_names
from bayesmeta.model.design.contrasts import contrast_weights, possible_weights, settled
from bayesmeta.model.design.formulas import quote_names
from bayesmeta.model.design.t_statistics import why_no_t_statistics
from bayesmeta.model.spec import LEVELS, ORDERED, ModelSpec, check_spec, model_names, read_spec
from bayesmeta.model.spec.informed import with_informed

DEFAULT_MODEL = "three-level"
REDUNDANT = (
    "redundant predictors are dropped from the model; each is constant or a combination of others"
)
SINGLE_LEVEL = "every study has one effect: true effects vary only between studies"


@dataclass(frozen=True)
class Inputs:
    """Effect table, model and design, and the contrasts without cells after a query."""

    frame: pd.DataFrame
    spec: ModelSpec
    design: xr.Dataset
    left_out: list[str]
    incomplete: pd.DataFrame | None = None  # the table with the rows left out for blank moderators

    @property
    def dataset(self) -> str:
        """Name of the dataset, or stem of the file."""
        return str(self.frame.attrs["dataset"])

    @property
    def has_directions(self) -> bool:
        """Whether the table has directions of effects and no effect sizes."""
        return self.spec.likelihood == ORDERED

    @property
    def sha256(self) -> str:
        """Hash of the effect table, the model and the code: equal hashes give equal results."""
        return fingerprint((self.frame, self.spec, code_fingerprint()))

    def choices(self, out: Path, **others: Any) -> dict[str, Any]:
        """Return the choices for the provenance."""
        model = {"model": self.spec.name, "model_sha256": self.spec.sha256}
        table = {"dataset": self.dataset, "variant": self.frame.attrs.get("variant")}
        rows = pd.DataFrame(self.frame)
        rows.attrs = {}
        hashes = {"inputs_sha256": self.sha256, "analysis_sha256": fingerprint((rows, self.spec))}
        return {**table, **model, **hashes, "out": str(out), **others}


def read_inputs(request: Request, *, directions: bool = False) -> Inputs:
    """Read the table and the model, and build the design.

    `directions` accepts a table of directions without effect sizes, and a model of directions.
    Raise BadInput if the table, the model or the query cannot be used.
    """
    frame = read_effects(request)
    spec = choose_model(request, frame)
    if request.prior is not None:
        spec = check_spec(with_informed(spec, request.prior, measures_of(frame)))
    kept = frame if request.where is None else keep_rows(frame, request.where)
    lacks_effect_sizes = spec.likelihood == ORDERED or not {"yi", "vi"} <= set(frame.columns)
    if directions and lacks_effect_sizes:
        return read_directions(frame, kept, spec)
    if lacks_effect_sizes:
        got = f"{frame.attrs.get('dataset', 'the table')} with model {spec.name}"
        raise BadInput(
            f"this command needs effect sizes yi with variances vi, and a model of them; got {got}."
            " A table of directions can be fitted: bayesmeta fit --dataset ketamine-extinction"
        )
    return select(frame, kept, spec)


def measures_of(frame: pd.DataFrame) -> list[str]:
    """Return the effect size of a table if it is known."""
    measure = frame.attrs.get("measure")
    return [str(measure)] if measure else []


def read_directions(frame: pd.DataFrame, kept: pd.DataFrame, spec: ModelSpec) -> Inputs:
    """Return the inputs of directions; raise BadInput if there are none, or a contrast is wrong."""
    from bayesmeta.inference.ordinal import build_directions  # imports PyMC

    design = build_directions(frame, spec)
    terms = [str(term) for term in design["term"].values]
    contrast_weights(spec.contrasts_of(str(frame.attrs["dataset"])), terms)
    return Inputs(kept, spec, design if kept is frame else build_directions(kept, spec), [])


def choose_model(request: Request, frame: pd.DataFrame) -> ModelSpec:
    """Return the requested or default model; the default for a file is an overall mean.

    If the studies of the file have a single effect, true effects vary on a single level.
    """
    dataset = DATASETS.get(str(frame.attrs["dataset"]))
    spec = read_spec(request.model or (dataset.model if dataset else DEFAULT_MODEL))
    moderators = request.moderators
    if dataset is None and request.model is None:
        moderators = moderators or "1"
        if not frame["study"].duplicated().any():
            spec = spec.with_levels(("study",))
            frame.attrs["notes"] = [*frame.attrs.get("notes", []), SINGLE_LEVEL]
        spec = widened(spec, frame)
    spec = spec.with_terms(cell_means(moderators, frame)) if moderators else spec
    spec = replace(spec, missing=request.missing) if request.missing else spec
    spec = replace(spec, terms=quote_names(spec.terms, frame.columns))
    if dataset is None and moderators:
        codes = notes_on_codes(frame, spec.terms, variables_of(Formula(spec.terms)))
        frame.attrs["notes"] = [*frame.attrs.get("notes", []), *codes]
    if request.crossed:
        crossed = parse_levels(request.crossed, frame)
        spec = check_spec(replace(spec, name=f"{spec.name}-crossed", crossed=crossed))
    if request.levels is None and request.likelihood is None:
        return with_possible_likelihood(spec, frame) if request.model in model_names() else spec
    if spec.likelihood == ORDERED:
        problem = f"model {spec.name} is for directions, which have no likelihood of effect sizes"
        raise BadInput(f"{problem}; leave out --likelihood and --levels")
    levels = parse_levels(request.levels, frame) if request.levels else spec.levels
    if levels != spec.levels:
        spec = replace(spec.with_levels(levels), name=f"{spec.name}-{'-'.join(levels)}")
    return check_spec(spec.with_likelihood(request.likelihood or spec.likelihood))


def with_possible_likelihood(spec: ModelSpec, frame: pd.DataFrame) -> ModelSpec:
    """Return a model of the project with a normal likelihood, and a note, if t is not possible."""
    reason = why_no_t_statistics(frame) if spec.likelihood == "t" else ""
    if not reason:
        return spec
    note = f"normal likelihood instead of t, exact for Hedges' g: {reason.split('; ')[0]}"
    frame.attrs["notes"] = [*frame.attrs.get("notes", []), note]
    return spec.with_likelihood("normal")


def parse_levels(text: str, frame: pd.DataFrame) -> tuple[str, ...]:
    """Return levels, of study, group, effect or columns; raise BadInput if one is unknown."""
    levels = tuple(level.strip() for level in text.split(","))
    for level in levels:
        if level not in frame.columns:
            others = (name for name in map(str, frame.columns) if name not in (*KEYS, "sheet_row"))
            check_known("level or column", level, (*LEVELS, *others))
    return levels


def select(frame: pd.DataFrame, kept: pd.DataFrame, spec: ModelSpec) -> Inputs:
    """Return the inputs of the kept rows.

    Raise BadInput if a contrast names a term that the complete table lacks, or there is no design.
    """
    selected = kept
    blanks = notes_on_blanks(kept, spec)
    if blanks and spec.missing == "complete":
        kept = complete_rows(kept, moderator_names(spec.terms))
    design = build_design(kept, spec)
    complete = design
    if kept is not frame:  # a query may exclude the rows with blank moderators
        names = [*variables_of(Formula(spec.terms)), *filter(None, [spec.tau_by])]
        filled = frame.dropna(subset=[name for name in names if name in frame.columns])
        complete = build_design(filled, spec)
    check_sides(complete, spec)
    dataset = str(frame.attrs["dataset"])
    all_terms = [str(term) for term in complete["term"].values]
    spec, notes = settled(spec, dataset, all_terms)
    notes = [*blanks, *notes]
    if redundant := design.attrs["redundant"]:
        notes.append(f"{REDUNDANT}: {redundant}")
    if spec.bias in SMALL_STUDY_POWERS:
        notes += filter(None, [caution(kept)])
    notes += filter(None, [double_use(design, spec)])
    kept.attrs["notes"] = [*kept.attrs.get("notes", []), *notes]
    weights = contrast_weights(spec.contrasts_of(dataset), all_terms)
    incomplete = selected if kept is not selected else None
    if selected is frame:
        return Inputs(kept, spec, design, [], incomplete)
    terms = [str(term) for term in design["term"].values]
    possible = possible_weights(spec.contrasts_of(dataset), terms)
    names = [str(name) for name in weights["contrast"].values]
    left_out = [name for name in names if name not in possible["contrast"].values]
    return Inputs(kept, spec, design, left_out, incomplete)
