"""Averages over models, and informed priors."""

from collections.abc import Sequence

import pandas as pd

from bayesmeta.api.frequentist import inputs_of_effects
from bayesmeta.api.requests import Model
from bayesmeta.api.wording import python_errors
from bayesmeta.commands import average as command
from bayesmeta.commands.options import Averaging
from bayesmeta.infrastructure.choices import WeightsPrior
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.spec.informed import informed_priors


@python_errors
def average(
    frame: pd.DataFrame,
    model: Model = None,
    *,
    moderators: str | None = None,
    where: str | None = None,
    over: Sequence[str] | None = None,
    weights_prior: WeightsPrior = "cumulative",
    seed: int = 1,
    workers: int | None = 1,
) -> dict[str, pd.DataFrame]:
    """Average over models with and without effect, heterogeneity, bias, and moderators.

    Raise BadInput if the table, the model or a part cannot be used.

    Parameters
    ----------
    frame, model, moderators, where : as for `fit`.
    over : sequence of {"effect", "heterogeneity", "bias", "moderators"}, optional
        Parts that models have or lack; by default all that apply, except bias.
    weights_prior : {"cumulative", "independent"}
        Prior of publication weights: they fall from 1 over the steps of p, by a cumulative
        Dirichlet as in RoBMA, or every weight has the prior of `models/selection.toml`.
    seed : int
        Seed of draws by importance, for models of selection and of exact likelihoods.
    workers : int, optional
        Processes for these models; None for as many as cores.

    Returns
    -------
    dict of DataFrame
        average_models (log_evidence, posterior), inclusion (bayes_factor), averaged (mean, ci_lb,
        ci_ub, p_zero), averaged_taus, average_means, bayes_factors (by scale of the prior),
        savage_dickey, average_left_out: the tables of `bayesmeta average`, on the scale of yi.

    Source: Hoeting et al. 1999, doi 10.1214/ss/1009212519.

    Examples
    --------
    >>> import bayesmeta
    >>> tables = bayesmeta.average(bayesmeta.example(), moderators="1")
    >>> tables["inclusion"][["component", "models", "prior", "posterior"]].round(2)
           component  models  prior  posterior
    0         effect       2    0.5       0.08
    1  heterogeneity       2    0.5       1.00
    """
    inputs = inputs_of_effects(frame, model, moderators, where, None)
    parts = None if over is None else ",".join(over)
    options = Averaging(over=parts, weights_prior=weights_prior, seed=seed)
    return command.average(inputs, options, Steps(), workers)


@python_errors
def priors() -> pd.DataFrame:
    """Return the informed priors from earlier meta-analyses.

    Returns
    -------
    DataFrame
        name (for `--prior`), measure, field, effect (prior of a mean effect, on the scale of yi),
        lower (its limit, if any), tau (prior of a standard deviation), source, doi.

    Examples
    --------
    >>> import bayesmeta
    >>> table = bayesmeta.priors().set_index("name")
    >>> table.loc["cochrane:smd", ["effect", "tau"]].tolist()
    ['StudentT(5, 0, 0.43)', 'InvGamma(1.71, 0.4)']
    """
    return pd.DataFrame(informed_priors())
