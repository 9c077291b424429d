"""Averages over models, by their posterior probabilities; inclusion Bayes factors.

    P(M | y) = p(y | M) P(M) / sum over all models
    inclusion Bayes factor of a component = posterior odds / prior odds of the models with it
    averaged posterior = sum over models P(M | y) p(. | y, M)

Source: Hoeting, Madigan, Raftery & Volinsky 1999, doi 10.1214/ss/1009212519.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import logsumexp, softmax

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.inference.quadrature import Mixture
from bayesmeta.robustness.averaging.evidence import POINTLESS, Evaluated
from bayesmeta.robustness.averaging.models import Member

NEGLIGIBLE = 1e-6  # posterior probability of a model that averages leave out
Pairs = Sequence[tuple[Member, Evaluated]]
BOUNDS = (INTERVAL[0], 0.5, INTERVAL[1])
TOTAL = "total"
AVERAGE = "average"
SHOWN = 0.005  # posterior probability of a model in figures


def log_probabilities(pairs: Pairs) -> np.ndarray:
    """Return the log posterior probability of every model (models,)."""
    log_mass = np.array([result.log_evidence + np.log(member.prior) for member, result in pairs])
    return log_mass - logsumexp(log_mass)


def probabilities(pairs: Pairs) -> np.ndarray:
    """Return the posterior probability of every model (models,)."""
    return np.exp(log_probabilities(pairs))


def models_table(pairs: Pairs) -> pd.DataFrame:
    """Summarise the models, the most probable first.

    Columns: model, then a column per component (yes or no), bias, prior, log_evidence, error (of
    the log evidence), how (quadrature or importance), posterior, weights_prior (of publication, ""
    without weights).
    """
    posterior = probabilities(pairs)
    rows = []
    for (member, result), probability in zip(pairs, posterior, strict=True):
        present = {name: "yes" if yes else "no" for name, yes in member.present.items()}
        evidence = {
            "log_evidence": result.log_evidence,
            "error": result.error,
            "how": result.how,
        }
        row = {"model": member.name, **present, "weights_or_slope": member.bias}
        prior = member.prior / sum(other.prior for other, _ in pairs)
        of_weights = str(member.spec.priors.get("weights", ""))
        numbers = {"prior": prior, **evidence, "posterior": probability}
        rows.append({**row, **numbers, "weights_prior": of_weights})
    table = pd.DataFrame(rows).sort_values("posterior", ascending=False, kind="stable")
    return table.reset_index(drop=True)


def inclusion_table(pairs: Pairs) -> pd.DataFrame:
    """Summarise the components.

    Columns: component, models (number with it), prior, posterior (probability that it is present),
    log_bayes_factor, bayes_factor (for it against its absence), error (of the log Bayes factor).
    """
    log_posterior = log_probabilities(pairs)
    posterior = np.exp(log_posterior)
    prior = np.array([member.prior for member, _ in pairs])
    prior = prior / prior.sum()
    errors = np.array([result.error for _, result in pairs])
    rows = []
    for component in components_of(pairs):
        has = np.array([member.present[component] for member, _ in pairs])
        if has.all() or not has.any():
            continue
        factor = log_odds(log_posterior, has) - log_odds(np.log(prior), has)
        shares = (softmax(log_posterior[part]) * errors[part] for part in (has, ~has))
        error = float(np.sqrt(sum((share**2).sum() for share in shares)))
        numbers = {"prior": prior[has].sum(), "posterior": posterior[has].sum()}
        with np.errstate(over="ignore"):  # beyond the largest number it is infinite
            ratio = float(np.exp(factor))
        factors = {"log_bayes_factor": factor, "bayes_factor": ratio, "error": error}
        rows.append({"component": component, "models": int(has.sum()), **numbers, **factors})
    return pd.DataFrame(rows)


def components_of(pairs: Pairs) -> list[str]:
    """Return the names of the components."""
    return list(pairs[0][0].present)


def log_odds(log_probability: np.ndarray, has: np.ndarray) -> float:
    """Return the log odds of some models against the others."""
    return float(logsumexp(log_probability[has]) - logsumexp(log_probability[~has]))


def averaged_table(
    pairs: Pairs, combinations: Mapping[str, np.ndarray], means: Collection[str]
) -> pd.DataFrame:
    """Average combinations of the terms of the full model (terms,), by name.

    Columns: name, mean, sd, median, ci_lb, ci_ub, p_positive, p_negative, p_zero (the probability
    of the models in which it is 0); the same of the models in which it is not 0, with
    `conditional_` before the names of mean, sd, ci_lb and ci_ub; pi_lb, pi_ub (a new true effect
    on the lowest level, of those combinations that are `means`).
    """
    posterior = probabilities(pairs)
    rows = []
    for name, weights in combinations.items():
        zero = np.array([member.is_zero(weights) for member, _ in pairs])
        parts = by_model(pairs, weights)
        every = mixed(parts, posterior)
        row = {"name": name, **moments(every), "p_zero": posterior[zero].sum()}
        row |= signs(parts, posterior * ~zero)
        if not zero.all():
            conditional = moments(mixed(parts, posterior * ~zero))
            del conditional["median"]
            row |= {f"conditional_{key}": value for key, value in conditional.items()}
        wide = [
            result.mixture(0 * weights if is_zero else weights, with_tau=True)
            for (_, result), is_zero in zip(pairs, zero, strict=True)
        ]
        prediction = mixed(wide, posterior)
        row |= {
            key: prediction.quantile(p) for key, p in zip(("pi_lb", "pi_ub"), INTERVAL, strict=True)
        }
        rows.append(row if name in means else {**row, "pi_lb": np.nan, "pi_ub": np.nan})
    return pd.DataFrame(rows)


def means_by_model(pairs: Pairs, combinations: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the mean of every combination in every model that is not negligible.

    Columns: name, model, posterior (of the model), mean, ci_lb, ci_ub; the averages have the model
    `average` and the posterior 1.
    """
    posterior = probabilities(pairs)
    order = [int(at) for at in np.argsort(-posterior, kind="stable") if posterior[at] > SHOWN]
    rows = []
    for name, weights in combinations.items():
        parts = by_model(pairs, weights)
        shown = {pairs[at][0].name: (posterior[at], parts[at]) for at in order}
        shown[AVERAGE] = (1.0, mixed(parts, posterior))
        for model, (probability, part) in shown.items():
            ends = moments(part)
            numbers = {key: ends[key] for key in ("mean", "ci_lb", "ci_ub")}
            rows.append({"name": name, "model": model, "posterior": probability, **numbers})
    return pd.DataFrame(rows)


