"""Options that several commands share."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any

import typer

from bayesmeta.commands.options.declaring import Options, option
from bayesmeta.infrastructure.choices import Likelihood, Missing, Sampler, Transform, Variant


def parse_columns(text: str) -> dict[str, str]:
    """Parse columns as `data.table` does; it is imported when needed."""
    from bayesmeta.data.table import parse_columns as parse

    return parse(text)


Seed = Annotated[int, option("Seed of every random step.", min=0)]
VariantOption = Annotated[
    Variant | None, option("Variant, if there are several. Default: the dataset's (calibrated).")
]
TransformOption = Annotated[
    Transform,
    option("Show estimates on the scale of the measure too, such as odds ratios: auto, or none."),
]
Columns = Annotated[
    Mapping[str, str],
    typer.Option(
        parser=parse_columns,
        metavar="TEXT",
        help="Map file columns to bayesmeta names: 'study=district, group=school, yi=es'. "
        "Overrides the table of columns in the model file.",
    ),
]


@dataclass(frozen=True)
class Request(Options):
    """The table and the model to analyse; `columns` override [columns] of the model file."""

    dataset: Annotated[
        str | None,
        option(
            "Name of a dataset (preclinical, clinical, clinical-all, translational, "
            "retroactive-memory, ketamine-extinction, preclinical-twin, clinical-twin) or a file "
            "(.csv, .tsv, .xlsx, .parquet). Default: preclinical, or its twin if the raw data are "
            "missing."
        ),
    ] = None
    model: Annotated[
        str | None, option("Name of a model in models/ (three-level, robust ...) or a TOML file.")
    ] = None
    variant: VariantOption = None
    where: Annotated[
        str | None, option("Keep the effects that match a pandas query: \"comparison == 'C'\".")
    ] = None
    moderators: Annotated[
        str | None, option("Replace the model's terms: 'valence:phase', '1', '~ dose + species'.")
    ] = None
    likelihood: Annotated[
        Likelihood | None,
        option(
            "Likelihood of results: normal, or t, which is exact for Hedges' g (needs n1i and n2i, "
            "or ni). Default: the model's."
        ),
    ] = None
    levels: Annotated[
        str | None,
        option(
            "Levels on which true effects vary: study,group,effect, or other columns. Default: the "
            "model's."
        ),
    ] = None
    crossed: Annotated[
        str | None,
        option("Columns that are crossed with the studies, such as species,laboratory."),
    ] = None
    prior: Annotated[
        str | None,
        option("Informed prior of mean effects and taus: cochrane:smd (see bayesmeta priors)."),
    ] = None
    missing: Annotated[
        Missing | None,
        option(
            "Blank moderators: joint, unknown values are part of the model; complete, their rows "
            "are left out; refuse. Default: the model's (joint)."
        ),
    ] = None
    columns: Columns = field(default_factory=dict)


@dataclass(frozen=True)
class ScreenRequest(Request):
    """The table to screen; a screening chooses moderators itself and needs no model."""

    model: str | None = field(default="intercept", init=False)
    moderators: str | None = field(default=None, init=False)
    likelihood: Likelihood | None = field(default=None, init=False)
    levels: str | None = field(default=None, init=False)
    crossed: str | None = field(default=None, init=False)
    prior: str | None = field(default=None, init=False)
    missing: Missing | None = field(default=None, init=False)


@dataclass(frozen=True)
class Sampling(Options):
    """Sampler, number of draws and seed, and the scales on which estimates are shown."""

    sampler: Annotated[
        Sampler,
        option(
            "NUTS by numpyro, nutpie or pymc; quadrature (independent draws); auto is numpyro, but "
            "quadrature above 50,000 effects."
        ),
    ] = "auto"
    draws: Annotated[int, option("Draws to keep per chain.", min=10)] = 1000
    tune: Annotated[int, option("Warm-up draws per chain.", min=10)] = 1000
    chains: Annotated[int, option("Number of chains.", min=1)] = 4
    seed: Seed = 1
    transform: TransformOption = "auto"

    @property
    def of_draws(self) -> dict[str, Any]:
        """Return the choices on which the draws depend."""
        choices = asdict(self)
        choices.pop("transform")
        return choices


@dataclass(frozen=True)
class Reporting(Sampling):
    """The options of a fit, and whether a report has a page in which readers change it."""

    live: Annotated[
        bool, option("Write live.html, in which readers change the analysis, beside the report.")
    ] = True

    @property
    def sampling(self) -> Sampling:
        """Return the options of the fit, check and other parts."""
        return Sampling(**{part.name: getattr(self, part.name) for part in fields(Sampling)})


@dataclass(frozen=True)
class Shown(Options):
    """What a command prints."""

    quiet: Annotated[bool, option("Print nothing but errors.")] = False
    as_json: Annotated[
        bool, option("Print one JSON object: files, tables, diagnostics.", "--json")
    ] = False


@dataclass(frozen=True)
class Output(Shown):
    """What a command prints, and whether it may replace other results."""

    overwrite: Annotated[
        bool, option("Replace results of other data or another model in the folder.")
    ] = False


@dataclass(frozen=True)
class Machine(Options):
    """Processes that refit models; no result depends on them."""

    workers: Annotated[
        int | None, option("Number of processes. Default: the number of cores.", min=1)
    ] = None
    dask: str | None = field(default=None, init=False)


@dataclass(frozen=True)
class Cluster(Machine):
    """Processes on this machine, or the workers of a Dask cluster."""

    dask: Annotated[str | None, option("Dask scheduler for refits: tcp://host:8786.")] = None
