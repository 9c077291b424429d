"""Frequentist and Bayesian estimates: the parts of a difference add up, the words fit them."""

import numpy as np
import pandas as pd
import pytest

from bayesmeta.estimates import frequentist


def fits(**changes: float) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return a term and a tau by REML, under flat priors and under the model's priors."""
    value = {"flat": 0.52, "posterior": 0.5} | changes
    reml = pd.DataFrame(
        {
            "term": ["fear:memory", "tau_study"],
            "estimate": [0.5, 1.0],
            "se": [0.2, np.nan],
            "ci_lb": [0.1, 0.8],
            "ci_ub": [0.9, 1.3],
        }
    )
    flat = reml.assign(mean=[value["flat"], 1.1], sd=[0.21, 0.1])
    posterior = reml.assign(mean=[value["posterior"], 1.05], sd=[0.19, 0.09])
    return reml, flat, posterior


def test_the_parts_of_shift_and_ratio_add_up() -> None:
    table = frequentist.compare_estimates(*fits(flat=0.6, posterior=0.56)).set_index("term")
    np.testing.assert_allclose(table["shift"], table["shift_prior"] + table["shift_integration"])
    ratio = table["sd_ratio_prior"] * table["sd_ratio_integration"]
    np.testing.assert_allclose(table["sd_ratio"].dropna(), ratio.dropna())
    assert table.loc["fear:memory", "shift"] == pytest.approx(0.3)
    assert table.loc["fear:memory", "shift_prior"] == pytest.approx(-0.2)
    # a tau has no standard error: its unit is the sd of its flat posterior
    assert table.loc["tau_study", "shift"] == pytest.approx(0.5)
    assert np.isnan(table.loc["tau_study", "sd_ratio"])


@pytest.mark.parametrize(
    ("flat", "posterior", "words"),
    [
        (0.5, 0.5, "they agree"),
        (0.5, 0.4, "mostly the prior"),
        (0.6, 0.6, "mostly the integration over the taus"),
        (0.54, 0.6, "the prior and the integration over the taus"),
        (0.6, 0.5, "act in opposite directions"),
    ],
)
def test_the_reason_in_words(flat: float, posterior: float, words: str) -> None:
    table = frequentist.compare_estimates(*fits(flat=flat, posterior=posterior))
    assert words in table.loc[0, "why"]


def test_sides_of_zero_and_the_printed_value() -> None:
    table = frequentist.compare_estimates(*fits())
    published = pd.DataFrame(
        {
            "term": ["fear:memory"],
            "printed": [0.4],
            "estimate": [0.41],
            "ci_lb": [-0.1],
            "ci_ub": [0.9],
            "k": [3],
        }
    )
    row = frequentist.conclusions(table, published).set_index("term").loc["fear:memory"]
    assert (row["side_frequentist"], row["side_posterior"], row["side_report"]) == (
        "above",
        "above",
        "open",
    )
    assert (row["printed"], row["report"]) == (0.4, 0.41)
    assert frequentist.side_of_zero(-2, -1) == "below"
    assert "report" not in frequentist.conclusions(table)


def test_figure_tables() -> None:
    reml, flat, posterior = fits()
    table = frequentist.compare_estimates(reml, flat, posterior)
    rows = frequentist.paired_table(table, flat)
    assert rows["source"].tolist()[:3] == ["REML", "Bayes, flat priors", "Bayes"]
    assert rows.iloc[1]["estimate"] == 0.52
    profiles = pd.DataFrame({"level": "study", "tau": [0.5, 1.0], "log_lik": [-12.0, -10.0]})
    densities = pd.DataFrame({"level": "study", "tau": [0.5, 1.0], "density": [2.0, 4.0]})
    curves = frequentist.profile_table(profiles, densities)
    assert curves["which"].tolist() == ["profile likelihood"] * 2 + ["posterior"] * 2
    np.testing.assert_allclose(curves["height"], [np.exp(-2), 1, 0.5, 1])
