"""The model of the live page: normal and nested; and what it leaves out of another model."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from bayesmeta.model.priors.terms import as_normal
from bayesmeta.model.spec import HEAVY, LEVELS, ModelSpec, Prior

MOST_LEVELS = 2  # of a model whose rho the page averages over when it opens
Change = Callable[[ModelSpec], ModelSpec]


def nearest_model(spec: ModelSpec) -> tuple[ModelSpec, list[str]]:
    """Return the nearest model that the page can take, and a sentence on everything left out."""
    sentences = []
    for applies, sentence, change in CHANGES:
        if applies(spec):
            sentences.append(sentence(spec))
            spec = change(spec)
    return spec, sentences


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _inner(spec: ModelSpec) -> str:
    names = [[entry.get("factor"), *entry.get("slopes", ())] for entry in spec.inner.values()]
    return _listed(name for some in names for name in some if name)


def _covariance(spec: ModelSpec) -> str:
    if "file" in spec.errors:
        return f"the covariance of {Path(spec.errors['file']).name}"
    return f"correlations within {spec.errors.get('cluster', 'study')}"


def _nested(spec: ModelSpec) -> tuple[str, ...]:
    """Return the levels that the page has; study and group if there are none."""
    return tuple(level for level in spec.levels if level in LEVELS) or ("study", "group")


def _without_priors(spec: ModelSpec, *names: str) -> ModelSpec:
    return replace(spec, priors={key: x for key, x in spec.priors.items() if key not in names})


def _fixed_rho(spec: ModelSpec) -> float:
    return float(spec.priors["rho"].distribution.mean())


def _fixed_sd(prior: Prior) -> float:
    """Return the prior mean of a pooling sd; its median where it has no mean."""
    assert prior.pooling_sd is not None
    distribution = prior.pooling_sd.distribution
    mean = float(distribution.mean())
    return mean if mean < float("inf") else float(distribution.median())


def _with_fixed_sds(spec: ModelSpec) -> ModelSpec:
    fixed = {
        name: Prior(prior.family, (prior.parameters[0], prior.parameters[1] * _fixed_sd(prior)))
        for name, prior in spec.parts.items()
        if prior.pooling_sd is not None
    }
    return replace(spec, priors={**spec.priors, **fixed})


def _without_limits(spec: ModelSpec) -> ModelSpec:
    without_limits = {
        key: replace(spec.priors[key], lower=None, upper=None) for key in spec.limited
    }
    return replace(spec, priors={**spec.priors, **without_limits})


def _heavy(spec: ModelSpec) -> list[str]:
    """Return the priors of terms that are neither normal nor points."""
    return [key for key, prior in spec.parts.items() if prior.family in HEAVY]


def _with_normal_terms(spec: ModelSpec) -> ModelSpec:
    normal = {}
    for key in _heavy(spec):
        centre, scale, _ = as_normal(spec.priors[key])
        normal[key] = replace(spec.priors[key], family="Normal", parameters=(centre, scale))
    return replace(spec, priors={**spec.priors, **normal})


CHANGES: tuple[tuple[Callable[[ModelSpec], bool], Callable[[ModelSpec], str], Change], ...] = (
    (
        lambda spec: bool(spec.crossed),
        lambda spec: (
            f"In the model of the report effects of {_listed(spec.crossed)} cross the studies. "
            "This page does not have them."
        ),
        lambda spec: replace(spec, crossed=()),
    ),
    (
        lambda spec: bool(spec.correlation),
        lambda spec: (
            f"In the model of the report effects of {_listed(spec.correlation)} have known "
            "correlations. This page does not have them."
        ),
        lambda spec: replace(spec, correlation={}),
    ),
    (
        lambda spec: bool(spec.inner),
        lambda spec: (
            f"The model of the report has random effects of {_inner(spec)} within "
            f"{_listed(spec.inner)}. This page does not have them."
        ),
        lambda spec: replace(spec, inner={}),
    ),
    (
        lambda spec: bool(spec.scale),
        lambda spec: (
            f"In the model of the report the tau of {_listed(spec.scale)} depends on moderators "
            f"({', '.join(spec.scale.values())}). On this page it is constant."
        ),
        lambda spec: replace(spec, scale={}),
    ),
    (
        lambda spec: bool(spec.errors),
        lambda spec: (
            f"In the model of the report sampling errors have {_covariance(spec)}. On this page "
            "they are independent, or correlate within a group by the rho that you set."
        ),
        lambda spec: replace(spec, errors={}),
    ),
    (
        lambda spec: spec.levels != _nested(spec),
        lambda spec: (
            "In the model of the report true effects vary by "
            f"{_listed(spec.levels) or 'no level'}. On this page they vary by "
            f"{_listed(_nested(spec))}."
        ),
        lambda spec: spec.with_levels(_nested(spec)),
    ),
    (
        lambda spec: spec.has_heavy_tails,
        lambda _: (
            "In the model of the report study effects have heavy tails (Student). On this "
            "page they are normal."
        ),
        lambda spec: replace(
            _without_priors(spec, "nu"),
            likelihood="normal" if spec.likelihood == "student" else spec.likelihood,
        ),
    ),
    (
        lambda spec: spec.likelihood == "t",
        lambda _: (
            "The model of the report has the exact likelihood of Hedges' g. On this page "
            "effects are normal with known sampling variances."
        ),
        lambda spec: replace(spec, likelihood="normal"),
    ),
    (
        lambda spec: spec.bias == "selection",
        lambda _: (
            "The model of the report is one of selection: significant results are more "
            "likely to be published. On this page all results are published."
        ),
        lambda spec: replace(_without_priors(spec, "weights", "attempts"), bias=""),
    ),
    (
        lambda spec: spec.shared_controls,
        lambda _: (
            "In the model of the report sampling errors covary over shared control groups. "
            "On this page they do not."
        ),
        lambda spec: replace(spec, shared_controls=False),
    ),
    (
        lambda spec: bool(spec.tau_by),
        lambda spec: (
            f"In the model of the report every tau differs by {spec.tau_by}. This page "
            "has a tau per level, common to all."
        ),
        lambda spec: replace(spec, tau_by=""),
    ),
    (
        lambda spec: "rho" in spec.priors and len(spec.levels) > MOST_LEVELS,
        lambda spec: (
            "The model of the report estimates rho. This page begins with its prior mean, "
            f"{_fixed_rho(spec):.2f}: with an average over rho, three taus take a minute."
        ),
        lambda spec: replace(_without_priors(spec, "rho"), rho=_fixed_rho(spec)),
    ),
    (
        lambda spec: bool(spec.limited),
        lambda spec: (
            f"In the model of the report the prior of {', '.join(spec.limited)} has limits. On "
            "this page it has none."
        ),
        _without_limits,
    ),
    (
        lambda spec: bool(spec.pooling_sds),
        lambda spec: (
            "The model of the report estimates the sds by which means vary between "
            f"{', '.join(spec.pooling_sds)}. This page has their prior means."
        ),
        _with_fixed_sds,
    ),
    (
        lambda spec: bool(_heavy(spec)),
        lambda spec: (
            f"The priors of {', '.join(_heavy(spec))} in the model of the report have heavy tails. "
            "On this page they are normal, with the same centres and scales."
        ),
        _with_normal_terms,
    ),
)
