"""From the arguments of a function to the inputs that a command has of the same table."""

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
from bayesmeta.model.spec import ORDERED, ModelSpec, check_spec

MODELS = "a model's name, a TOML file or a ModelSpec"
Model = str | Path | ModelSpec | None
DEVICES = 4  # the default number of chains of the command line: both then share compiled programs


def inputs_of(
    frame: pd.DataFrame, model: Model, moderators: str | None, where: str | None
) -> Inputs:
    """Return the table, the model and the design that a command has of a file with these rows.

    Raise BadInput if the table, the model or the query cannot be used.
    """
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
    design, left_out = select(table, kept, spec)
    return Inputs(kept, spec, design, left_out)


def spec_for(table: pd.DataFrame, model: Model, moderators: str | None) -> ModelSpec:
    """Return the model for a table; raise BadInput if it is of another type or cannot be used."""
    if isinstance(model, ModelSpec):
        return check_spec(model.with_terms(cell_means(moderators, table)) if moderators else model)
    if model is not None and not isinstance(model, str | Path):
        raise BadInput(f"model is a {type(model).__name__}; it should be {MODELS}")
    name = None if model is None else str(model)
    return choose_model(Request(model=name, moderators=moderators), table)


def start_devices(chains: int) -> None:
    """Start JAX with as many devices as chains.

    JAX keeps the number of devices with which it starts, so the first call decides for the next
    ones, too. Raise BadInput if JAX runs already with too few devices: draws would differ from
    those of the command line.
    """
    import jax

    from bayesmeta.inference.nuts import start_jax  # PyMC

    start_jax(max(chains, DEVICES))
    available = jax.local_device_count()
    if jax.default_backend() == "cpu" and available < chains:
        raise BadInput(
            f"JAX is running already, with {available} device{'s' * (available > 1)}, and {chains} "
            f"chains need {chains}; restart Python and call bayesmeta.fit with {chains} chains "
            f"before anything else that uses JAX, or set chains={available}"
        )
