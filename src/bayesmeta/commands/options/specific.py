"""Options of single commands."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from bayesmeta.commands.options.declaring import Options, option
from bayesmeta.commands.options.shared import Columns, Seed, TransformOption, VariantOption
from bayesmeta.infrastructure.choices import (
    Coding,
    Folds,
    Likelihood,
    Target,
    Test,
    Weights,
    WeightsPrior,
)
from bayesmeta.infrastructure.errors import BadInput

MAX_STUDIES = 200
MAX_PER_ARM = 100_000
_RANGE = re.compile(r"(\d+)(?::(\d+))?")

Results = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that bayesmeta fit wrote.")]


@dataclass(frozen=True)
class Comparison(Options):
    """Test of the frequentist tables, and the scales on which estimates are shown."""

    test: Annotated[Test, option("Test: z, t with k - p df, or t with containment df.")] = "z"
    transform: TransformOption = "auto"


@dataclass(frozen=True)
class Averaging(Options):
    """Parts that a model may lack, the prior of publication weights, the seed of draws."""

    over: Annotated[
        str | None,
        option(
            "Parts that models have or lack: effect,heterogeneity,bias,moderators. "
            "Default: all that apply except bias, whose models take longer."
        ),
    ] = None
    weights_prior: Annotated[
        WeightsPrior,
        option(
            "Prior of publication weights: cumulative (they fall from 1, as in RoBMA), or "
            "independent (that of models/selection.toml)."
        ),
    ] = "cumulative"
    seed: Seed = 1


@dataclass(frozen=True)
class Calibration(Options):
    """Number of simulated sets, draws of each posterior, and the likelihood of the simulation."""

    folder: ClassVar[str] = "calibration"
    sets: Annotated[int, option("Simulated sets of data.", min=20)] = 200
    draws: Annotated[int, option("Independent draws of each posterior.", min=50)] = 200
    simulator: Annotated[
        Likelihood | None,
        option("Likelihood that simulates the data: normal or t. Default: the model's."),
    ] = None
    seed: Seed = 1


@dataclass(frozen=True)
class Screening(Options):
    """Target, moderators, folds, imputation and coding of a screening."""

    folder: ClassVar[str] = "screening"
    target: Annotated[
        Target, option("What to predict: posterior means or draws of true effects, or raw effects.")
    ] = "means"
    moderators: Annotated[
        tuple[str, ...],
        option("Column to screen; may be repeated. Default: every suitable column.", "--moderator"),
    ] = ()
    folds: Annotated[
        Folds, option("Folds: study (recommended) or group (as in the paper; leaks information).")
    ] = "study"
    impute: Annotated[
        str | None,
        option(
            'Impute missing moderators within levels of this column; "across": from all rows. '
            "Default: the dataset's column, else all rows."
        ),
    ] = None
    imputations: Annotated[
        int, option("1: mode or median; more: random, then averaged.", min=1)
    ] = 1
    coding: Annotated[
        Coding,
        option("Categories as a column per level, or alphabetical numbers (as in the paper)."),
    ] = "levels"
    draws: Annotated[int, option("Number of posterior draws, if --target is draws.", min=2)] = 50
    resamples: Annotated[int, option("Bootstrap resamples of studies (intervals).", min=2)] = 100
    seed: Seed = 1


@dataclass(frozen=True)
class Scope(Options):
    """Contrasts, numbers of new studies and sizes of an arm that a plan covers, ascending."""

    contrasts: Annotated[
        tuple[str, ...],
        option("Name of a contrast, or 'a:b - c:d'; may be repeated. Default: all.", "--contrast"),
    ] = ()
    studies: Annotated[str, option("Numbers of new studies: 1:20, or 5,10,20.")] = "1:20"
    per_arm: Annotated[str, option("Sizes of an arm; every new study has two arms.")] = "20,40,80"
    stratum: Annotated[str | None, option("Stratum of new studies. Default: human, if any.")] = None
    replicates: Annotated[int, option("Simulations per size of an arm.", min=10)] = 400
    seed: Seed = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.study_counts, self.arm_sizes

    @property
    def study_counts(self) -> list[int]:
        """Return the numbers of new studies, ascending."""
        return counts("--studies", self.studies, 1, MAX_STUDIES)

    @property
    def arm_sizes(self) -> list[int]:
        """Return the sizes of an arm, ascending."""
        return counts("--per-arm", self.per_arm, 2, MAX_PER_ARM)


def counts(option: str, text: str, low: int, high: int) -> list[int]:
    """Return the numbers of `1:20`, `20,40,80` or `1:5,10`, ascending, without repeats."""
    numbers: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first = int(match[1]) if match else 0
        last = int(match[2] or first) if match else 0
        if not low <= first <= last <= high:
            right = f"whole numbers from {low} to {high}, such as 5,10,20 or 1:20"
            raise BadInput(f"{option} is '{text}'; it should be {right}")
        numbers |= set(range(first, last + 1))
    return sorted(numbers)


@dataclass(frozen=True)
class Listing(Options):
    """The dataset to list."""

    dataset: Annotated[str, typer.Argument(help="A dataset: preclinical, clinical-all ...")]
    variant: VariantOption = None


@dataclass(frozen=True)
class Catalogue(Options):
    """The informed priors to list, and a file for a picture."""

    search: Annotated[
        str | None, typer.Argument(help="Text in the name, field or source: cochrane:smd, heart.")
    ] = None
    draw: Annotated[Path | None, option("Draw their densities into a .png, .svg or .pdf.")] = None


@dataclass(frozen=True)
class Prediction(Options):
    """Fitted model, rows to predict and weights of marginal means."""

    results: Results
    at: Annotated[str | None, option("Values in the grid: 'dose=1,2,5; species=rat'.")] = None
    new: Annotated[
        Path | None, option("File with a column per moderator, used in place of the grid.")
    ] = None
    weights: Annotated[
        Weights, option("Weights of the cells of marginal means: equal, or frequency (effects).")
    ] = "equal"
    baseline: Annotated[
        str | None,
        option(
            "Risks without treatment, such as 0.12,0.3: adds the persons per 1000 with an event "
            "under treatment."
        ),
    ] = None
    transform: TransformOption = "auto"


@dataclass(frozen=True)
class Interpretation(Options):
    """The folder of results to interpret, and the scales of its estimates."""

    results: Results
    transform: TransformOption = "auto"


@dataclass(frozen=True)
class Search(Options):
    """The counts of a search."""

    file: Annotated[Path, typer.Argument(help="A TOML file with the counts of a search.")]


@dataclass(frozen=True)
class Draft(Options):
    """The table to write a model file for."""

    file: Annotated[Path, typer.Argument(help="A table: .csv, .tsv, .xlsx or .parquet.")]
    columns: Columns = field(default_factory=dict)
    force: Annotated[bool, option("Overwrite an existing model file.")] = False
