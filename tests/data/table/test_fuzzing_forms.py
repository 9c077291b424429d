"""Tables of every measure and form, and matrices: a message or what the cells mean, no traceback.

`make faults` reads 10,000 of them; some are read here.
"""

from pathlib import Path

import numpy as np
import pytest

from bayesmeta.commands.effects import parse_columns
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.table import read_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.known import read_correlation
from malformed_forms import forms, wrong_in
from malformed_matrices import matrix_files
from measures_by_hand import ASKED, BY_HAND

TABLES = forms(72, seed=1)


@pytest.mark.parametrize("at", range(4))
def test_tables_end_in_a_message_or_in_what_their_cells_mean(at: int, tmp_path: Path) -> None:
    read = 0
    refused = dict[str, str]()
    for form in TABLES[at::4]:
        path = tmp_path / f"mine.{form.ending}"
        path.write_bytes(form.content)
        try:
            frame = read_table(path, columns=parse_columns(form.columns))
        except BadInput as error:
            refused[form.name] = str(error)
            continue
        read += 1
        assert wrong_in(form, frame) == [], form.name
    assert read >= 5
    assert all(refused.values())
    assert [name for name in refused if name.endswith(": ")] == []


def test_the_oracle_finds_wrong_numbers_rows_from_nowhere_and_lost_rows(tmp_path: Path) -> None:
    form = next(form for form in TABLES if form.name.endswith(": "))
    path = tmp_path / f"mine.{form.ending}"
    path.write_bytes(form.content)
    frame = read_table(path, columns=parse_columns(form.columns))
    assert len(form.meant) == len(frame)
    assert wrong_in(form, frame) == []
    assert len(wrong_in(form, frame.assign(yi=frame["yi"] + 1e-6))) == len(frame)
    assert "lost" in wrong_in(form, frame.iloc[1:].copy())[0]
    assert len(wrong_in(form, frame.assign(study="Total"))) == len(frame) + 1


def test_measures_by_hand_are_those_of_the_table_of_measures() -> None:
    assert set(ASKED) <= MEASURES.keys()
    assert len(BY_HAND) == 18
    for name in ASKED:
        assert set(BY_HAND[name].columns) <= {
            column for columns in MEASURES[name].forms for column in columns
        }


def test_trees_and_correlations_end_in_a_message_or_in_the_matrix_that_they_mean(
    tmp_path: Path,
) -> None:
    right = 0
    for file in matrix_files(120, seed=1):
        path = tmp_path / f"known.{file.ending}"
        path.write_text(file.text, "utf-8")
        try:
            R = read_correlation(str(path))
        except BadInput:
            assert file.meant is None, file.name
            continue
        assert np.isfinite(R.to_numpy(float)).all(), file.name
        if file.meant is not None:
            np.testing.assert_allclose(R.loc[file.labels, file.labels], file.meant, rtol=1e-9)
            right += 1
    assert right > 20


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("(a:1,b:1e999);", "without end"),
        ("(a:1,b:-1);", "below 0"),
        ("(a:1,b:1);(a:1,c:1);", "holds 2 trees"),
        ("(" * 5000, "cannot be read as a Newick tree"),
        ("(a:x,b:1);", "cannot be read as a Newick tree"),
    ],
)
def test_trees_that_are_none_are_refused(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "tree.nwk").write_text(text, "utf-8")
    with pytest.raises(BadInput, match=problem):
        read_correlation(str(tmp_path / "tree.nwk"))


@pytest.mark.parametrize("file", ["/dev/zero", "https://localhost/x.csv", ".", "absent.csv"])
def test_a_matrix_is_read_from_a_file_alone(file: str) -> None:
    with pytest.raises(BadInput, match="cannot be read: there is no such file"):
        read_correlation(file)
