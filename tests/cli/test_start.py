"""Commands that sample nothing by NUTS start neither JAX nor PyMC: seconds of the user's wait."""

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
from bayesmeta.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert ended.code == 0, ended.code
print(*{"jax", "numpyro", "pymc", "pytensor"} & set(sys.modules), sep=",", file=sys.stderr)
"""


@pytest.mark.wide
@pytest.mark.parametrize(
    "verb", ["fit", *(pytest.param(x, marks=pytest.mark.slow) for x in ("compare", "lint"))]
)
def test_no_compiler_is_started(verb: str, tmp_path: Path) -> None:
    options = ["--sampler", "quadrature", "--draws", "500"] if verb == "fit" else []
    table = tmp_path / "mine.csv"
    rows = [f"s{study},{effect},.1" for study in range(6) for effect in (0.1 * study, 0.3)]
    table.write_text("study,yi,vi\n" + "\n".join(rows))
    done = subprocess.run(
        [sys.executable, "-c", CODE, verb, "--dataset", str(table), *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == ""
