"""`bayesmeta compare`: frequentist and Bayesian estimates of a model, side by side."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.commands.compare_structure import compare_structure
from bayesmeta.commands.console.estimates import print_comparison
from bayesmeta.commands.options import Comparison
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.published import published_tables
from bayesmeta.commands.request import Inputs
from bayesmeta.commands.run import Task
from bayesmeta.estimates import frequentist
from bayesmeta.estimates.transformed import shown_tables
from bayesmeta.inference import quadrature, reml
from bayesmeta.infrastructure.choices import Test
from bayesmeta.model.design import has_unknowns
from bayesmeta.model.design.contrasts import named_weights
from bayesmeta.model.spec import FLAT_VARIANCE, ModelSpec
from bayesmeta.output.folders.analyses import write_comparison
from bayesmeta.replication import published_terms
from bayesmeta.robustness.refinements import exact_refinement

Tables = dict[str, pd.DataFrame]
STRUCTURES = {"three-level": ("study", "group"), "four-level": ("study", "group", "effect")}


@dataclass(frozen=True)
class FrequentistAndBayes:
    """REML fit of a model, and its posteriors under the model's priors and under flat priors."""

    fit: reml.Reml
    posterior: quadrature.Posterior
    flat: quadrature.Posterior
    flat_variances: quadrature.Posterior | None  # under flat priors on tau^2, if that is proper


def compute(task: Task[Comparison]) -> Outcome:
    """Estimate both, compare three and four levels, and repeat the published analyses."""
    if task.inputs.spec.has_blocks or has_unknowns(task.inputs.design):
        return compare_structure(task)
    inputs = with_normal_likelihood(task.inputs)
    with task.steps("frequentist and Bayesian estimates"):
        both = estimate_both(inputs.design, inputs.spec)
        tables, curves = comparison_tables(both, inputs, task.options.test)
    if inputs.frame["group"].duplicated().any():  # else group and effect are one level
        with task.steps("four levels against three"):
            tables |= compare_levels(inputs, tables["comparison"])
    with task.steps("the published analyses"):
        tables |= published_tables(inputs, both.fit)
    if "corrected" in tables:
        corrected = tables["corrected"].query("analysis == 'errors corrected'")
        tables["comparison"] = frequentist.with_side(tables["comparison"], corrected, "corrected")
    with task.steps("the exact likelihood of Hedges' g"):
        if (exact := exact_rows(inputs)) is not None:
            tables["comparison"] = frequentist.with_exact(tables["comparison"], exact)
    tables = shown_tables(tables, task.options.transform)
    return Outcome(
        write=lambda folder: write_comparison(folder, tables, curves, inputs.design),
        show=lambda printer: print_comparison(printer, tables, normal=inputs is not task.inputs),
        record="provenance-comparison.json",
    )


def with_normal_likelihood(inputs: Inputs) -> Inputs:
    """Return the inputs, with a normal model in place of one with the exact likelihood of g.

    REML has no other likelihood; the means under the exact one stand in a column beside.
    """
    if inputs.spec.likelihood != "t":
        return inputs
    return replace(inputs, spec=replace(inputs.spec, likelihood="normal"))


def estimate_both(design: xr.Dataset, spec: ModelSpec) -> FrequentistAndBayes:
    """Fit a model by REML and integrate its posterior, under its priors and under flat priors.

    Where a tau is large, the restricted likelihood falls as a power of it: its number of units less
    that of the terms. Under a flat prior on tau^2 this has to be above 2.
    """
    flat = spec.with_flat_priors()
    variances = replace(flat, priors={**flat.priors, "tau": FLAT_VARIANCE})
    units = min(design.sizes[level] for level in spec.levels)
    proper = units - design.sizes["term"] > 2
    return FrequentistAndBayes(
        reml.fit_reml(design, spec),
        quadrature.integrate_taus(design, spec),
        quadrature.integrate_taus(design, flat),
        quadrature.integrate_taus(design, variances) if proper else None,
    )


def exact_rows(inputs: Inputs) -> pd.DataFrame | None:
    """Return the posterior under the exact likelihood, by its working normals, or None."""
    if (refined := exact_refinement(inputs.frame, inputs.design, inputs.spec)) is None:
        return None
    weights = named_weights(inputs.design, inputs.spec)
    return posterior_rows(quadrature.integrate_taus(*refined), weights)


