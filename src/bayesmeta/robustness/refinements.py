"""What two refinements of a normal model would change, at the cost of an integral each.

The exact likelihood of Hedges' g (`likelihood.exact_smd`), by its working normals: its posterior
means to a few hundredths of a posterior sd. And the effect level, with its evidence.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.text import number_text
from bayesmeta.inference.quadrature import Joint, Posterior, combination, integrate_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.independent_groups import can_be_exact
from bayesmeta.model.likelihood import ExactSmd, refusal
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.multiverse.changes import add_effect_level

EXACT, LEVEL = "exact likelihood", "effect level"
COLUMNS = ["refinement", "term", "mean", "sd", "refined_mean", "shift", "log_bayes_factor"]
MATTERS = 0.25  # shift of a mean, in posterior sds, that a fit reports
STRONG = 3.0  # log Bayes factor that a fit reports: doi 10.1080/01621459.1995.10476572
SENTENCES = {
    EXACT: "The exact likelihood of Hedges' g (--likelihood t) would move",
    LEVEL: "The log Bayes factor for an effect level is {:.0f}; it would move",
}


def refinements_table(frame: pd.DataFrame, design: xr.Dataset, spec: ModelSpec) -> pd.DataFrame:
    """Return the terms with the refinements that the model lacks and the data allow.

    Columns: refinement (`exact likelihood`, `effect level`), term, mean and sd as they are,
    refined_mean, shift (of the mean, in posterior sds), log_bayes_factor (for the effect level).
    No rows if the model is not one that quadrature takes, or has all that the data allow.
    """
    none = pd.DataFrame(columns=COLUMNS)
    if spec.likelihood != "normal" or refusal(design, spec, "quadrature"):
        return none
    if not (designs := _refined(frame, design, spec)):
        return none
    base = integrate_posterior(design, spec)
    known = pd.DataFrame({"term": base.terms, **moments(base)})
    tables = []
    for name, (refined_design, refined_spec) in designs.items():
        try:
            refined = integrate_posterior(refined_design, refined_spec)
        except BadInput:
            continue
        evidence = refined.log_marginal_likelihood - base.log_marginal_likelihood
        table = known.assign(refinement=name, refined_mean=moments(refined)["mean"])
        table["shift"] = (table["refined_mean"] - table["mean"]) / table["sd"]
        table["log_bayes_factor"] = evidence if name == LEVEL else np.nan
        tables.append(table[COLUMNS])
    return pd.concat(tables, ignore_index=True) if tables else none


def moments(posterior: Posterior | Joint) -> dict[str, list[float]]:
    """Return mean and sd of every term, without the quantiles of a table."""
    terms = [combination(posterior, row) for row in np.eye(len(posterior.terms))]
    return {"mean": [term.mean for term in terms], "sd": [term.sd for term in terms]}


def exact_refinement(
    frame: pd.DataFrame, design: xr.Dataset, spec: ModelSpec
) -> tuple[xr.Dataset, ModelSpec] | None:
    """Return working data of the exact likelihood and the normal model for them, or None.

    None if errors are not independent, or the results are not Hedges' g of independent groups.
    """
    if not can_be_exact(frame, spec):
        return None
    return ExactSmd(design, replace(spec, likelihood="t")).working, spec


def _refined(
    frame: pd.DataFrame, design: xr.Dataset, spec: ModelSpec
) -> dict[str, tuple[xr.Dataset, ModelSpec]]:
    refined = {}
    if (exact := exact_refinement(frame, design, spec)) is not None:
        refined[EXACT] = exact
    if "effect" not in spec.levels and frame["group"].duplicated().any():
        refined[LEVEL] = (design, add_effect_level(spec))
    return refined


def sentences(table: pd.DataFrame) -> list[str]:
    """Return a sentence for every refinement that matters: the mean that it moves most."""
    lines = []
    for name, rows in table.groupby("refinement", sort=False):
        far = max(rows.to_dict("records"), key=lambda row: abs(row["shift"]))
        factor = far["log_bayes_factor"]
        if abs(far["shift"]) < MATTERS if np.isnan(factor) else factor < STRONG:
            continue
        start = SENTENCES[str(name)].format(factor)
        means = f"from {number_text(far['mean'])} to {number_text(far['refined_mean'])}"
        lines.append(f"{start} {far['term']} {means}, {abs(far['shift']):.1f} posterior sds.")
    return lines
