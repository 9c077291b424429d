"""The arguments of a function become the inputs of a command for the same table."""

from collections.abc import Mapping
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
from bayesmeta.infrastructure.choices import Missing
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design, cell_means
from bayesmeta.model.design.formulas import quote_names
from bayesmeta.model.spec import ORDERED, ModelSpec, Prior, check_spec

MODELS = "a model's name, a TOML file or a ModelSpec"
Text = str | None
Model = str | Path | ModelSpec | None
Priors = Mapping[str, str | Prior] | None
Columns = str | Mapping[str, str] | None


def inputs_of(
    frame: pd.DataFrame,
    model: Model,
    moderators: Text,
    where: Text,
    *,
    priors: Priors = None,
    measure: Text = None,
    columns: Columns = None,
    missing: Missing | None = None,
) -> Inputs:
    """Return the inputs that a command has of a file with these rows; raise BadInput as it does.

    A `model` that begins with ~ is a formula, as `moderators`.
    """
    check_text("moderators", moderators, "valence:phase")
    check_text("where", where, "dose > 1")
    check_text("measure", measure, "SMD")
    if isinstance(model, str) and model.lstrip().startswith("~"):
        if moderators is not None:
            raise BadInput(
                f"two formulas are given, {model!r} and {moderators!r}; give one of them"
            )
        moderators, model = model, None
    table = effect_table(frame, measure=measure, columns=columns)
    spec = with_priors(spec_for(table, model, moderators), priors)
    spec = check_spec(replace(spec, missing=missing or spec.missing))
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


def with_priors(spec: ModelSpec, priors: object) -> ModelSpec:
    """Return the model with other priors for some keys; raise BadInput if one cannot be used."""
    if priors is None:
        return spec
    if not isinstance(priors, Mapping):
        right = 'a mapping such as {"terms": "Normal(0, 1)", "tau": "HalfNormal(0.5)"}'
        raise BadInput(f"priors is a {type(priors).__name__}; it should be {right}")
    given = {
        str(key): prior if isinstance(prior, Prior) else Prior.parse(str(key), {"prior": prior})
        for key, prior in priors.items()
    }
    return check_spec(replace(spec, priors={**spec.priors, **given}))


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
            f"Python and fit {chains} chains first, or set chains={available}"
        )
