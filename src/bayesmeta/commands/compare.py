"""Two schools on one likelihood, from a dataset's name or a file to tables, figures and a page."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.commands import console as summary
from bayesmeta.commands.request import Inputs, Request, show_inputs, whole_record
from bayesmeta.estimates import frequentist
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of
from bayesmeta.model.design.contrasts import contrast_weights, possible_weights

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from bayesmeta.inference.quadrature import Posterior
    from bayesmeta.inference.reml import Reml
    from bayesmeta.model.spec import ModelSpec

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Schools:
    """Both answers to one question: the REML fit, the posterior under the model's priors and under flat ones."""

    fit: "Reml"
    posterior: "Posterior"
    flat: "Posterior"


def run_compare(request: Request, out: Path | None, console: "Console", *, test: str = "z") -> int:
    """Compare the schools and write tables, figures and frequentist.html; gives 0.

    `test` is that of the frequentist side: z, t or containment (`reml.terms_table`).

    Raises
    ------
    BadInput
        Nothing is written then.
    """
    steps = Steps(console)
    inputs = show_inputs(request, steps, console)
    attrs, out = inputs.frame.attrs, inputs.folder(out)
    with steps("starting JAX"):
        from bayesmeta.inference.nuts import start_jax
        from bayesmeta.inference.reml import check_test
        from bayesmeta.output import folders

        start_jax(devices=1)
    check_test(test)
    with folders.staging(out) as folder:
        with steps("both schools"):
            schools = answer(inputs.design, inputs.spec)
            tables, curves = tables_of(schools, inputs, test)
        with steps("four levels against three"):
            tables |= compare_levels(inputs, tables["comparison"])
        with steps("the published analyses"):
            tables |= published_tables(inputs, schools.fit)
            if "corrected" in tables:
                corrected = tables["corrected"].query("analysis == 'errors corrected'")
                tables["comparison"] = frequentist.with_side(tables["comparison"], corrected, "corrected")
        provenance = provenance_of(asdict(request) | inputs.choices(out, seed=None, test=test), attrs)
        folders.write_comparison(folder, tables, curves, inputs.design, provenance, steps)
    summary.print_comparison(console, tables, out, synthetic=provenance["synthetic"])
    return 0


def answer(design: "xr.Dataset", spec: "ModelSpec") -> Schools:
    """Fit and integrate one model."""
    from bayesmeta.inference.quadrature import integrate_taus
    from bayesmeta.inference.reml import fit_reml

    return Schools(
        fit_reml(design, spec), integrate_taus(design, spec), integrate_taus(design, spec.with_flat_priors())
    )


def tables_of(schools: Schools, inputs: Inputs, test: str = "z") -> tuple[Tables, Tables]:
    """Tables of the contract, and the tables behind the figures."""
    from bayesmeta.inference import reml
    from bayesmeta.replication import published_terms

    fit, terms = schools.fit, [str(term) for term in inputs.design["term"].values]
    named = possible_weights(inputs.spec.contrasts_of(inputs.dataset), terms)
    weights = xr.concat([contrast_weights({term: term for term in terms}, terms), named], dim="contrast")
    tables = {
        "frequentist": reml.terms_table(fit, test=test, contrasts=weights),
        "frequentist_heterogeneity": reml.heterogeneity_table(fit),
        "frequentist_profile": reml.profile_intervals(fit),
        "frequentist_fit": reml.fit_table(fit, test=test),
        "frequentist_robust": reml.cr2_table(fit),
    }
    taus = tables["frequentist_heterogeneity"].merge(tables["frequentist_profile"], on="level")
    taus = taus.rename(columns={"tau": "estimate", "tau_ci_lb": "ci_lb", "tau_ci_ub": "ci_ub"})
    taus = taus.assign(term="tau_" + taus["level"], se=np.nan)
    flat = bayes_rows(schools.flat, weights)
    both = frequentist.compare_estimates(
        pd.concat([tables["frequentist"], taus], ignore_index=True), flat, bayes_rows(schools.posterior, weights)
    )
    known = published_terms(inputs.dataset.removesuffix("-twin"))
    both = frequentist.conclusions(both, known)
    curves = {
        "paired": frequentist.paired_table(both[both["term"].isin(terms)], flat, known),
        "profiles": frequentist.profile_table(*tau_curves(schools)),
    }
    return tables | {"comparison": both}, curves


