"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Dataset = Annotated[
    str | None,
    typer.Option(
        help="A dataset's name (preclinical, clinical, clinical-all, translational, retroactive-memory, "
        "ketamine-extinction, preclinical-twin, clinical-twin) "
        "or a file (.csv, .tsv, .xlsx, .parquet). Default: preclinical, or its twin where the data cannot be had."
    ),
]
Model = Annotated[
    str | None, typer.Option(help="A model of models/ by name (three-level, four-level, robust ...) or a TOML file.")
]
Variant = Annotated[str, typer.Option(help="Of the named datasets: strict, extended or calibrated.")]
Where = Annotated[str | None, typer.Option(help="Keep effects for which a pandas query holds: \"comparison == 'C'\".")]
Moderators = Annotated[
    str | None, typer.Option(help="Terms in place of the model's: 'valence:phase', '1', '~ dose + species'.")
]
Columns = Annotated[
    str | None,
    typer.Option(
        help="Map file columns to bayesmeta names: 'study=district, group=school, yi=es'. Overrides the table of "
        "columns in the model file."
    ),
]
Sampler = Annotated[str, typer.Option(help="numpyro, nutpie, pymc or quadrature.")]
Draws = Annotated[int, typer.Option(min=10, help="Kept draws per chain.")]
Tune = Annotated[int, typer.Option(min=10, help="Warm-up draws per chain.")]
Chains = Annotated[int, typer.Option(min=1, help="Chains.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of every random step.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes on this machine; default one per core.")]
Dask = Annotated[str | None, typer.Option(help="Address of a Dask scheduler to refit on: tcp://host:8786.")]
Out = Annotated[Path | None, typer.Option(help="Folder to write; default reports/<dataset>/<model>.")]
