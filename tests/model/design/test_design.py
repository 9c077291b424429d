"""Coding of moderators: labels, cells, nesting, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design, cell_means, code_terms, typical_variance
from bayesmeta.model.spec import parse_spec

SPEC = """
terms = "0 + valence:phase"
levels = ["study", "group"]
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "study": ["b", "a", "b", "b"],
            "group": ["b2", "a1", "b1", "b2"],
            "effect": ["1", "2", "3", "4"],
            "yi": [0.1, 0.2, 0.3, 0.4],
            "vi": [0.1, 0.1, 0.2, 0.2],
            "valence": pd.Categorical(
                ["fear", "neutral", "neutral", "fear"], ["neutral", "fear", "trauma"]
            ),
            "phase": pd.Categorical(
                ["memory", "memory", "learning", "memory"], ["learning", "memory"]
            ),
            "dose": [1.0, 2.0, 3.0, 5.0],
            "note": ["x", None, "y", "z"],
        }
    )


def test_cell_means_are_words_and_empty_cells_have_no_term(frame: pd.DataFrame) -> None:
    design = build_design(frame, parse_spec(SPEC, "m"))
    assert list(design["term"].values) == ["neutral:learning", "neutral:memory", "fear:memory"]
    np.testing.assert_array_equal(design["X"].values, [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]])


def test_nesting_points_at_labels_and_row_order_is_kept(frame: pd.DataFrame) -> None:
    design = build_design(frame, parse_spec(SPEC, "m"))
    group = design["effect_group"].values
    assert list(design["group"].values[group]) == list(frame["group"])
    assert list(design["study"].values[design["group_study"].values[group]]) == list(frame["study"])
    assert list(design["note"].values) == ["x", "", "y", "z"]
    assert list(design["effect"].values) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("formula", "labels"),
    [
        ("1", ["intercept"]),
        ("0 + valence", ["neutral", "fear"]),
        ("1 + dose", ["intercept", "dose"]),
        ("1 + valence", ["intercept", "valence[fear]"]),
        ("0 + valence:dose", ["neutral:dose", "fear:dose"]),
    ],
)
def test_labels(frame: pd.DataFrame, formula: str, labels: list[str]) -> None:
    assert list(code_terms(frame, formula).matrix.columns) == labels


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("valence:phase", "0 + valence:phase"),
        ("valence", "0 + valence"),
        ("1", "1"),
        ("dose", "dose"),
    ],
)
def test_a_lone_factor_means_its_cells(frame: pd.DataFrame, text: str, formula: str) -> None:
    assert cell_means(text, frame) == formula


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("0 + valnce", "did you mean 'valence'"),
        ("0 + note", "note"),
        ("0", "no term is left"),
        ("0 + valence:", "are not a formula"),
    ],
)
def test_refuses_terms(frame: pd.DataFrame, formula: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        code_terms(frame, formula)


def test_refuses_reserved_names(frame: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match=r"\['term'\] have names that the results need"):
        build_design(frame.assign(term=1), parse_spec(SPEC, "m"))


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_typical_variance_is_the_projection_formula(frame: pd.DataFrame, rho: float) -> None:
    design = build_design(frame, parse_spec(SPEC.replace("0 + valence:phase", "1 + yi"), "dense"))
    x, v, group = design["X"].values, design["vi"].values, design["effect_group"].values
    errors = rho * np.equal.outer(group, group) * np.sqrt(np.outer(v, v))
    np.fill_diagonal(errors, v)
    w = np.linalg.inv(errors)
    projection = w - w @ x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w
    assert typical_variance(design, rho) == pytest.approx(2 / np.trace(projection), rel=1e-12)