def bayes_rows(posterior: "Posterior", weights: "xr.DataArray") -> pd.DataFrame:
    """Terms and contrasts, then taus, of a posterior: term, mean, sd, median, ci_lb, ci_ub."""
    from bayesmeta.inference.quadrature import contrasts_table, taus_table

    means, taus = contrasts_table(posterior, weights), taus_table(posterior)
    return pd.concat(
        [means.rename(columns={"contrast": "term"}), taus.assign(term="tau_" + taus["level"])], ignore_index=True
    )


def tau_curves(schools: Schools, *, points: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Profile log-likelihood (level, tau, log_lik) and posterior density (level, tau, density) of each tau."""
    from bayesmeta.inference.quadrature import tau_cdf, tau_quantile
    from bayesmeta.inference.reml import profile

    profiles, densities = [], []
    for level in schools.fit.spec.levels:
        grid = np.linspace(0, 1.3 * tau_quantile(schools.posterior, level, 0.999), points)
        profiles.append(profile(schools.fit, level, grid).assign(level=level))
        mass = np.diff([tau_cdf(schools.posterior, level, tau) for tau in grid])
        middle = (grid[1:] + grid[:-1]) / 2
        densities.append(pd.DataFrame({"level": level, "tau": middle, "density": mass / np.diff(grid)}))
    return pd.concat(profiles, ignore_index=True), pd.concat(densities, ignore_index=True)


def compare_levels(inputs: Inputs, both: pd.DataFrame) -> Tables:
    """The model with and without the effect level: fit, evidence, prediction of studies, and each term's interval."""
    from bayesmeta.inference.quadrature import integrate_posterior, leave_one_study_out, terms_table
    from bayesmeta.inference.reml import fit_reml

    structures = {"three-level": ("study", "group"), "four-level": ("study", "group", "effect")}
    rows, elpd, terms = [], {}, []
    for name, levels in structures.items():
        spec = replace(inputs.spec, levels=levels)
        posterior = integrate_posterior(inputs.design, spec)
        elpd[name] = leave_one_study_out(inputs.design, spec)["elpd"].values
        fit = fit_reml(inputs.design, spec)
        terms.append(terms_table(posterior).assign(model=name))
        rows.append({"model": name, "log_lik": fit.log_lik, "log_evidence": posterior.log_marginal_likelihood})
    table = pd.DataFrame(rows).assign(elpd=[float(np.sum(each)) for each in elpd.values()])
    difference = np.asarray(elpd["four-level"]) - np.asarray(elpd["three-level"])
    table["elpd_difference"] = [0.0, difference.sum()]
    table["elpd_difference_se"] = [0.0, np.sqrt(len(difference)) * difference.std(ddof=1)]
    table["log_bayes_factor"] = table["log_evidence"] - table["log_evidence"].iloc[0]
    three, four = terms
    both = frequentist.with_side(both, four, "four_level")
    return {"levels": table, "levels_terms": pd.concat([three, four], ignore_index=True), "comparison": both}


def published_tables(inputs: Inputs, fit: "Reml") -> Tables:
    """The paper's own analyses, as published and nested; those whose columns a table lacks are left out."""
    from bayesmeta import replication
    from bayesmeta.data import corrections
    from bayesmeta.robustness import funnel, influence

    frame, spec, design = inputs.frame, inputs.spec, inputs.design
    parts: dict[str, Callable[[], pd.DataFrame]] = {
        "egger": lambda: funnel.egger_table(design, spec),
        "fail_safe_n": lambda: funnel.fail_safe_table(design),
        "influence": lambda: influence.influence_table(design),
        "influence_nested": lambda: influence.study_influence(design, dict(fit.tau), rho=spec.rho),
        "without_influential": lambda: replication.refit(replication.without_influential(frame, spec), spec).terms,
        "suspects": lambda: corrections.suspects(frame),
        "corrected": lambda: replication.refit(replication.with_and_without_errors(frame), spec).terms,
        "comparison_types": lambda: replication.refit(replication.by_comparison(whole_record(inputs)), spec).terms,
        "risk_of_bias": lambda: replication.risk_of_bias_table(frame, spec).terms,
    }
    made = {}
    for name, make in parts.items():
        with suppress(BadInput):
            made[name] = make()
    return {name: table for name, table in made.items() if len(table)}
