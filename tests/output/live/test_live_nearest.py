"""What the live page leaves out of a model, in words: the nearest model and the nearest priors."""

from dataclasses import replace
from typing import Any

import pytest
from markupsafe import escape

from bayesmeta.commands.live import LiveContent, live_content
from bayesmeta.commands.request import Inputs, select
from bayesmeta.model.likelihood import Normal
from bayesmeta.model.likelihood.choice import likelihood_class
from bayesmeta.model.spec import ModelSpec, Prior, check_spec, model_names, read_spec
from bayesmeta.output.live import live_page, nearest_model
from live_comparison import made_up, spec_with


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    frame = made_up(4, 30, 10)
    return select(frame, frame, spec_with(["study", "group"]))


def test_heavy_tails_become_normal_with_the_same_scale() -> None:
    spec = read_spec("three-level")
    heavy = {**spec.priors, "terms": Prior("StudentT", (3.0, 0.2, 0.7))}
    nearest, words = nearest_model(replace(spec, priors=heavy))
    assert str(nearest.priors["terms"]) == "Normal(0.2, 0.7)"
    assert len(words) == 1
    assert "heavy tails" in words[0]


@pytest.mark.parametrize(
    "priors",
    [
        {"tau": Prior("HalfNormal", (0.6,), allocation=(1.0, 1.0))},
        {"tau": Prior("LogNormal", (-1.0, 0.8))},
        {"tau": Prior("HalfNormal", (1.0,)), "tau_study": Prior("HalfNormal", (0.6,))},
        {"rho": Prior("Beta", (2.0, 3.0))},
    ],
)
def test_priors_of_taus_and_of_rho_are_kept(priors: dict[str, Prior]) -> None:
    spec = read_spec("three-level")
    changed = replace(spec, priors={**spec.priors, **priors})
    assert nearest_model(changed) == (changed, [])


def test_rho_is_fixed_where_an_average_takes_too_long() -> None:
    nearest, words = nearest_model(read_spec("correlated"))
    assert "rho" not in nearest.priors
    assert nearest.rho == 0.5  # the mean of Beta(2, 2)
    assert len(words) == 1
    assert "begins with its prior mean, 0.50" in words[0]


@pytest.mark.parametrize("name", [name for name in model_names() if name != "ketamine-extinction"])
def test_every_model_has_a_nearest_one(name: str) -> None:
    spec, left_out = nearest_model(read_spec(name))
    check_spec(spec)
    assert likelihood_class(spec) is Normal
    assert not spec.pooling_sds
    assert not spec.tau_by
    assert nearest_model(spec) == (spec, [])
    assert (spec == read_spec(name)) == (not left_out)


LEFT_OUT: list[tuple[dict[str, Any], str]] = [
    ({"likelihood": "student"}, "heavy tails"),
    ({"likelihood": "t"}, "exact likelihood of Hedges' g"),
    ({"bias": "selection"}, "all results are published"),
    ({"shared_controls": True}, "shared control groups"),
    ({"tau_by": "kind"}, "every tau differs by kind"),
    ({"crossed": ("place",)}, "effects of place cross the studies"),
    ({"correlation": {"place": {"file": "tree.nwk"}}}, "effects of place have known correlations"),
    ({"inner": {"study": {"factor": "kind"}}}, "random effects of kind within study"),
    ({"inner": {"study": {"slopes": ["dose"]}}}, "random effects of dose within study"),
    ({"scale": {"study": "~ dose"}}, "the tau of study depends on moderators (~ dose)"),
    ({"errors": {"cluster": "group", "rho": 0.6}}, "errors have correlations within group"),
    ({"errors": {"file": "folder/V.csv"}}, "errors have the covariance of V.csv"),
    ({"levels": ("country", "study")}, "vary by country, study. On this page they vary by study."),
    ({"levels": ()}, "vary by no level. On this page they vary by study, group."),
]


@pytest.mark.parametrize(("change", "words"), LEFT_OUT)
def test_what_is_left_out_stands_on_the_page(
    inputs: Inputs, change: dict[str, Any], words: str
) -> None:
    spec: ModelSpec = replace(inputs.spec, **change)
    nearest, left_out = nearest_model(spec)
    (sentence,) = left_out
    assert words in sentence
    assert likelihood_class(nearest) is Normal
    assert nearest_model(nearest) == (nearest, [])
    page = page_of(live_content(replace(inputs, spec=spec)))
    assert "The model of this page is not that of the report." in page
    assert escape(sentence) in page


def page_of(content: LiveContent) -> str:
    about = {"dataset": "toy", "model": "toy", "title": "", "synthetic": True, "notes": []}
    return live_page(content.payload, about | {"source": "", "k": 30, "studies": 10})


def test_everything_that_is_left_out_stands_on_the_page(inputs: Inputs) -> None:
    """Two outcomes with a known covariance, and tau along a moderator: a sentence for each."""
    changes = {"levels": (), "inner": {"study": {"factor": "kind"}}, "scale": {"study": "~ dose"}}
    spec: ModelSpec = replace(inputs.spec, errors={"file": "V.csv"}, **changes)
    page = page_of(live_content(replace(inputs, spec=spec)))
    assert page.count("<li>") == 4
    assert 'class="synthetic"' in page
    assert "is not that of the report" not in page_of(live_content(inputs))


def test_the_page_says_that_rho_begins_fixed_with_three_taus(inputs: Inputs) -> None:
    priors = {**inputs.spec.priors, "rho": Prior("Beta", (2.0, 3.0))}
    levels = ("study", "group", "effect")
    spec = replace(inputs.spec, levels=levels, priors=priors)
    content = live_content(replace(inputs, spec=spec))
    page = page_of(content)
    assert "The model of the report estimates rho." in page
    assert "prior mean, 0.40: with an average over rho, three taus take a minute." in page
    assert content.payload["model"]["rho"] == pytest.approx(0.4)
    assert content.payload["rhoIfEstimated"] == [2, 3]
    assert "is estimated, prior Beta(2, 3)" in page
    assert "is estimated, prior Beta(1, 1)" in page_of(live_content(inputs))


def test_a_pooling_sd_is_fixed_at_its_prior_mean() -> None:
    spec = read_spec("translational-pooled")
    nearest, left_out = nearest_model(spec)
    (sentence,) = [text for text in left_out if "estimates the sds" in text]
    for name, sd in spec.pooling_sds.items():
        assert name in sentence
        expected = spec.priors[name].parameters[1] * sd.distribution.mean()
        assert nearest.priors[name].parameters[1] == pytest.approx(expected)
