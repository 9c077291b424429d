"""Independent draws from the quadrature's posterior, as the tree that NUTS would give."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesmeta.inference.predictive import complete_tree
from bayesmeta.inference.quadrature.draws import Draws, draw
from bayesmeta.inference.quadrature.importance import Drawn, draw_by_importance
from bayesmeta.inference.quadrature.integral import integrate
from bayesmeta.inference.quadrature.outer import RHO
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.design import split_strata
from bayesmeta.model.likelihood import ExactSmd, likelihood_of, tau_labels
from bayesmeta.model.priors import pooling_sd_name
from bayesmeta.model.spec import ModelSpec


def quadrature_posterior(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    draws: int = 1000,
    chains: int = 4,
    seed: int = 1,
    tolerance: float = 1e-6,
    without: Sequence[str] = (),
    parameters_only: bool = False,
    steps: Steps | None = None,
) -> xr.DataTree:
    """Integrate a model and draw from the result, with arguments as for `nuts.sample_posterior`.

    The `draws` are independent, dealt to so many `chains` of so many draws; `tolerance` is as for
    `integrate_posterior`; `steps` shows and times the work; `parameters_only` is as for
    `predictive.complete_tree`. A likelihood with a working normal is drawn from by importance. The
    tree has the groups, names and dims of `nuts.sample_posterior`. sample_stats has lp, log p(y,
    beta, tau) with the outer parameters.
    Attributes of posterior: sampler, log_marginal_likelihood, quadrature_error,
    quadrature_converged, quadrature_order; by importance, k_hat and importance_ess.
    """
    steps = steps or Steps()
    strata = split_strata(design, spec)
    with steps(f"drawing {chains} x {draws} independent draws"):
        options: Any = {"count": draws * chains, "tolerance": tolerance, "without": without}
        parts = [
            _draw_part(part, single, seed=at, **options)
            for at, (part, single) in enumerate(strata.values(), start=seed)
        ]
        joined = _joined([part.draws for part in parts], [x for x, _ in strata.values()], design)
    dims = ("chain", "draw")
    chain_labels = {"chain": range(chains), "draw": range(draws)}
    labels = {"term": design["term"].values, "level": tau_labels(design, spec), **chain_labels}
    variables: dict[str, tuple[Sequence[str], np.ndarray]] = {
        "beta": ((*dims, "term"), joined.beta.reshape(chains, draws, -1)),
        "tau": ((*dims, "level"), joined.tau.reshape(chains, draws, -1)),
    }
    for name, values in joined.outer.items():
        variable = name if name == RHO else pooling_sd_name(name)
        variables[variable] = (dims, values.reshape(chains, draws))
    if len(parts) == 1 and (by_study := parts[0].by_study) is not None:
        variables["obs_study"] = ((*dims, "study"), by_study.T.reshape(chains, draws, -1))
        labels["study"] = design["study"].values
    posterior = xr.Dataset(variables, labels, attrs=_attributes(parts))
    stats = xr.Dataset({"lp": (dims, joined.log_joint.reshape(chains, draws))}, chain_labels)
    with steps("exact random effects"):
        return complete_tree(
            posterior, stats, design, spec, seed=seed, parameters_only=parameters_only
        )


def _draw_part(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    count: int,
    seed: int,
    tolerance: float,
    without: Sequence[str],
) -> Drawn:
    without = [study for study in without if study in design["study"].values]
    likelihood = likelihood_of(design, spec)
    options: Any = {"without": without, "tolerance": tolerance}
    if isinstance(likelihood, ExactSmd):
        return draw_by_importance(likelihood, spec, count=count, seed=seed, **options)
    integral = integrate(design, spec, **options)
    return Drawn(draw(integral, spec, count=count, seed=seed), integral, integral.log_evidence)


def _attributes(parts: list[Drawn]) -> dict[str, str | int | float]:
    attributes: dict[str, str | int | float] = {
        "sampler": "quadrature",
        "log_marginal_likelihood": sum(part.log_evidence for part in parts),
        "quadrature_error": max(part.integral.error for part in parts),
        "quadrature_converged": int(all(part.integral.converged for part in parts)),
        "quadrature_order": max(grid.rule.order for x in parts for grid in x.integral.grids),
    }
    if not np.isnan(parts[0].k_hat):
        attributes["k_hat"] = max(part.k_hat for part in parts)
        attributes["importance_ess"] = min(part.ess for part in parts)
    return attributes


def _joined(strata: list[Draws], parts: list[xr.Dataset], design: xr.Dataset) -> Draws:
    if len(strata) == 1:
        return strata[0]
    names = [name for part in parts for name in part["term"].values]
    order = [names.index(term) for term in design["term"].values]
    beta = np.column_stack([part.beta for part in strata])[:, order]
    log_joint = np.sum([part.log_joint for part in strata], axis=0)
    return Draws(np.column_stack([part.tau for part in strata]), beta, log_joint, {})
