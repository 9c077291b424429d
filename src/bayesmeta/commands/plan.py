"""What would settle it? From a contrast and sizes of new studies to a table, a figure and a sentence."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta.commands import console as summary
from bayesmeta.commands.request import Inputs, Request, read_inputs
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import xarray as xr
    from rich.console import Console

    from bayesmeta.infrastructure.jobs import Job
    from bayesmeta.planning import Today

MOST_STUDIES, MOST_PER_ARM = 200, 100_000
PER_JOB = 50  # replicates
LEVELS_EXACT = 2  # on more levels a coarser rule: the taus have more nodes than the averages need
_RANGE = re.compile(r"(\d+)(?::(\d+))?")


@dataclass(frozen=True)
class Scope:
    """What is planned; the defaults are the command line's.

    Attributes
    ----------
    contrasts : names of the model's contrasts or combinations of terms; the model's own by default
    studies, per_arm : numbers of new studies and sizes of an arm, as text: `1:20`, `5,10,20`
    stratum : whose studies; human where there is one
    replicates, seed : simulated futures, and the seed of every random step
    """

    contrasts: tuple[str, ...] = ()
    studies: str = "1:20"
    per_arm: str = "20,40,80"
    stratum: str | None = None
    replicates: int = 400
    seed: int = 1


def run_plan(
    request: Request,
    scope: Scope,
    out: Path | None,
    console: "Console",
    *,
    dask: str | None = None,
    workers: int | None = None,
) -> int:
    """Simulate new studies and refit; write tables/plan.csv, figures/plan and provenance-plan.json; gives 0.

    Parameters
    ----------
    request, scope, out, console : Request, Scope, Path or None, Console
        What is asked, what is planned, where results go, who is told.
    dask, workers : str or None, int or None
        Address of a Dask scheduler that refits in place of this machine; processes on this machine.

    Raises
    ------
    BadInput
        Nothing is written then.
    """
    studies = counts("--studies", scope.studies, 1, MOST_STUDIES)
    per_arm = counts("--per-arm", scope.per_arm, 2, MOST_PER_ARM)
    steps = Steps(console)
    with steps("reading the data"):
        inputs = read_inputs(request)
    attrs, out = inputs.frame.attrs, inputs.folder(out)
    refuse_other_scales(inputs)
    summary.print_data(console, inputs.design, attrs, inputs.left_out)
    with steps("starting JAX"):
        from bayesmeta import planning
        from bayesmeta.inference.nuts import start_jax
        from bayesmeta.infrastructure.jobs import run_jobs
        from bayesmeta.output import folders

        start_jax(devices=1)
    weights = planning.chosen_contrasts(inputs.design, inputs.spec, scope.contrasts)
    stratum = planning.choose_stratum(inputs.design, inputs.spec, scope.stratum)
    measured = planning.chosen_terms(inputs.design, inputs.spec, weights, stratum, skip=not scope.contrasts)
    with steps("today's posterior"):
        today = known_today(inputs, weights, measured, scope)
    with folders.staging(out) as folder:
        jobs = jobs_of(today, studies, per_arm, scope.seed)
        found = run_jobs(list(jobs.values()), steps=steps, title="refitting", dask=dask, workers=workers)
        table = planning.plan_table(gather(jobs, found.tables), today)
        choices = inputs.choices(out, measured=measured, new_studies=stratum, **asdict(scope))
        provenance = provenance_of(asdict(request) | choices, attrs)
        write_plan(folder, table, provenance, steps)
    counted = planning.studies_so_far(inputs.design)
    so_far = {
        term: f"{term} ({count} {'study' if count == 1 else 'studies'} so far)" for term, count in counted.items()
    }
    known = {name: [so_far[term] for term in terms] for name, terms in measured.items()}
    print_plan(console, table, known, stratum, out, synthetic=provenance["synthetic"])
    return 0


def counts(option: str, text: str, low: int, high: int) -> list[int]:
    """Numbers of `1:20`, `20,40,80` or `1:5,10`, each once, in order."""
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first = int(match[1]) if match else 0
        last = int(match[2] or first) if match else 0
        if not low <= first <= last <= high:
            raise BadInput(
                f"{option} is '{text}'; it should be whole numbers from {low} to {high}, such as 5,10,20 or 1:20"
            )
        found |= set(range(first, last + 1))
    return sorted(found)


def refuse_other_scales(inputs: Inputs) -> None:
    """So many per arm say how precise a new effect is only where effects are standardised mean differences."""
    scale = str(inputs.design.attrs["scale"])
    if "Hedges' g" not in scale:
        raise BadInput(
            f"--per-arm is about Hedges' g of two arms, and {inputs.dataset} has effects of another or unknown kind "
            f"('{scale}'); give the file m1i, sd1i, n1i, m2i, sd2i, n2i in place of yi and vi"
        )


def known_today(
    inputs: Inputs, weights: "xr.DataArray", measured: "Mapping[str, list[str]]", scope: Scope
) -> "dict[str, Today]":
    """What is known today of each contrast, and draws of what may be true.

    Raises
    ------
    BadInput
        Quadrature does not do this model.
    """
    from bayesmeta.inference.quadrature import integrate_posterior
    from bayesmeta.planning import today_of

    tolerance = 1e-6 if len(inputs.spec.levels) <= LEVELS_EXACT else 1e-2
    try:
        posterior = integrate_posterior(inputs.design, inputs.spec, tolerance=tolerance)
    except BadInput as error:
        raise BadInput(f"{error}; but a plan is made by quadrature, so choose another --model for it") from error
    numbers: dict[str, Any] = {"rho": inputs.spec.rho, "replicates": scope.replicates, "seed": scope.seed}
    return {name: today_of(posterior, weights.sel(contrast=name), terms, **numbers) for name, terms in measured.items()}


def jobs_of(
    today: "Mapping[str, Today]", studies: Sequence[int], per_arm: Sequence[int], seed: int
) -> "dict[tuple[str, int, int], Job]":
    """Refits by contrast, size of an arm, and first replicate."""
    from bayesmeta.infrastructure.jobs import Job
    from bayesmeta.planning import refit_each, simulate_studies

    jobs = {}
    for contrast, known in today.items():
        for n in per_arm:
            new = simulate_studies(known.tau, known.beta, max(studies), n, rho=float(known.start.rho), seed=seed)
            for first in range(0, len(new.y), PER_JOB):
                some = slice(first, first + PER_JOB)
                name = f"{contrast}, {n} per arm, from replicate {first}"
                jobs[contrast, n, first] = Job(name, refit_each, (known.start, new.y[some], new.v[some], studies))
    return jobs


def gather(jobs: "Mapping[tuple[str, int, int], Job]", found: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """The refits of all jobs: contrast, per_arm, replicate, studies, width, p_positive."""
    import pandas as pd

    parts = []
    for (contrast, n, first), job in jobs.items():
        table = found[job.name]
        parts.append(table.assign(contrast=contrast, per_arm=n, replicate=table["replicate"] + first))
    return pd.concat(parts, ignore_index=True)


def write_plan(folder: Path, table: "pd.DataFrame", provenance: dict[str, Any], steps: Steps) -> None:
    """Write tables/plan.csv, figures/plan (PNG, SVG, CSV) and provenance-plan.json into an empty folder."""
    from bayesmeta.output.figures import save
    from bayesmeta.output.figures.planning import draw_plan
    from bayesmeta.output.folders import write_provenance, write_tables
    from bayesmeta.planning import curves_table

    write_tables(folder, {"plan": table})
    title = f"{provenance['dataset']}, {provenance['model']}"
    created = f"{provenance['replicates']} replicates, seed {provenance['seed']}, {provenance['created']}"
    source = f"bayesmeta {provenance['versions']['bayesmeta']}, {title}, {created}"
    with steps("drawing the figure"):
        (folder / "figures").mkdir()
        curves = curves_table(table)
        whose = f"{provenance['new_studies']} " if provenance["new_studies"] else ""
        figure = draw_plan(curves, xlabel=f"new {whose}studies", title=f"What would settle it? {title}")
        save(figure, folder / "figures" / "plan", curves, synthetic=provenance["synthetic"], source=source)
    write_provenance(folder / "provenance-plan.json", provenance, steps)


def print_plan(
    console: "Console",
    table: "pd.DataFrame",
    measured: "Mapping[str, list[str]]",
    stratum: str | None,
    out: Path,
    *,
    synthetic: bool,
) -> None:
    """The largest plan for each contrast and size of an arm, a sentence per contrast, and where the files are."""
    from rich.markup import escape
    from rich.table import Table

    from bayesmeta.estimates.text import probability_statement
    from bayesmeta.planning import sentences

    most = table["studies"].max()
    whose = f"{stratum} studies" if stratum else "studies"
    shown = Table(title=f"{'SYNTHETIC  ' if synthetic else ''}After {most} new {whose}", title_justify="left")
    shown.add_column("contrast", overflow="fold")
    for column in ("today", "width", "per arm", "width", "P(settled)"):
        shown.add_column(column, justify="right")
    for name, rows in table[table["studies"] == most].groupby("contrast", sort=False):
        today = probability_statement("P(> 0)", rows["current_p"].iloc[0])
        first = (str(name), today, f"{rows['current_width'].iloc[0]:.2f}")
        for at, row in enumerate(rows.to_dict("records")):
            settled = f"{row['p_settled']:.2f} ± {row['p_settled_se']:.2f}"
            shown.add_row(*(first if at == 0 else ("",) * 3), str(row["per_arm"]), f"{row['width']:.2f}", settled)
    console.print(shown)
    for name, sentence in sentences(table, stratum).items():
        console.print(f"- {name}: {sentence} Measured: {', '.join(measured[name])}.", highlight=False, markup=False)
    console.print(
        "[dim]Settled: one sign has a posterior probability above .975. Averages over today's posterior: new studies "
        "that differ among themselves as those so far, one group each, under this model and its priors.[/dim]"
    )
    console.print(f"written to [bold]{escape(str(out))}[/bold]: tables/plan.csv, figures/plan, provenance-plan.json")
