"""`bayesmeta live`: a page that integrates the posterior again when its reader changes it."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.commands.console.estimates import print_estimates
from bayesmeta.commands.console.printer import Printer
from bayesmeta.commands.options import Options
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.inference.quadrature import contrasts_table, integrate_posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import named_weights
from bayesmeta.output.folders.live import write_live
from bayesmeta.output.live import nearest_model, payload_of
from bayesmeta.robustness.lint import LintInput, remedy_of_sems


@dataclass(frozen=True)
class LiveContent:
    """The content of a live page, and the exact summaries from which a reader begins."""

    payload: dict[str, Any]
    design: xr.Dataset
    summaries: pd.DataFrame  # contrast, mean, sd, median, ci_lb, ci_ub, p_positive


def compute(task: Task[Options]) -> Outcome:
    """Integrate the nearest model that the page can take, and collect what the page holds."""
    with task.steps("integrating the posterior"):
        content = live_content(task.inputs)

    def show(printer: Printer) -> None:
        title = "Means and contrasts from which the page begins"
        print_estimates(printer, title, "contrast", content.summaries)
        for sentence in filter(None, [*content.payload["leftOut"], content.payload["warning"]]):
            printer.note(sentence, "yellow")

    return Outcome(
        write=lambda folder: write_live(folder, content.payload, content.design),
        show=show,
        record="provenance-live.json",
    )


def live_content(inputs: Inputs) -> LiveContent:
    """Return the content of the page of a table and its model."""
    spec, left_out = nearest_model(inputs.spec)
    design = inputs.design if spec == inputs.spec else build_design(inputs.frame, spec)
    weights = named_weights(design, spec)
    summaries = contrasts_table(integrate_posterior(design, spec), weights)
    frame = inputs.frame.reset_index(drop=True)
    rho_prior = inputs.spec.priors.get("rho")
    subject = LintInput(frame, inputs.spec.without_structure(), inputs.design)
    remedy = remedy_of_sems(subject)
    corrected = remedy.frame if remedy else None
    payload = payload_of(frame, design, spec, summaries, left_out, weights, rho_prior, corrected)
    return LiveContent(payload, design, summaries)
