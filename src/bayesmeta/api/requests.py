"""From the arguments of a function to the inputs that a command has of the same table."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from bayesmeta.api.checks import check_text
from bayesmeta.api.tables import effect_table
from bayesmeta.commands.effects import keep_rows
from bayesmeta.commands.options import Request
from bayesmeta.commands.request import Inputs, choose_model, read_directions, select
from bayesmeta.data.datasets import DATASETS
from bayesmeta.estimates.discrepancy import check_sides
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design, cell_means
from bayesmeta.model.design.formulas import quote_names
from bayesmeta.model.spec import ORDERED, ModelSpec, check_spec

MODELS = "a model's name, a TOML file or a ModelSpec"
Text = str | None
Model = str | Path | ModelSpec | None


def inputs_of(frame: pd.DataFrame, model: Model, moderators: Text, where: Text) -> Inputs:
    """Return the inputs that a command has of a file with these rows; raise BadInput as it does."""
    check_text("moderators", moderators, "valence:phase")
    check_text("where", where, "dose > 1")
    table = effect_table(frame)
    spec = spec_for(table, model, moderators)
    kept = table if where is None else keep_rows(table, where)
    if spec.likelihood == ORDERED:
        return read_directions(table, kept, spec)
    # the user may have left out rows of a dataset, and cells of contrasts
    if table.attrs["dataset"] in DATASETS:
        design = build_design(kept, spec)
        check_sides(design, spec)
        return Inputs(kept, spec, design, [])
    return select(table, kept, spec)


def spec_for(table: pd.DataFrame, model: Model, moderators: Text) -> ModelSpec:
    """Return the model for a table; raise BadInput if it is of another type or cannot be used."""
    if isinstance(model, ModelSpec):
        spec = model.with_terms(cell_means(moderators, table)) if moderators else model
        return check_spec(replace(spec, terms=quote_names(spec.terms, table.columns)))
    if model is not None and not isinstance(model, str | Path):
        raise BadInput(f"model is a {type(model).__name__}; it should be {MODELS}")
    name = None if model is None else str(model)
    return choose_model(Request(model=name, moderators=moderators), table)


def start_devices(chains: int) -> None:
    """Start JAX with as many devices as chains; the first call decides for the next ones, too.

    Raise BadInput if JAX runs already with too few: draws would differ from the command line's.
    """
    import jax

    from bayesmeta.inference.compiling import DEVICES, start_jax

    start_jax(max(chains, DEVICES))
    available = jax.local_device_count()
    if jax.default_backend() == "cpu" and available < chains:
        devices = f"{available} device{'s' * (available > 1)}"
        raise BadInput(
            f"JAX is running already, with {devices}, and {chains} chains need {chains}; restart "
            f"Python and fit {chains} chains before all else, or set chains={available}"
        )
