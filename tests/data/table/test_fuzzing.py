"""Malformed files: each ends with a message and exit code 2, or in a table that is right; never in a traceback."""

import io
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from rich.console import Console

from bayesmeta.commands import console
from bayesmeta.commands.init import run_init
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.infrastructure.errors import BadInput
from malformed import GIVEN, KINDS, Malformed, malformed
from malformed_bytes import SHEET, Rows, repacked, write

SECONDS = 20  # of a small file, on a busy machine
HARMLESS = ("nothing", "columns reversed", "a study per row", "blank rows between", "100 columns more", "a long note")
HARMLESS += ("BOM", "UTF-16", "mixed lines", "old Mac lines", "semicolons", "merged", "no styles", "hidden sheet")
MEGABYTES = 2000


@pytest.fixture(scope="module")
def files() -> list[Malformed]:
    return list(malformed())


def plain(rows: Rows | None) -> pd.DataFrame | None:
    """yi and vi as anyone would read them from these cells, by other code; None where that is not plain."""
    if rows is None or not all(isinstance(name, str) for name in rows[0]) or len({*map(len, rows)}) > 1:
        return None
    cells = [dict(zip(rows[0], row, strict=True)) for row in rows[1:] if any(cell not in ("", None) for cell in row)]
    try:
        pairs = [
            _pair({name: float(value) for name, value in row.items() if type(value) in (int, float)}) for row in cells
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
    n, m = row["n1i"], row["n2i"]
    if n > 1e6:  # beyond it the gamma functions of the exact correction lose their digits
        raise ValueError
    pooled = math.sqrt(((n - 1) * row["sd1i"] ** 2 + (m - 1) * row["sd2i"] ** 2) / (n + m - 2))
    exact = math.lgamma((n + m - 2) / 2) - math.log(math.sqrt((n + m - 2) / 2)) - math.lgamma((n + m - 3) / 2)
    g = math.exp(exact) * (row["m1i"] - row["m2i"]) / pooled
    return g, 1 / n + 1 / m + g**2 / (2 * (n + m))


def outcome(file: Malformed, folder: Path, *, draft: bool) -> str:
    """What reading a file ends with: the message, or "" once all that can be known of its table holds."""
    path = folder / f"mine.{file.kind}"
    path.write_bytes(file.content)
    try:
        inputs = read_inputs(Request(str(path)))
        console.print_data(Console(file=io.StringIO()), inputs.design, inputs.frame.attrs, inputs.left_out)
        if draft:
            run_init(path, folder / "mine.toml", Console(file=io.StringIO()), force=True)
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


def test_a_thousand_malformed_files_end_in_a_message_or_a_right_table(files: list[Malformed], tmp_path: Path) -> None:
    assert len(files) >= 1000
    assert {file.kind for file in files} == {*KINDS}
    found, wrong = dict[str, str](), list[str]()
    for number, file in enumerate(files):
        started = time.monotonic()
        try:
            found[file.name] = said = outcome(file, tmp_path, draft=number % 3 == 0)
        except Exception as error:  # what a user would see as a traceback; all of them at once
            wrong.append(f"{file.name}: {type(error).__name__} {' '.join(str(error).split())[:200]}")
            continue
        if time.monotonic() - started > SECONDS:
            wrong.append(f"{file.name}: took {time.monotonic() - started:.0f} s")
        path = f"{tmp_path / 'mine'}.{file.kind}: "
        if said and not (said.removeprefix(path).strip() and len(said) < 5000 and "\n\n" not in said):
            wrong.append(f"{file.name}: an unclear message {said[:200]!r}")
        if said and file.name.split(": ")[1] in HARMLESS and file.kind in KINDS[:3]:
            wrong.append(f"{file.name}: refused, {said[:200]!r}")
    assert not wrong, "\n".join(wrong)
    read = sum(not said for said in found.values())
    assert read > 200
    assert len(found) - read > 400


def column(value: str | bytes, kind: Any) -> bytes:
    """A Parquet file of a few kB whose column repeats one long cell in 600 rows."""
    repeated = pa.DictionaryArray.from_arrays(pa.array(np.zeros(600, "int32")), pa.array([value], kind))
    table = pa.table({"study": [f"s{i}" for i in range(600)], "yi": [1.5] * 600, "vi": [1.0] * 600, "note": repeated})
    parquet.write_table(table, file := io.BytesIO(), compression="zstd", store_schema=False)
    return file.getvalue()


def sheet(more: bytes) -> bytes:
    def change(part: str, xml: bytes) -> bytes:
        return xml.replace(b"</sheetData>", more + b"</sheetData>") if part == SHEET else xml

    return repacked(write(GIVEN, "xlsx"), change)


def inline(text: bytes) -> bytes:
    return sheet(b'<row r="20"><c r="C20" t="inlineStr"><is><t>%s</t></is></c></row>' % text)


TABLE = write(GIVEN, "csv")
LONG = b"x" * 10_000_000
BOMBS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "a cell of 10 MB": lambda: ("csv", TABLE.replace(b"1.5", LONG, 1)),
    "10 MB that are not UTF-8": lambda: ("csv", TABLE.replace(b"1.5", LONG, 1).replace(b"s3", b"s\xe9")),
    "a number of 130,000 digits and a letter": lambda: ("csv", TABLE.replace(b"1.5", b"1" * 130_000 + b"x", 1)),
    "50 million blank lines": lambda: ("csv", TABLE + b"\n" * 50_000_000),
    "separators alone": lambda: ("csv", b"," * 50_000_000),
    "a million rows": lambda: ("csv", b"study,yi,vi,a,b,c\n" + b"a,1,1,2,3,4\n" * 1_000_000),
    "a zip bomb": lambda: ("xlsx", sheet(b" " * 300_000_000)),
    "10 MB in a sheet": lambda: ("xlsx", inline(LONG)),
    "10 MB of digits in a sheet": lambda: ("xlsx", inline(b"1" * 10_000_000 + b"x")),
    "cells that never end": lambda: ("xlsx", sheet(b'<c r="A' * 20_000_000)),
    "10 MB of text in 600 rows": lambda: ("parquet", column("x" * 10_000_000, pa.string())),
    "10 MB of bytes in 600 rows": lambda: ("parquet", column(LONG, pa.binary())),
}