def heterogeneity_averaged(pairs: Pairs, levels: Sequence[str]) -> pd.DataFrame:
    """Average the taus of the levels and their total.

    Columns: level, mean, median, ci_lb, ci_ub, p_zero (of the models without heterogeneity), and
    conditional_mean of the others.
    """
    posterior = probabilities(pairs)
    absent = np.array([not result.tau.any() for _, result in pairs])
    columns = {level: at for at, level in enumerate(levels)} | {TOTAL: None}
    rows = []
    for level, at in columns.items():
        taus = [_tau(result, at) for _, result in pairs]
        row = {
            "level": level,
            **_of_nodes(taus, pairs, posterior),
            "p_zero": posterior[absent].sum(),
        }
        if not absent.all():
            row["conditional_mean"] = _of_nodes(taus, pairs, posterior * ~absent)["mean"]
        rows.append(row)
    return pd.DataFrame(rows)


def _tau(result: Evaluated, at: int | None) -> np.ndarray:
    return np.linalg.norm(result.tau, axis=1) if at is None else result.tau[:, at]


def _of_nodes(taus: list[np.ndarray], pairs: Pairs, probability: np.ndarray) -> dict[str, float]:
    shares = probability / probability.sum()
    weights = [share * result.weight for share, (_, result) in zip(shares, pairs, strict=True)]
    tau, weight = np.concatenate(taus), np.concatenate(weights)
    order = np.argsort(tau)
    below = np.cumsum(weight[order])
    ends = [float(tau[order][np.searchsorted(below, p).clip(max=len(tau) - 1)]) for p in BOUNDS]
    named = dict(zip(("ci_lb", "median", "ci_ub"), ends, strict=True))
    return {"mean": float(weight @ tau), "median": named.pop("median"), **named}


def by_model(pairs: Pairs, weights: np.ndarray) -> list[Mixture]:
    """Return the distribution of a combination in every model; a point where it is 0."""
    at_zero = Mixture(np.ones(1), np.zeros(1), np.full(1, POINTLESS))
    return [
        at_zero if member.is_zero(weights) else result.mixture(weights) for member, result in pairs
    ]


def mixed(parts: Iterable[Mixture], probability: np.ndarray) -> Mixture:
    """Return the mixture of some distributions with these probabilities, up to a constant."""
    share = probability / probability.sum()
    kept = [(p, part) for p, part in zip(share, parts, strict=True) if p > NEGLIGIBLE]
    weight = np.concatenate([p * part.weight for p, part in kept])
    keys = ("centre", "within", "lower", "upper")
    spread = ([np.broadcast_to(getattr(x, key), x.weight.shape) for _, x in kept] for key in keys)
    return Mixture(weight / weight.sum(), *map(np.concatenate, spread))


def moments(mixture: Mixture) -> dict[str, float]:
    """Return mean, sd, median and the 95 % interval."""
    ends = zip(("ci_lb", "median", "ci_ub"), BOUNDS, strict=True)
    result = {key: mixture.quantile(p) for key, p in ends}
    exact = {key: 0.0 if abs(x) < 10 * POINTLESS else x for key, x in result.items()}
    return {"mean": mixture.mean, "sd": mixture.sd} | exact


def signs(parts: Sequence[Mixture], probability: np.ndarray) -> dict[str, float]:
    """Return the probabilities of either sign; models in which it is 0 have none."""
    above = np.array([part.above(0.0) for part in parts])
    return {
        "p_positive": float(probability @ above),
        "p_negative": float(probability @ (1 - above)),
    }
