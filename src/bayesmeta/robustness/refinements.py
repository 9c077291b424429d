"""What refinements of a model would change, at the cost of an integral each.

For a normal model: the exact likelihood of Hedges' g (`likelihood.exact_smd`), by its working
normals, which give its posterior means to a few hundredths of a posterior sd; and the effect level,
with its evidence. For a model with the exact likelihood: to leave out extreme effects, which it
makes influential.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.conventions import WITHOUT_EXTREME
from bayesmeta.estimates.text import number_text
from bayesmeta.inference.conventions import LARGE_TABLE
from bayesmeta.inference.quadrature import Joint, Posterior, combination, integrate_posterior
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.t_statistics import can_be_exact
from bayesmeta.model.likelihood import ExactSmd, refusal
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.multiverse.changes import add_effect_level

EXACT, LEVEL, MODERATE = "exact likelihood", "effect level", WITHOUT_EXTREME
COLUMNS = [
    "refinement",
    "term",
    "mean",
    "sd",
    "refined_mean",
    "shift",
    "log_bayes_factor",
    "option",
    "limit",
]
MATTERS = 0.25  # shift of a mean, in posterior sds, that a fit reports
EXTREME = 6.0  # |g|, beyond any plausible true effect: a SEM read as an SD, or an SD near zero
STRONG = 3.0  # log Bayes factor that a fit reports: doi 10.1080/01621459.1995.10476572
SENTENCES = {
    EXACT: "The exact likelihood of Hedges' g ({option}) would change",
    LEVEL: "The log Bayes factor for an effect level ({option}) is {factor:.0f}; it would change",
    MODERATE: "Without the effects in tables/extreme_effects.csv ({option}), the fit would change",
}
OPTIONS = {
    EXACT: "--likelihood t",
    MODERATE: f"--where 'abs(yi) < {EXTREME:g}'",
}
SOURCES = ("reference", "sheet_row", "sd1i_source", "sd2i_source")  # columns of a dataset


def refinements_table(frame: pd.DataFrame, design: xr.Dataset, spec: ModelSpec) -> pd.DataFrame:
    """Return the terms with the refinements that the model lacks and the data allow.

    Columns: refinement (`exact likelihood`, `effect level`, `without extreme effects`), term, mean
    and sd as they are, refined_mean, shift (of the mean, in posterior sds), log_bayes_factor (for
    the effect level), option (of the commands, that makes the refinement), limit (of |g|, where
    extreme effects are left out). No rows if the model is not one that quadrature takes, or has all
    that the data allow, or the table has more than 50,000 effects.
    """
    none = pd.DataFrame(columns=COLUMNS)
    if spec.is_structured or design.sizes["effect"] > LARGE_TABLE:
        return none
    normal = replace(spec, likelihood="normal")
    if spec.likelihood not in ("normal", "t") or refusal(design, normal, "quadrature"):
        return none
    if not (designs := _refined(frame, design, spec)):
        return none
    exact = spec.likelihood == "t"
    base = integrate_posterior(working_design(design, spec) if exact else design, normal)
    known = pd.DataFrame({"term": base.terms, **moments(base)})
    options = OPTIONS | {LEVEL: "--levels " + ",".join(add_effect_level(spec).levels)}
    tables = []
    for name, (refined_design, refined_spec) in designs.items():
        try:
            refined = integrate_posterior(refined_design, refined_spec)
        except BadInput:
            continue
        evidence = refined.log_marginal_likelihood - base.log_marginal_likelihood
        means = dict(zip(refined.terms, moments(refined)["mean"], strict=True))
        table = known.assign(refinement=name, refined_mean=known["term"].map(means))
        table["shift"] = (table["refined_mean"] - table["mean"]) / table["sd"]
        table["log_bayes_factor"] = evidence if name == LEVEL else np.nan
        table["option"] = options[name]
        table["limit"] = EXTREME if name == MODERATE else np.nan
        tables.append(table[COLUMNS])
    return pd.concat(tables, ignore_index=True) if tables else none


def moments(posterior: Posterior | Joint) -> dict[str, list[float]]:
    """Return mean and sd of every term, without the quantiles of a table."""
    terms = [combination(posterior, row) for row in np.eye(len(posterior.terms))]
    return {"mean": [term.mean for term in terms], "sd": [term.sd for term in terms]}


def working_design(design: xr.Dataset, spec: ModelSpec) -> xr.Dataset:
    """Return the design with the working data of the exact likelihood."""
    return ExactSmd(design, replace(spec, likelihood="t")).working


def exact_refinement(
    frame: pd.DataFrame, design: xr.Dataset, spec: ModelSpec
) -> tuple[xr.Dataset, ModelSpec] | None:
    """Return working data of the exact likelihood and the normal model for them, or None.

    None if errors are not independent, or the results are not Hedges' g of groups of known sizes.
    """
    return (working_design(design, spec), spec) if can_be_exact(frame, spec) else None


def extreme_effects(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the effects of |g| >= 6 with their sizes and, if the dataset has them, sources."""
    names = ["study", "group", "effect", "yi", "vi", "n1i", "n2i", "ni", *SOURCES]
    rows = frame.loc[frame["yi"].abs() >= EXTREME]
    return rows[[name for name in names if name in frame.columns]]


def supported_model(table: pd.DataFrame, spec: ModelSpec) -> ModelSpec:
    """Return the model that the data support, by the table of `refinements_table`.

    Its likelihood is the exact one, if the results are Hedges' g of groups of known sizes; it has
    the level of effects, if the evidence for that is strong.
    """
    refined = add_effect_level(spec) if (table["log_bayes_factor"] >= STRONG).any() else spec
    return replace(refined, likelihood="t") if EXACT in set(table["refinement"]) else refined


def _refined(
    frame: pd.DataFrame, design: xr.Dataset, spec: ModelSpec
) -> dict[str, tuple[xr.Dataset, ModelSpec]]:
    refined = {}
    if spec.likelihood == "t":
        moderate = frame.drop(extreme_effects(frame).index)
        if 0 < len(moderate) < len(frame):
            normal = replace(spec, likelihood="normal")
            refined[MODERATE] = (working_design(build_design(moderate, spec), spec), normal)
        return refined
    if (exact := exact_refinement(frame, design, spec)) is not None:
        refined[EXACT] = exact
    if "effect" not in spec.levels and frame["group"].duplicated().any():
        refined[LEVEL] = (design, add_effect_level(spec))
    return refined


def sentences(table: pd.DataFrame) -> list[str]:
    """Return a sentence for every refinement that matters: the mean that it moves most."""
    lines = []
    for name, rows in table.dropna(subset="shift").groupby("refinement", sort=False):
        far = max(rows.to_dict("records"), key=lambda row: abs(row["shift"]))
        factor = far["log_bayes_factor"]
        if abs(far["shift"]) < MATTERS if np.isnan(factor) else factor < STRONG:
            continue
        start = SENTENCES[str(name)].format(factor=factor, option=far["option"])
        means = f"from {number_text(far['mean'])} to {number_text(far['refined_mean'])}"
        lines.append(f"{start} {far['term']} {means}, {abs(far['shift']):.1f} posterior sds.")
    return lines
