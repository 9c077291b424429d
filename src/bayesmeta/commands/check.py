"""Can it be trusted? Draws, funnel, bias, influence, priors: from a dataset's name or a file to tables and a page."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bayesmeta.commands.fit import Sampling, draw_posterior
from bayesmeta.commands.request import Inputs, Request, show_inputs
from bayesmeta.estimates.conventions import MAX_K_HAT
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import Console

Verdict = tuple[str, str, str]  # which check; passed, review or failed; a sentence
SHADES = {"passed": "green", "review": "yellow", "failed": "bold red", "not done": "dim"}


@dataclass
class Found:
    """What the checks found: a verdict each, and tables by file name."""

    verdicts: list[Verdict] = field(default_factory=list)
    tables: "dict[str, pd.DataFrame]" = field(default_factory=dict)

    def add(self, name: str, passed: bool, sentence: str, **tables: "pd.DataFrame") -> None:
        """A verdict and its tables."""
        self.verdicts.append((name, "passed" if passed else "review", sentence))
        self.tables |= tables


def run_check(
    request: Request, how: Sampling, out: Path | None, console: "Console", *, workers: int | None = None
) -> int:
    """Fit, check, and write tables, figures, check.html and provenance-check.json.

    Parameters
    ----------
    request, how, out, console : Request, Sampling, Path or None, Console
        What is asked, how it is sampled, where results go, who is told.
    workers : int, optional
        Processes that refit.

    Returns
    -------
    int
        0, or 1 when the sampler's diagnostics failed (all is written and the console says which).

    Raises
    ------
    BadInput
        Nothing is written then.
    """
    steps = Steps(console)
    inputs = show_inputs(request, steps, console)
    attrs, out = inputs.frame.attrs, inputs.folder(out)
    with steps("starting JAX and PyMC"):
        from bayesmeta.output import folders
    with folders.staging(out) as folder:
        tree = draw_posterior(inputs.design, inputs.spec, how, steps)
        found, passed = check(tree, inputs, how.seed, steps, workers)
        provenance = provenance_of(asdict(request) | asdict(how) | inputs.choices(out), attrs)
        folders.write_check(folder, found.tables, found.verdicts, inputs.design, provenance, steps)
    print_check(console, found, out, synthetic=provenance["synthetic"])
    return 0 if passed else 1


def check(tree: "xr.DataTree", inputs: Inputs, seed: int, steps: Steps, workers: int | None) -> tuple[Found, bool]:
    """Every check of a fit; and whether the draws are to be trusted. A check that cannot be done says why."""
    from bayesmeta.estimates.convergence import diagnose, diagnostics_table

    diagnostics, found = diagnose(tree), Found()
    found.tables["convergence"] = diagnostics_table(diagnostics)
    said = "; ".join([*diagnostics["failures"], *diagnostics["warnings"]])
    state = "passed" if diagnostics["passed"] else "failed"
    found.verdicts.append(("convergence", state, said or "every chain tells the same, with draws enough"))
    parts: dict[str, Callable[[], None]] = {
        "funnel": lambda: check_funnel(found, tree, seed, steps),
        "bias models": lambda: check_bias(found, tree, inputs, steps, workers),
        "influence": lambda: check_influence(found, tree, inputs, seed, steps, workers),
        "prior sensitivity": lambda: check_priors(found, tree, inputs, steps, workers),
    }
    for name, part in parts.items():
        try:
            part()
        except BadInput as error:
            found.verdicts.append((name, "not done", str(error)))
    return found, bool(diagnostics["passed"])


def check_funnel(found: Found, tree: "xr.DataTree", seed: int, steps: Steps) -> None:
    """The funnel against replicates without selection."""
    from bayesmeta.robustness.funnel import funnel_checks

    with steps("funnel: replicates without selection"):
        funnel = funnel_checks(tree, seed=seed)
    tables = {"funnel_replicates": funnel.replicates, "funnel_points": funnel.points, "funnel_cells": funnel.cells}
    found.add("funnel", not funnel.flagged, funnel.verdict, funnel=funnel.statistics, **tables)


def check_bias(found: Found, tree: "xr.DataTree", inputs: Inputs, steps: Steps, workers: int | None) -> None:
    """PET, PEESE and selection beside the unadjusted model."""
    from bayesmeta.estimates.contrasts import contrasts_of
    from bayesmeta.infrastructure.jobs import Job, run_jobs
    from bayesmeta.robustness import bias

    versions, missing = bias.versions(inputs.frame, inputs.spec, contrasts_of(tree))
    jobs = [Job(name, bias.refit, version) for name, version in versions.items()]
    done = run_jobs(jobs, steps=steps, title="bias models", workers=workers)
    refused = missing | done.refused
    if len(done.tables) < 2 or bias.UNADJUSTED in done.refused:
        raise BadInput("; ".join(f"{name}: {why}" for name, why in refused.items()))
    cells, parameters = bias.cells_table(done.tables), bias.parameters_table(done.tables)
    models = bias.models_table(done.tables)
    said = [bias.sentence(cells, parameters, models), *(f"{name} left out: {why}" for name, why in refused.items())]
    tables = {"bias_cells": cells, "bias_parameters": parameters, "bias_models": models}
    found.add("bias models", not bias.matters(cells, models), "; ".join(said), **tables)


def check_influence(
    found: Found, tree: "xr.DataTree", inputs: Inputs, seed: int, steps: Steps, workers: int | None
) -> None:
    """Leave-one-study-out: prediction, conclusions, what the outlying studies do."""
    from bayesmeta.estimates.contrasts import contrasts_of
    from bayesmeta.inference import quadrature
    from bayesmeta.robustness import influence

    design, spec, weights = inputs.design, inputs.spec, contrasts_of(tree)
    left_out, refusal = None, None
    with steps("leaving out every study"):
        try:
            left_out = quadrature.leave_one_study_out(design, spec, weights=weights)
        except BadInput as error:
            refusal = error
        studies = influence.leave_studies_out(tree, design, spec, left_out=left_out, seed=seed, workers=workers)
    far = studies[~(studies["k_hat"] <= MAX_K_HAT)]
    psis = f"k-hat above {MAX_K_HAT} for {', '.join(far['study']) or 'no study'}"
    found.tables["influence_studies"] = studies
    if left_out is None:
        raise BadInput(str(refusal))
    with steps("what each study changes"):
        changes = influence.changes_table(design, spec, weights, left_out)
        baujat = influence.baujat_table(design, spec, left_out)
    with steps("subsets of studies"):
        gosh = influence.gosh_table(design, spec, weights, seed=seed, left_out=left_out)
    said = [f"{contrast} {text}" for contrast, text in influence.sentences(influence.unsettled(changes)).items()]
    sentence = "; ".join([*said, psis]) if said else f"no single study changes a conclusion; {psis}"
    tables = {"influence_changes": changes, "baujat": baujat, "gosh": gosh}
    found.add("influence", not said, sentence, **tables)


def check_priors(found: Found, tree: "xr.DataTree", inputs: Inputs, steps: Steps, workers: int | None) -> None:
    """Power-scaling, and refits under other priors."""
    from bayesmeta.estimates.contrasts import contrasts_of
    from bayesmeta.robustness import sensitivity

    with steps("power-scaling"):
        psense = sensitivity.psense_table(tree)
    refits = sensitivity.refit_priors(inputs.design, inputs.spec, contrasts_of(tree), steps=steps, workers=workers)
    felt = psense[psense["diagnosis"] != "neither"]
    said = [f"{row['contrast']}: {row['diagnosis']} ({row['prior']:.2f})" for row in felt.to_dict("records")]
    text = "; ".join(said) or f"no conclusion feels its prior (all sensitivities below {sensitivity.THRESHOLD})"
    if len(refits.table):
        moved = refits.table.iloc[int(refits.table["shift"].abs().to_numpy().argmax())]
        text += f"; largest shift under another prior: {moved['contrast']} {moved['shift']:+.2f} sd ({moved['label']})"
    else:
        text += f"; no refits under other priors: {next(iter(refits.refused.values()))}"
    found.add("prior sensitivity", felt.empty, text, psense=psense, prior_refits=refits.table)


def print_check(console: "Console", found: Found, out: Path, *, synthetic: bool) -> None:
    """A verdict each, the bias-adjusted cells, and where the files are."""
    from rich.markup import escape

    if synthetic:
        console.print("[bold red]SYNTHETIC[/bold red]")
    for name, state, sentence in found.verdicts:
        shade = SHADES[state]
        console.print(f"[bold]{name}[/bold]: [{shade}]{state}[/{shade}]. ", end="")
        console.print(sentence, highlight=False, markup=False)
    console.print(f"written to [bold]{escape(str(out))}[/bold]: check.html, tables/, figures/, provenance-check.json")
