"""The methods section describes what was done, with its numbers, and nothing else."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.output.pages.methods import methods_text
from bayesmeta.output.pages.results import Results
from results_by_hand import CELLS, COMPARISON, DOUBTS, MODEL, bare, folder, tables_of_fit

SECTIONS = {
    "Frequentist comparison": "comparison",
    "Checks": "check",
    "Alternatives": "verdicts",
    "Problems in the data": "lint",
    "Moderators": "screening/importance",
}
CHECKED = {
    "funnel": pd.DataFrame({"statistic": ["egger"], "value": [1.0]}),
    "bias_models": pd.DataFrame({"model": ["unadjusted", "PET", "selection"]}),
    "psense": pd.DataFrame({"contrast": ["a"]}),
    "influence_studies": pd.DataFrame({"study": ["a"]}),
    "screening/importance": pd.DataFrame({"moderator": ["phase"], "mean": [1.0]}),
}


@pytest.fixture
def complete(tmp_path: Path) -> Results:
    """Results of every command."""
    return folder(
        tmp_path / "toy", tables_of_fit(**CELLS) | {"comparison": COMPARISON} | DOUBTS | CHECKED
    )


def headings(text: str) -> list[str]:
    """Headings of Markdown."""
    return re.findall(r"^### (.*)$", text, flags=re.MULTILINE)


def test_the_numbers_of_the_run_are_filled_in(complete: Results) -> None:
    text = methods_text(complete, html=False)
    for part in (
        "1086 effects in 302 experimental groups of 184 studies",
        "4 chains of 1000 draws each after 500 of warm-up, 4000 in all, seed 17",
        "- Every τ ∼ HalfNormal(1): wide enough.",
        "- Every coefficient β ∼ Normal(0, 1.5): weakly informative.",
        "R-hat at most 1.0034, bulk size at least 6034, tail size at least 2735, 0 divergences, "
        "E-BFMI 1.06.",
        "Differences below 0.20 count as too small",
        "y[i] = x[i]β + u[study(i)] + w[group(i)] + e[i]",
        "3 in all: neutral memory, fear memory and trauma extinction",
        "PET and selection were fitted inside the hierarchy",
        "bayesmeta 0.1.0, Python 3.13.0, PyMC 6.4.0; commit 0123abc",
        "A note with 12 in it.",
    ):
        assert part in text


@pytest.mark.parametrize(("heading", "table"), SECTIONS.items())
def test_what_was_not_run_is_absent(complete: Results, heading: str, table: str) -> None:
    assert heading in headings(methods_text(complete, html=False))
    left = {name: rows for name, rows in complete.tables.items() if name != table}
    assert heading not in headings(methods_text(replace(complete, tables=left), html=False))


def test_without_a_fit_sampling_is_not_described(complete: Results) -> None:
    (complete.folder / "posterior.nc").unlink()
    alone = replace(
        complete, provenance={"comparison": complete.about | {"test": "t"}}, diagnostics={}
    )
    text = methods_text(alone, html=False)
    assert "with t tests and Bonferroni's correction" in text
    assert not {"Model", "Priors", "Computation"} & set(headings(text))


def test_references_are_those_cited_with_their_doi(complete: Results) -> None:
    text = methods_text(complete, html=False)
    prose, _, listed = text.partition("### References")
    cited = set(re.findall(r"\(([^()]* \d{4})\)", prose))
    assert len(re.findall(r"^- ", listed, flags=re.MULTILINE)) == len(cited) > 10
    assert listed.count("doi:10.") == len(cited)
    assert "Gleser" not in text
    html = methods_text(complete)
    assert '<a href="https://doi.org/10.1214/20-BA1221">doi:10.1214/20-BA1221</a>' in html


def test_every_number_is_a_cell(complete: Results) -> None:
    prose, _, listed = methods_text(complete).partition("<h3>References</h3>")
    assert re.findall(r"[0-9]", bare(prose)) == []
    assert listed.count("<li>") > 10
    assert "<p>###" not in prose


def test_the_model_is_described(tmp_path: Path) -> None:
    student = 'levels = ["study", "effect"]\nlikelihood = "student"\nrho = 0.5'
    toml = MODEL.replace('levels = ["study", "group"]', student)
    toml += '[priors.nu]\nprior = "Gamma(2, 0.1)"\n'
    text = methods_text(folder(tmp_path / "a", tables_of_fit(**CELLS), toml=toml), html=False)
    assert (
        "u[study(i)] + d[i] + e[i], with u[study] ∼ Student(zero, τ²[study]), d[effect] ∼ Normal"
        in text
    )
    assert "Errors of effects of the same group correlate by ρ = 0.50." in text
    assert "- Degrees of freedom of the study effects ∼ Gamma(2, 0.1)." in text
    assert "so that only β and the τ were sampled (and nu)" in text


def test_bias_and_quadrature_are_described(tmp_path: Path) -> None:
    toml = (
        MODEL.replace("rope = 0.2", 'rope = 0.2\nbias = "pet"')
        + '[priors.slope]\nprior = "Normal(0, 1)"\n'
    )
    text = methods_text(
        folder(tmp_path / "a", tables_of_fit(**CELLS), toml=toml, sampler="quadrature"), html=False
    )
    assert "A slope captures effects that grow with the standard error" in text
    assert "4 × 1000 independent draws were taken from it (seed 17)" in text
    assert "No-U-Turn" not in text


def test_the_published_screening_is_reported_with_its_counts(tmp_path: Path) -> None:
    flow = pd.DataFrame(
        {
            "part": ["published screening", "published screening", "public sheets to effects"],
            "step": ["screened", "included", "read"],
            "count": [1653, 182, 2000],
            "what": ["records screened", "preclinical studies included", "rows"],
        }
    )
    sources = [{"name": "TRACE datasheet.xlsx", "sha256": "a", "found_in": "here"}]
    tables = tables_of_fit(**CELLS) | {"flow": flow}
    text = methods_text(
        folder(tmp_path / "a", tables, sources=sources, variant="calibrated"), html=False
    )
    assert "1653 records screened, 182 preclinical studies included. The flow" in text
    assert "The variant of the data is “calibrated”" in text


def test_simulated_data_are_marked(tmp_path: Path) -> None:
    text = methods_text(folder(tmp_path / "a", tables_of_fit(**CELLS), synthetic=True), html=False)
    assert "SYNTHETIC: these data were simulated" in text
