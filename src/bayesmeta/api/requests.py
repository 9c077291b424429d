"""What is asked of a table: from arguments to what a command would analyse, and JAX ready for it."""

from pathlib import Path

import jax
import pandas as pd

from bayesmeta.api.tables import effect_table
from bayesmeta.commands.request import Inputs, Request, choose_model, keep_rows, select
from bayesmeta.data.datasets import DATASETS
from bayesmeta.estimates.discrepancy import check_sides
from bayesmeta.inference.nuts import start_jax
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design, cell_means
from bayesmeta.model.spec import ORDERED, ModelSpec, check_spec

Model = str | Path | ModelSpec | None
DEVICES = 4  # as many as the command line has chains: then both share the programs they compiled


def inputs_of(frame: pd.DataFrame, model: Model, moderators: str | None, where: str | None) -> Inputs:
    """The table, the model and the design that a command has of a file with these rows.

    Raises
    ------
    BadInput
        Anything about them cannot be used.
    """
    for name, value, example in (("moderators", moderators, "valence:phase"), ("where", where, "dose > 1")):
        if value is not None and not isinstance(value, str):
            raise BadInput(f"{name} is a {type(value).__name__}; it should be text like {example!r}")
    table = effect_table(frame)
    spec = _spec(table, model, moderators)
    kept = table if where is None else keep_rows(table, where)
    if spec.likelihood == ORDERED:
        from bayesmeta.inference.ordinal import build_directions

        return Inputs(kept, spec, build_directions(kept, spec), [])
    if table.attrs["dataset"] in DATASETS:  # whose rows may have been left out before, and cells that contrasts name
        design = build_design(kept, spec)
        check_sides(design, spec)
        return Inputs(kept, spec, design, [])
    design, left_out = select(table, kept, spec)
    return Inputs(kept, spec, design, left_out)


def _spec(table: pd.DataFrame, model: Model, moderators: str | None) -> ModelSpec:
    if isinstance(model, ModelSpec):
        return check_spec(model.with_terms(cell_means(moderators, table)) if moderators else model)
    if model is not None and not isinstance(model, str | Path):
        raise BadInput(f"model is a {type(model).__name__}; it should be a model's name, a TOML file or a ModelSpec")
    asked = None if model is None else str(model)
    return choose_model(Request(model=asked, moderators=moderators), table)


def ready_jax(chains: int = 1) -> None:
    """Start JAX with a device for each chain, so that what is called first does not decide for what is called next.

    Raises
    ------
    BadInput
        JAX runs already, with too few devices: draws would then be other ones than the command line's.
    """
    start_jax(max(chains, DEVICES))
    have = jax.local_device_count()
    if jax.default_backend() == "cpu" and have < chains:
        raise BadInput(
            f"JAX is running already, with {have} device{'s' * (have > 1)}, and {chains} chains want one each; restart "
            f"Python and call bayesmeta.fit with {chains} chains before anything else that uses JAX, or ask for "
            f"chains={have}"
        )
