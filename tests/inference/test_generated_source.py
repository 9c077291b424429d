"""A run by NUTS leaves no temporary files: PyTensor writes its functions to the cache."""

from pathlib import Path

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayesmeta.inference.generated_source import keep_generated_source

pytestmark = pytest.mark.skipif(
    not hasattr(pytensor.config, "generated_src_dir"), reason="PyTensor before 3.3"
)


def test_functions_are_written_to_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    before = pytensor.config.generated_src_dir
    try:
        keep_generated_source()
        x = pt.dvector("x")
        square = pytensor.function([x], x**2 + 1, mode="JAX")
        assert square(np.array([3.0])) == 10
    finally:
        pytensor.config.generated_src_dir = before
    assert len(list((tmp_path / "cache" / "pytensor").glob("*.py"))) == 1
    assert list((tmp_path / "temporary").iterdir()) == []


def test_without_a_cache_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "file"))
    before = pytensor.config.generated_src_dir
    keep_generated_source()
    assert pytensor.config.generated_src_dir == before