def comparison_tables(
    both: FrequentistAndBayes, inputs: Inputs, test: Test = "z"
) -> tuple[Tables, Tables]:
    """Return the tables by file name, and the tables behind the figures."""
    weights = named_weights(inputs.design, inputs.spec)
    tables = {
        "frequentist": frequentist.terms_on_scales(both.fit, test=test, contrasts=weights),
        "frequentist_heterogeneity": reml.heterogeneity_table(both.fit),
        "frequentist_profile": reml.profile_intervals(both.fit),
        "frequentist_fit": reml.fit_table(both.fit, test=test),
        "frequentist_robust": reml.cr2_table(both.fit),
    }
    flat = posterior_rows(both.flat, weights)
    rows = pd.concat([tables["frequentist"], reml_taus(tables)], ignore_index=True)
    posterior = posterior_rows(both.posterior, weights)
    table = frequentist.compare_estimates(rows, flat, posterior)
    squares = both.flat_variances
    variances = None if squares is None else posterior_rows(squares, weights)
    table = frequentist.with_flat_variances(table, variances)
    published = published_terms(inputs.dataset.removesuffix("-twin"))
    table = frequentist.conclusions(table, published)
    table = frequentist.posterior_on_scales(table, posterior, both.fit, weights)
    terms = table[table["term"].isin(inputs.design["term"].values)]
    curves = {
        "paired": frequentist.paired_table(terms, flat, published),
        "profiles": frequentist.profile_table(*tau_curves(both)),
    }
    return tables | {"comparison": table}, curves


def reml_taus(tables: Tables) -> pd.DataFrame:
    """Return the taus of a REML fit as rows of the comparison; a tau has no standard error."""
    taus = tables["frequentist_heterogeneity"].merge(tables["frequentist_profile"], on="level")
    names = {"tau": "estimate", "tau_ci_lb": "ci_lb", "tau_ci_ub": "ci_ub"}
    return taus.rename(columns=names).assign(term="tau_" + taus["level"], se=np.nan)


def posterior_rows(posterior: quadrature.Posterior, weights: xr.DataArray) -> pd.DataFrame:
    """Return terms, contrasts and taus of a posterior: term, mean, sd, median, ci_lb, ci_ub."""
    means = quadrature.contrasts_table(posterior, weights).rename(columns={"contrast": "term"})
    taus = quadrature.taus_table(posterior)
    return pd.concat([means, taus.assign(term="tau_" + taus["level"])], ignore_index=True)


def tau_curves(both: FrequentistAndBayes, *, points: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return along every tau: level, tau, log_lik (profile); level, tau, density (posterior)."""
    profiles = []
    densities = []
    for level in both.fit.spec.levels:
        # to the right of the bulk of the posterior, where the likelihood still falls visibly
        end = 1.3 * quadrature.tau_quantile(both.posterior, level, 0.999)
        grid = np.linspace(0, end, points)
        profiles.append(reml.profile(both.fit, level, grid).assign(level=level))
        mass = np.diff([quadrature.tau_cdf(both.posterior, level, tau) for tau in grid])
        middle = (grid[1:] + grid[:-1]) / 2
        density = {"level": level, "tau": middle, "density": mass / np.diff(grid)}
        densities.append(pd.DataFrame(density))
    return pd.concat(profiles, ignore_index=True), pd.concat(densities, ignore_index=True)


def compare_levels(inputs: Inputs, comparison: pd.DataFrame) -> Tables:
    """Compare the model with and without the effect level.

    levels: likelihood, evidence and prediction of left-out studies; levels_terms: the terms under
    both; comparison: the given table with the side of zero under four levels.
    """
    rows = []
    elpd = {}
    terms = {}
    for name, levels in STRUCTURES.items():
        spec = replace(inputs.spec, levels=levels)
        posterior = quadrature.integrate_posterior(inputs.design, spec)
        elpd[name] = quadrature.leave_one_study_out(inputs.design, spec)["elpd"].to_numpy()
        terms[name] = quadrature.terms_table(posterior).assign(model=name)
        evidence = posterior.log_marginal_likelihood
        log_lik = reml.fit_reml(inputs.design, spec).log_lik
        rows.append({"model": name, "log_lik": log_lik, "log_evidence": evidence})
    difference = elpd["four-level"] - elpd["three-level"]
    table = pd.DataFrame(rows).assign(elpd=[float(values.sum()) for values in elpd.values()])
    table["elpd_difference"] = [0.0, difference.sum()]
    table["elpd_difference_se"] = [0.0, np.sqrt(len(difference)) * difference.std(ddof=1)]
    table["log_bayes_factor"] = table["log_evidence"] - table["log_evidence"].iloc[0]
    both = pd.concat(terms.values(), ignore_index=True)
    compared = frequentist.with_side(comparison, terms["four-level"], "four_level")
    return {"levels": table, "levels_terms": both, "comparison": compared}
