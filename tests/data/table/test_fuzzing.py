"""Malformed files: they end in a message and exit code 2 or in a right table, in no traceback."""

import io
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bayesmeta.commands.console import printer
from bayesmeta.commands.init import run_init
from bayesmeta.commands.options import Draft
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.infrastructure.errors import BadInput
from malformed import KINDS, Malformed, malformed
from malformed_bytes import Rows

pytestmark = pytest.mark.wide

SECONDS = 20  # of a small file, on a busy machine
HARMLESS = {
    *("nothing", "columns reversed", "a study per row", "blank rows between", "100 columns more"),
    *("a long note", "BOM", "UTF-16", "mixed lines", "old Mac lines", "semicolons", "merged"),
    *("no styles", "hidden sheet"),
}


@pytest.fixture(scope="module")
def files() -> list[Malformed]:
    return list(malformed())


def plain(rows: Rows | None) -> pd.DataFrame | None:
    """Return yi and vi of these cells by other code; None if their meaning is not plain."""
    if (
        rows is None
        or not all(isinstance(name, str) for name in rows[0])
        or len({*map(len, rows)}) > 1
    ):
        return None
    cells = [
        dict(zip(rows[0], row, strict=True))
        for row in rows[1:]
        if any(cell not in ("", None) for cell in row)
    ]
    try:
        pairs = [
            _pair(
                {name: float(value) for name, value in row.items() if type(value) in (int, float)}
            )
            for row in cells
        ]
    except (KeyError, ArithmeticError, ValueError):
        return None
    return pd.DataFrame(pairs, columns=["yi", "vi"])


def _pair(row: dict[str, float]) -> tuple[float, float]:
    if "vi" in row:
        return row["yi"], row["vi"]
    if "SE" in row:
        return row["g"], row["SE"] ** 2
    if "ci_lb" in row:
        return row["yi"], ((row["ci_ub"] - row["ci_lb"]) / (2 * 1.959963984540054)) ** 2
    n = row["n1i"]
    m = row["n2i"]
    if n > 1e6:  # beyond it the gamma functions of the exact correction lose their digits
        raise ValueError
    pooled = math.sqrt(((n - 1) * row["sd1i"] ** 2 + (m - 1) * row["sd2i"] ** 2) / (n + m - 2))
    exact = (
        math.lgamma((n + m - 2) / 2)
        - math.log(math.sqrt((n + m - 2) / 2))
        - math.lgamma((n + m - 3) / 2)
    )
    g = math.exp(exact) * (row["m1i"] - row["m2i"]) / pooled
    return g, 1 / n + 1 / m + g**2 / (2 * (n + m))


def outcome(file: Malformed, folder: Path, *, draft: bool) -> str:
    """Return the message with which reading ends, or "" if its table passes all checks."""
    path = folder / f"mine.{file.kind}"
    path.write_bytes(file.content)
    try:
        inputs = read_inputs(Request(str(path)))
        printer.print_data(
            Console(file=io.StringIO()), inputs.design, inputs.frame.attrs, inputs.left_out
        )
        if draft:
            run_init(Draft(path, force=True), folder / "mine.toml", Console(file=io.StringIO()))
            drafted = read_inputs(Request(str(path), str(folder / "mine.toml")))
            pd.testing.assert_frame_equal(drafted.frame[["yi", "vi"]], inputs.frame[["yi", "vi"]])
    except BadInput as error:
        return str(error)
    values = inputs.frame[["yi", "vi"]]
    assert np.isfinite(values.to_numpy()).all()
    assert (values["vi"] > 0).all()
    assert np.isfinite(inputs.design["X"]).all()
    expected = plain(file.rows)
    if expected is not None:
        np.testing.assert_allclose(values, expected, rtol=1e-9)
    return ""


@pytest.mark.parametrize("share", [30, pytest.param(1, marks=pytest.mark.slow)])
def test_a_thousand_malformed_files_end_in_a_message_or_a_right_table(
    files: list[Malformed], tmp_path: Path, share: int
) -> None:
    assert len(files) >= 1000
    files = files[::share]
    assert {file.kind for file in files} == {*KINDS}
    messages = dict[str, str]()
    wrong = list[str]()
    for number, file in enumerate(files):
        started = time.monotonic()
        try:
            messages[file.name] = message = outcome(file, tmp_path, draft=number % 3 == 0)
        except Exception as error:  # what a user would see as a traceback; all of them at once
            wrong.append(
                f"{file.name}: {type(error).__name__} {' '.join(str(error).split())[:200]}"
            )
            continue
        if time.monotonic() - started > SECONDS:
            wrong.append(f"{file.name}: took {time.monotonic() - started:.0f} s")
        path = f"{tmp_path / 'mine'}.{file.kind}: "
        clear = message.removeprefix(path).strip() and "\n\n" not in message
        if message and not (clear and len(message) < 5000):
            wrong.append(f"{file.name}: an unclear message {message[:200]!r}")
        if message and file.name.split(": ")[1] in HARMLESS and file.kind in KINDS[:3]:
            wrong.append(f"{file.name}: refused, {message[:200]!r}")
    assert not wrong, "\n".join(wrong)
    read = sum(not message for message in messages.values())
    assert read > 200 / share
    assert len(messages) - read > 400 / share