@pytest.mark.parametrize("name", BOMBS)
def test_files_that_would_fill_the_memory_or_never_end_do_neither(name: str, tmp_path: Path) -> None:
    kind, content = BOMBS[name]()
    path = tmp_path / f"bomb.{kind}"
    path.write_bytes(content)
    del content
    code, megabytes, said = run_limited(["lint", "--dataset", str(path)], tmp_path)
    assert code in (0, 1, 2), said
    assert "Traceback" not in said
    assert megabytes < MEGABYTES


LIMITED = """import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
from bayesmeta.cli import main
try:
    main(sys.argv[1:])
finally:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    open("peak.txt", "w").write(peak.split()[1])
"""


def run_limited(arguments: list[str], folder: Path, seconds: float = 60) -> tuple[int, float, str]:
    """Exit code of a command that may address 8 GB, its most resident megabytes, what it said on stderr."""
    command = [sys.executable, "-c", LIMITED, *arguments]
    done = subprocess.run(command, cwd=folder, timeout=seconds, check=False, capture_output=True)
    peak = int((folder / "peak.txt").read_text()) / 1024
    return done.returncode, peak, done.stderr.decode(errors="replace")


def sampled(files: list[Malformed]) -> Iterator[Malformed]:
    """Every 25th file, and so some of each kind, base and group of mutations."""
    yield from files[::25]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(40))
def test_commands_end_in_a_message_and_nothing_written_or_in_results(
    files: list[Malformed], number: int, tmp_path: Path
) -> None:
    file = list(sampled(files))[number]
    path = tmp_path / f"mine.{file.kind}"
    path.write_bytes(file.content)
    quick = ["--sampler", "quadrature", "--draws", "50", "--out", "results"]
    for arguments in (["lint"], ["fit", *quick]):
        code, megabytes, said = run_limited([*arguments, "--dataset", path.name], tmp_path)
        assert code in (0, 1, 2), f"{file.name}: {arguments[0]} ended with {code}: {said[-2000:]}"
        assert "Traceback" not in said, f"{file.name}: {said[-2000:]}"
        assert megabytes < MEGABYTES, file.name
        assert said.startswith("error: ") == (code == 2), f"{file.name}: {said[:500]}"
        assert (tmp_path / "results").exists() == (arguments[0] == "fit" and code != 2), file.name
