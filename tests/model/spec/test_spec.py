"""Model files: what is read, and that each mistake is refused by name."""

from pathlib import Path

import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root
from bayesmeta.model.spec import parse_spec, read_spec

GOOD = """
terms = "1"
levels = ["group", "study"]
[priors.terms]
prior = "Normal(0, 1.5)"
reason = "weak"
[priors.tau]
prior = "HalfCauchy(0.5)"
[contrasts]
"all" = "a - b"
[contrasts.clinical]
"own" = "c - d"
"""


def test_reads_choices() -> None:
    spec = parse_spec(GOOD, "good")
    assert (spec.levels, spec.rho, spec.rope, spec.likelihood) == (
        ("study", "group"),
        0.0,
        0.2,
        "normal",
    )
    assert str(spec.priors["tau"]) == "HalfCauchy(0.5)"
    assert spec.priors["terms"].reason == "weak"


def test_contrasts_by_dataset_and_twin() -> None:
    spec = parse_spec(GOOD, "good")
    assert spec.contrasts_of("preclinical") == {"all": "a - b"}
    assert spec.contrasts_of("clinical-twin") == {"all": "a - b", "own": "c - d"}
    assert spec.with_terms("0 + x").contrasts_of("clinical") == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('terms = "1"', 'terms = "1"\nlevls = 2', "did you mean 'levels'"),
        ('terms = "1"', "", r"lacks the keys \['terms'\]"),
        ('["group", "study"]', "[1]", r"should be a list from \['study', 'group', 'effect'\]"),
        ("HalfCauchy(0.5)", "HalfCuachy(0.5)", "should be one of Gamma"),
        ("HalfCauchy(0.5)", "HalfCauchy(-1)", "positive scales"),
        ("HalfCauchy(0.5)", "HalfCauchy(1, 2)", "HalfCauchy"),
        ("Normal(0, 1.5)", "HalfNormal(1)", r"should be one of Normal\(mean, sd\)"),
        ('reason = "weak"', "raeson = 1", "did you mean 'reason'"),
        ('terms = "1"', 'terms = "1"\nrho = 1.0', "rho of model good is 1.0"),
        ('terms = "1"', 'terms = "1"\nlikelihood = "cauchy"', "one of normal"),
        ("[priors.tau]", "[priors.tua]", "did you mean 'tau'"),
    ],
)
def test_refuses_mistakes_by_name(old: str, new: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_spec(GOOD.replace(old, new, 1), "good")


def test_unknown_file_lists_the_models_and_broken_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="three-level"):
        read_spec("three-levle")
    broken = tmp_path / "broken.toml"
    broken.write_text("levels = [", encoding="utf-8")
    with pytest.raises(BadInput, match=r"broken\.toml cannot be read as TOML"):
        read_spec(broken)


@pytest.mark.parametrize(
    "path", sorted((root() / "models").glob("*.toml")), ids=lambda path: path.stem
)
def test_every_model_of_the_project_reads_and_gives_reasons(path: Path) -> None:
    spec = read_spec(path)
    assert spec.name == path.stem
    assert all(prior.reason for prior in spec.priors.values())
    assert len(spec.sha256) == 64


def test_another_level_and_other_terms_change_the_title() -> None:
    spec = read_spec("three-level").with_levels(("study",))
    assert (spec.levels, spec.title) == (("study",), "Random effects of study")
    assert read_spec("three-level").with_terms("1").title == "Three-level model"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("contrasts = 3", "contrasts of model small are 3; they should be a table"),
        ("[contrasts]\na = 3", "'a' is 3; it should be text"),
        ("[concordance.clinical]\na = [1]", "'a' is .1.; it should be text"),
    ],
)
def test_what_is_no_table_or_no_text_is_named(entry: str, message: str) -> None:
    priors = '[priors]\nterms = "Normal(0, 1)"\ntau = "HalfNormal(1)"'
    head, tail = (entry, priors) if entry.startswith("contrasts =") else ("", f"{priors}\n{entry}")
    with pytest.raises(BadInput, match=message):
        parse_spec(f'terms = "1"\nlevels = ["study"]\n{head}\n{tail}', "small")
    with pytest.raises(BadInput, match="priors of model small are 3"):
        parse_spec('terms = "1"\nlevels = ["study"]\npriors = 3', "small")


@pytest.mark.parametrize(
    "dependence",
    ["rho = 0.5", "shared_controls = true", 'priors.rho = {prior = "Beta(2, 2)"}'],
)
def test_errors_that_depend_have_no_exact_likelihood(dependence: str) -> None:
    """The exact likelihood of Hedges' g is that of independent groups: no approximation of rho."""
    exact = GOOD.replace('terms = "1"', f'terms = "1"\nlikelihood = "t"\n{dependence}', 1)
    message = (
        'likelihood = "t" needs errors that are independent; leave out rho and shared_controls'
    )
    with pytest.raises(BadInput, match=message):
        parse_spec(exact, "good")
