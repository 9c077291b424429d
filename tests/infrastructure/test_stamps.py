"""A stamp holds while code, choices and files are as they were, and no longer."""

from pathlib import Path

import pytest

from bayesmeta.infrastructure import stamps


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAYESMETA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_stamp_holds_until_a_file_changes(tmp_path: Path) -> None:
    read, absent = tmp_path / "read.csv", tmp_path / "absent.csv"
    read.write_text("yi,vi\n1,2\n")
    assert stamps.find_stamp(["a", 1]) is None
    stamps.keep_stamp(["a", 1], [read, absent], {"code": 1})
    assert stamps.find_stamp(["a", 1]) == {"code": 1}
    assert stamps.find_stamp(["a", 2]) is None
    read.write_text("yi,vi\n1,3\n")
    assert stamps.find_stamp(["a", 1]) is None
    read.write_text("yi,vi\n1,2\n")
    assert stamps.find_stamp(["a", 1]) == {"code": 1}
    absent.write_text("is there now")
    assert stamps.find_stamp(["a", 1]) is None
    absent.unlink()
    read.unlink()
    assert stamps.find_stamp(["a", 1]) is None


def test_a_stamp_does_not_outlive_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    stamps.keep_stamp("a", [], "kept")
    assert stamps.find_stamp("a") == "kept"
    monkeypatch.setattr(stamps, "code_fingerprint", lambda **_: "other code")
    assert stamps.find_stamp("a") is None


def test_a_damaged_stamp_or_cache_is_no_stamp(cache: Path) -> None:
    stamps.keep_stamp("a", [], "kept")
    (path,) = (cache / "stamps").iterdir()
    path.write_text("{")
    assert stamps.find_stamp("a") is None
    path.unlink()
    (cache / "stamps").rmdir()
    (cache / "stamps").write_text("a file where the folder should be")
    stamps.keep_stamp("a", [], "kept")
    assert stamps.find_stamp("a") is None
