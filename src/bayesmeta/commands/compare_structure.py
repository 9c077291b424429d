"""`bayesmeta compare` of a dependence structure: REML beside the posterior."""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.commands.console.estimates import print_both
from bayesmeta.commands.options import Comparison
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.estimates import contrasts, frequentist, summaries
from bayesmeta.inference import reml
from bayesmeta.inference.independent import independent_posterior
from bayesmeta.infrastructure.choices import Test
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.design import build_design, has_unknowns
from bayesmeta.model.design.contrasts import named_weights
from bayesmeta.output.folders.analyses import write_structure_comparison

OTHER_ROWS = "REML lacks the results with blank moderators"


def compare_structure(task: Task[Comparison]) -> Outcome:
    """Estimate by REML and draw from the posterior."""
    inputs = task.inputs
    tables = structure_tables(inputs, task.options.test, task.steps)
    table = tables["comparison"]
    paired = frequentist.paired_table(table[table["se"].notna()], None)
    return Outcome(
        write=lambda folder: write_structure_comparison(folder, tables, paired, inputs.design),
        show=lambda printer: print_both(printer, table),
        record="provenance-comparison.json",
    )


def structure_tables(
    inputs: Inputs, test: Test, steps: Steps | None = None
) -> dict[str, pd.DataFrame]:
    """Return both estimates by file name; the table comparison sets them side by side.

    Where moderators are unknown, REML is that of the rows that have them all.
    """
    design = inputs.design
    spec = inputs.spec
    steps = steps or Steps()
    with steps("REML"):
        known = design
        if has_unknowns(design):
            known = build_design(inputs.frame, replace(spec, missing="complete"))
        fit = reml.fit_reml(known, spec)
        weights = named_weights(design, spec)
        terms = frequentist.terms_on_scales(fit, test=test, contrasts=weights)
    tree = independent_posterior(design, spec, parameters_only=True, steps=steps)
    taus = pd.DataFrame({"term": "tau_" + fit.tau.index, "estimate": fit.tau.to_numpy()})
    others = pd.DataFrame({"term": fit.parameters.index, "estimate": fit.parameters.to_numpy()})
    rows = pd.concat([terms, taus, others], ignore_index=True)
    rows = rows.assign(**{name: rows[name].astype(float) for name in ("se", "ci_lb", "ci_ub")})
    tables = {
        "frequentist": terms,
        "frequentist_heterogeneity": reml.heterogeneity_table(fit),
        "frequentist_parameters": others.rename(columns={"term": "parameter"}),
        "frequentist_fit": reml.fit_table(fit, test=test),
    }
    table = frequentist.compare_structures(rows, _posterior_rows(tree))
    if has_unknowns(design):
        table["why"] = OTHER_ROWS
    return {name: part for name, part in tables.items() if len(part)} | {"comparison": table}


def _posterior_rows(tree: xr.DataTree) -> pd.DataFrame:
    """Return terms, contrasts, taus and other parameters: term, mean, sd, ci_lb, ci_ub."""
    columns = ["term", "mean", "sd", "ci_lb", "ci_ub"]
    means = contrasts.contrasts_table(tree).rename(columns={"contrast": "term"})
    parameters = summaries.parameters_table(tree)
    parts = [summaries.terms_table(tree)[columns]]
    parts += [means[columns]] if len(means) else []
    values = summaries.values_of(tree)
    taus = {name: draws for name, draws in values.items() if name.startswith("tau_")}
    numbers = contrasts.summary(np.array(list(taus.values())))
    numbers.pop("p_positive")
    parts.append(pd.DataFrame({"term": list(taus)} | numbers))
    if len(parameters):
        parts.append(parameters.rename(columns={"parameter": "term"})[columns])
    return pd.concat(parts, ignore_index=True).drop_duplicates("term")
