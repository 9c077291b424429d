"""Known covariances of errors and correlations of units, and what is wrong with a matrix."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.known import correlations_of, covariance_of, read_correlation

TREE = "((A:1,B:1):2,(C:2.5,'D e':2.5):.5);"


def table() -> pd.DataFrame:
    """Five effects in two studies."""
    return pd.DataFrame(
        {
            "study": ["s", "s", "s", "t", "t"],
            "effect": list("abcde"),
            "outcome": ["x", "x", "y", "x", "y"],
            "measure": ["1", "2", "1", "1", "1"],
            "week": [0, 2, 4, 0, 1],
            "arm": ["p", "q", "p", "r", "r"],
            "reference": ["c", "c", "q", "c", "d"],
            "arm_n": [10.0, 20.0, 10.0, 30.0, 30.0],
            "reference_n": [40.0, 40.0, 20.0, 40.0, 5.0],
            "vi": [0.1, 0.2, 0.3, 0.4, 0.5],
        }
    )


def pair(entry: dict[str, Any], i: int, j: int) -> float:
    """The correlation of two rows."""
    return float(correlations_of(table(), entry)[i, j])


def test_correlations_follow_vcalc() -> None:
    assert pair({"rho": 0.6}, 0, 2) == pytest.approx(0.6)  # constant within a study
    assert pair({"rho": 0.6}, 0, 3) == 0  # of different studies
    assert pair({"type": "outcome", "rho": 0.5, "time": "week", "phi": 0.9}, 0, 1) == pytest.approx(
        0.9**2
    )
    assert pair({"type": "outcome", "rho": 0.5, "time": "week", "phi": 0.9}, 0, 2) == pytest.approx(
        0.5 * 0.9**4
    )
    both = {"type": "outcome", "obs": "measure", "rho": [0.7, 0.4]}
    assert pair(both, 0, 1) == pytest.approx(0.7)
    assert pair(both, 0, 2) == pytest.approx(0.4)


def test_contrasts_that_share_a_group_covary_by_its_size() -> None:
    """With variances 1 / w of the groups; a group that is first here and second there: minus."""
    entry = {"group1": "arm", "group2": "reference", "w1": "arm_n", "w2": "reference_n"}
    sds = np.sqrt([1 / 10 + 1 / 40, 1 / 20 + 1 / 40, 1 / 10 + 1 / 20])
    assert pair(entry, 0, 1) == pytest.approx(1 / 40 / (sds[0] * sds[1]))
    assert pair(entry, 1, 2) == pytest.approx(-1 / 20 / (sds[1] * sds[2]))
    assert pair({"group1": "arm", "group2": "reference"}, 0, 1) == pytest.approx(0.5)


def test_a_file_is_aligned_by_label_or_by_row(tmp_path: Path) -> None:
    frame = table()
    V = covariance_of(frame, {"rho": 0.3})
    np.testing.assert_allclose(np.diag(V), frame["vi"])
    pd.DataFrame(V, frame["effect"], frame["effect"]).to_csv(tmp_path / "named.csv")
    np.savetxt(tmp_path / "plain.csv", V, delimiter=",")
    shuffled = frame.iloc[[3, 0, 4, 2, 1]]
    named = covariance_of(shuffled, {"file": str(tmp_path / "named.csv")})
    np.testing.assert_allclose(named, V[np.ix_([3, 0, 4, 2, 1], [3, 0, 4, 2, 1])])
    np.testing.assert_allclose(covariance_of(frame, {"file": str(tmp_path / "plain.csv")}), V)
    kept = frame.assign(sheet_row=range(2, 7)).iloc[1:4]
    some = covariance_of(kept, {"file": str(tmp_path / "plain.csv")})
    np.testing.assert_allclose(some, V[1:4, 1:4])


def test_a_tree_gives_the_shared_paths(tmp_path: Path) -> None:
    (tmp_path / "tree.nwk").write_text(TREE)
    R = read_correlation(str(tmp_path / "tree.nwk"))
    assert list(R.index) == ["A", "B", "C", "D e"]
    expected = [[1, 2 / 3, 0, 0], [2 / 3, 1, 0, 0], [0, 0, 1, 1 / 6], [0, 0, 1 / 6, 1]]
    np.testing.assert_allclose(R, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",A,B\nA,1,.5\nB,.4,1\n", "is not symmetric"),
        (",A,B\nA,1,1\nB,1,1\n", "is not positive definite"),
        (",A,B\nA,2,.5\nB,.5,2\n", "ones on its diagonal"),
        (",A,C\nA,1,.5\nB,.5,1\n", "the same names in its first row and first column"),
        (",A,B\nA,1,x\nB,.5,1\n", "square matrix of numbers"),
        ("A,B\n1,2\n", "the same names"),
    ],
)
def test_wrong_matrices_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "R.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        read_correlation(str(tmp_path / "R.csv"))


def test_wrong_trees_are_refused(tmp_path: Path) -> None:
    for text in ("(A,B", "((A,B),C);"):
        (tmp_path / "tree.nwk").write_text(text)
        with pytest.raises(BadInput, match=r"Newick tree|lengths of branches"):
            read_correlation(str(tmp_path / "tree.nwk"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"rho": 1.5}, "rho should be from -1 to 1"),
        ({"rho": [0.5, 0.2]}, "rho is"),
        ({"type": "outcom", "rho": 0.5}, "type names no column of the table: 'outcom'"),
        ({"rho": -0.9}, "not positive definite"),
        ({"type": "outcome", "rho": 0.5}, "not positive definite"),  # rows that are alike
        ({"file": "nowhere.csv"}, "nowhere.csv cannot be read"),
    ],
)
def test_wrong_errors_are_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        covariance_of(table(), entry)


def test_another_diagonal_is_refused(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "V.csv", np.eye(5), delimiter=",")
    with pytest.raises(BadInput, match=r"the diagonal of .* is not vi: row 1"):
        covariance_of(table(), {"file": str(tmp_path / "V.csv")})
    np.savetxt(tmp_path / "V.csv", np.eye(4), delimiter=",")
    with pytest.raises(BadInput, match="has 4 rows, the table 5 effects"):
        covariance_of(table(), {"file": str(tmp_path / "V.csv")})
