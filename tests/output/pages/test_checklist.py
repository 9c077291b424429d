"""The checklist answers what the results answer, and says of the rest that they do not."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.output.pages.checklist import checklist_table
from bayesmeta.output.pages.results import Results
from results_by_hand import CELLS, COMPARISON, DOUBTS, folder, tables_of_fit

STEPS = [
    "Preamble",
    "Explain the model",
    "Report details of the computation",
    "Describe the posterior",
    "Report decisions",
    "Report sensitivity analysis",
    "Make it reproducible",
]
PLACES = {
    *(
        "answer",
        "data",
        "estimates",
        "heterogeneity",
        "frequentist",
        "discrepancy",
        "bias",
        "influence",
        "lint",
        "moderators",
    ),
    *("sensitivity", "diagnostics", "methods", "checklist", "provenance"),
}


@pytest.fixture
def complete(tmp_path: Path) -> Results:
    """Results of a fit, a comparison and doubts."""
    return folder(tmp_path / "toy", tables_of_fit(**CELLS) | {"comparison": COMPARISON} | DOUBTS)


def item(table: pd.DataFrame, beginning: str) -> dict[str, str]:
    """Return the only item that begins so."""
    row = table[table["item"].str.startswith(beginning)]
    assert len(row) == 1
    return {str(name): str(value) for name, value in row.iloc[0].items()}


def test_every_step_has_items_that_lead_to_a_section(complete: Results) -> None:
    table = checklist_table(complete)
    assert list(table.columns) == ["step", "item", "answer", "where", "state"]
    assert list(table["step"].unique()) == STEPS
    assert {place for places in table["where"] for place in places.split()} <= PLACES
    assert (table["where"] != "").all()
    assert table["item"].is_unique
    assert len(table) > 25


def test_numbers_come_from_the_results(complete: Results) -> None:
    table = checklist_table(complete)
    assert (
        item(table, "Convergence")["answer"]
        == "R-hat at most 1.0034, 0 divergences; every rule passed"
    )
    assert item(table, "The priors")["answer"].startswith(
        "terms: Normal(0, 1.5) (weakly informative); tau: HalfNormal(1)"
    )
    assert "which are not reached" in item(table, "Resolution")["answer"]
    assert item(table, "To the likelihood")["answer"] == "3 conclusions under 3 alternatives"
    assert (
        "neutral memory and fear memory are settled"
        in item(table, "The rule of decision")["answer"]
    )
    assert item(table, "Seed")["answer"] == "17"


def test_items_for_the_author_are_not_answered(complete: Results) -> None:
    for beginning in ("The goals of the analysis", "Why a Bayesian", "What is lost"):
        row = item(checklist_table(complete), beginning)
        assert row["state"] == "not answered"
        assert row["answer"].startswith("for the author: ")


@pytest.mark.parametrize(
    ("beginning", "table"),
    [
        ("To the likelihood", "verdicts"),
        ("To publication bias", "bias_cells"),
        ("To errors in the data", "lint_refits"),
        ("Heterogeneity", "prediction"),
    ],
)
def test_an_item_without_its_table_is_not_answered(
    complete: Results, beginning: str, table: str
) -> None:
    assert item(checklist_table(complete), beginning)["state"] == "answered"
    left = replace(
        complete, tables={name: rows for name, rows in complete.tables.items() if name != table}
    )
    row = item(checklist_table(left), beginning)
    assert (row["state"], row["answer"]) == ("not answered", "")


def test_a_failed_diagnostic_is_reported(complete: Results) -> None:
    failed = replace(
        complete, diagnostics=complete.diagnostics | {"passed": False, "min_ess_tail": 20000.0}
    )
    assert item(checklist_table(failed), "Convergence")["answer"].endswith("a rule failed")
    assert item(checklist_table(failed), "Resolution")["answer"].endswith("are reached")
