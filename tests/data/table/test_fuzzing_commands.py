"""Malformed files given to commands: little memory, an exit code, a message and no traceback."""

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from malformed import GIVEN, Malformed, malformed
from malformed_bytes import SHEET, repacked, write

pytestmark = pytest.mark.wide

MEGABYTES = 2000


@pytest.fixture(scope="module")
def files() -> list[Malformed]:
    return list(malformed())


def column(value: str | bytes, kind: Any) -> bytes:
    """Return a Parquet file of a few kB in which a column repeats a long cell in 600 rows."""
    repeated = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(600, "int32")), pa.array([value], kind)
    )
    table = pa.table(
        {
            "study": [f"s{i}" for i in range(600)],
            "yi": [1.5] * 600,
            "vi": [1.0] * 600,
            "note": repeated,
        }
    )
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
    "10 MB that are not UTF-8": lambda: (
        "csv",
        TABLE.replace(b"1.5", LONG, 1).replace(b"s3", b"s\xe9"),
    ),
    "a number of 130,000 digits and a letter": lambda: (
        "csv",
        TABLE.replace(b"1.5", b"1" * 130_000 + b"x", 1),
    ),
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


IN_CI = ("a million rows", "a cell of 10 MB", "a zip bomb")  # the others take minutes in all


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in IN_CI)) for name in BOMBS]
)
def test_files_that_would_fill_the_memory_or_never_end_do_neither(
    name: str, tmp_path: Path
) -> None:
    kind, content = BOMBS[name]()
    path = tmp_path / f"bomb.{kind}"
    path.write_bytes(content)
    del content
    code, megabytes, stderr = run_limited(["lint", "--dataset", str(path)], tmp_path)
    assert code in (0, 1, 2), stderr
    assert "Traceback" not in stderr
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


def run_limited(arguments: list[str], folder: Path, seconds: float = 120) -> tuple[int, float, str]:
    """Return exit code, peak resident megabytes and stderr of a command that may address 8 GB."""
    command = [sys.executable, "-c", LIMITED, *arguments]
    done = subprocess.run(command, cwd=folder, timeout=seconds, check=False, capture_output=True)
    peak = int((folder / "peak.txt").read_text()) / 1024
    return done.returncode, peak, done.stderr.decode(errors="replace")


def sampled(files: list[Malformed]) -> Iterator[Malformed]:
    """Yield every 25th file, and so some of every kind, base and group of mutations."""
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
        code, megabytes, stderr = run_limited([*arguments, "--dataset", path.name], tmp_path)
        assert code in (0, 1, 2), f"{file.name}: {arguments[0]} ended with {code}: {stderr[-2000:]}"
        assert "Traceback" not in stderr, f"{file.name}: {stderr[-2000:]}"
        assert megabytes < MEGABYTES, file.name
        assert stderr.startswith("error: ") == (code == 2), f"{file.name}: {stderr[:500]}"
        assert (tmp_path / "results").exists() == (arguments[0] == "fit" and code != 2), file.name
