"""A formula, priors, columns and a measure in one call of Python; errors in Python's words."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesmeta
from bayesmeta.api.requests import inputs_of
from bayesmeta.api.wording import in_python_words
from bayesmeta.infrastructure.errors import BadInput

PRIORS = {"terms": "Normal(0, 1)", "tau": bayesmeta.Prior("HalfNormal", (0.5,))}


@pytest.fixture
def frame() -> pd.DataFrame:
    return bayesmeta.example()


def fitted(frame: pd.DataFrame, formula: str | None = None, **options: Any) -> Any:
    return bayesmeta.fit(frame, formula, sampler="quadrature", draws=250, progress=False, **options)


def test_a_formula_and_priors_replace_those_of_the_model(frame: pd.DataFrame) -> None:
    spec = inputs_of(frame, "~ dose + phase", None, None, priors=PRIORS).spec  # type: ignore[arg-type]
    assert spec.terms == "dose + phase"
    assert str(spec.priors["terms"]) == "Normal(0, 1)"
    assert spec.priors["tau"] == PRIORS["tau"]


def test_columns_and_measure_are_those_of_a_file() -> None:
    arms = {"m1i": [5.2, 4.9, 5.0], "sd1i": 1.0, "n1i": 20, "m2i": 4.5, "sd2i": 1.1, "n2i": 18}
    table = pd.DataFrame({"paper": ["a", "b", "c"], **arms})
    frame = inputs_of(table, None, None, None, measure="MD", columns={"study": "paper"}).frame
    np.testing.assert_allclose(frame["yi"], table["m1i"] - table["m2i"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "~ dose", "moderators": "phase"}, "two formulas are given"),
        ({"priors": "Normal(0, 1)"}, "priors is a str; it should be a mapping"),
        ({"priors": {"tau": "Normal(0, 1)"}}, "prior of tau"),
        ({"priors": {"tua": "HalfNormal(1)"}}, "tua"),
        ({"measure": "smdd"}, "unknown measure 'smdd'"),
        ({"where": "dose >"}, r"^where='dose >' cannot be evaluated"),
        ({"columns": "study:lab"}, r"^columns has 'study:lab'"),
    ],
)
def test_refusals_name_arguments(
    frame: pd.DataFrame, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        bayesmeta.fit(frame, **arguments)


@pytest.mark.parametrize(
    ("command", "python"),
    [
        ('give --columns "yi=es, sei=se"', 'give columns="yi=es, sei=se"'),
        ("--sampler quadrature --draws 500", 'sampler="quadrature" draws=500'),
        ("leave them out (--where), or use --likelihood normal", None),
        ("--at fills the grid and --new replaces it", "at fills the grid and rows replaces it"),
        ("a - b and a--b stay", "a - b and a--b stay"),
    ],
)
def test_options_become_arguments(command: str, python: str | None) -> None:
    expected = python or 'leave them out (where), or use likelihood="normal"'
    assert in_python_words(command) == expected


def test_the_summary_and_the_comparison_of_models(frame: pd.DataFrame) -> None:
    cells = fitted(frame, moderators="valence:phase")
    mean = fitted(frame)
    table = bayesmeta.summary(cells)
    assert table["part"].value_counts().to_dict() == {"term": 4, "tau": 3}
    assert table.set_index("name").loc["total", "mean"] > 0
    best, other = bayesmeta.compare_models({"mean": mean, "cells": cells}).to_dict("records")
    assert (best["model"], other["model"]) == ("cells", "mean")
    assert other["elpd"] < best["elpd"]
    by_study = bayesmeta.loo(cells)
    assert set(by_study["how"]) == {"exact"}
    assert by_study["study"].tolist() == list(cells["constant_data"]["study"].values)
    assert by_study["elpd"].sum() == pytest.approx(best["elpd"], abs=0.1)
    few = fitted(frame[frame["study"] != frame["study"].iloc[0]])
    with pytest.raises(BadInput, match="different tables"):
        bayesmeta.compare_models({"a": cells, "b": few})
    with pytest.raises(BadInput, match="at least two trees"):
        bayesmeta.compare_models({"a": cells})


def test_redundant_predictors_are_warned_of(frame: pd.DataFrame) -> None:
    with pytest.warns(UserWarning, match="redundant predictors are dropped .*: twice"):
        fitted(frame.assign(twice=2 * frame["dose"]), "~ dose + twice")
