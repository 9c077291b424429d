"""10,000 malformed tables, trees and matrices: what is read, against an oracle in plain Python."""

import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from benchmarks.faults.journal import Journal, Try, counted

from bayesmeta.commands.effects import parse_columns
from bayesmeta.data.table import read_table
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.known import read_correlation

PART = "tables"
MODULES = ("malformed", "malformed_forms", "malformed_matrices")  # of tests/
FORMS, MATRICES = 8_000, 1_000  # with the 1,000 of tests/malformed.py 10,000
SECONDS = 60  # of a table that would never be read


class Given(NamedTuple):
    """A file, and what is wrong in what is read from it."""

    kind: str
    name: str
    ending: str
    content: bytes
    wrong: Callable[[Path], list[str]]


def run_tables(folder: Path, journal: Journal, seed: int) -> None:
    """Read every file that was not read."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGALRM, _stop)
    waiting = [given for given in files(seed) if (PART, given.name) not in journal]
    for given in counted("malformed tables", waiting):
        path = folder / f"mine.{given.ending}"
        path.write_bytes(given.content)
        ended, failures = "read", list[str]()
        signal.alarm(SECONDS)
        try:
            failures = given.wrong(path)
        except BadInput as error:
            ended = "refused"
            failures = [] if str(error).strip() else ["a message without words"]
        except TimeoutError:
            ended, failures = "not ended", [f"it took more than {SECONDS} s"]
        except Exception:
            ended, failures = "a traceback", [traceback.format_exc()[-1500:]]
        finally:
            signal.alarm(0)
        journal.keep(Try(PART, given.kind, given.name, tuple(failures), ended))


def files(seed: int) -> Iterator[Given]:
    """Yield all files."""
    malformed, malformed_forms, malformed_matrices = map(import_module, MODULES)

    for form in malformed_forms.forms(FORMS, seed):
        shape = form.name.split(": ")[1].rpartition(", ")[0].rpartition(", ")[0]
        yield Given(
            shape.replace(", vi,", " and vi,").replace(", sei,", " and sei,"),
            f"form {form.name}",
            form.ending,
            form.content,
            partial(wrong_in_form, form=form),
        )
    for file in malformed_matrices.matrix_files(MATRICES, seed):
        yield Given(
            "tree" if ": tree" in file.name else "matrix",
            f"matrix {file.name}",
            file.ending,
            file.text.encode(),
            partial(wrong_in_matrix, file=file),
        )
    for number, old in enumerate(malformed.malformed(1000, 8)):
        yield Given(
            "damaged files",
            f"damaged {number}: {old.name}",
            old.kind,
            old.content,
            partial(wrong_in_old, old=old),
        )


def wrong_in_form(path: Path, form: Any) -> list[str]:
    """Return what is wrong in a table of any measure."""
    frame = read_table(path, columns=parse_columns(form.columns))
    wrong: list[str] = import_module(MODULES[1]).wrong_in(form, frame)
    return wrong


def wrong_in_matrix(path: Path, file: Any) -> list[str]:
    """Return what is wrong in a matrix of correlations."""
    R = read_correlation(str(path))
    values = R.to_numpy(float)
    if not np.isfinite(values).all() or np.abs(values).max() > 1 + 1e-9:
        return ["these are no correlations"]
    if file.meant is None or np.allclose(R.loc[file.labels, file.labels], file.meant, rtol=1e-9):
        return []
    return [f"{values.tolist()}; the file means {file.meant}"]


def wrong_in_old(path: Path, old: Any) -> list[str]:
    """Return what is wrong in a table of tests/malformed.py, by the oracle of its test."""
    plain = import_module("data.table.test_fuzzing").plain
    frame = read_table(path)
    values = frame[["yi", "vi"]].to_numpy(float)
    if not np.isfinite(values).all() or not (values[:, 1] > 0).all():
        return ["effects are not finite, or variances not above 0"]
    expected = plain(old.rows)
    if expected is None or np.allclose(values, expected.to_numpy(), rtol=1e-9):
        return []
    return [f"{values.tolist()}; its cells mean {expected.to_numpy().tolist()}"]


def _stop(number: int, frame: Any) -> None:
    raise TimeoutError
