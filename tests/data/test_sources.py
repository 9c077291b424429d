"""Raw files: searched for in order, verified, downloaded completely or not at all."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pooch
import pytest
import requests

from bayesmeta.data import sources
from bayesmeta.infrastructure.errors import BadInput

CONTENT = b"PMID\n1\n2\n"
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a machine with a single known file that is nowhere yet, and an empty cache."""
    entry = {
        "name": "list.csv",
        "url": "http://127.0.0.1:9/list.csv",
        "sha256": SHA,
        "final": "osf/list.csv",
    }
    search = {"folders": ["data/raw", "../shared/data"], "subfolders": ["", "trace"]}
    monkeypatch.setattr(sources, "register", lambda: {"search": search, "files": {"list": entry}})
    monkeypatch.setattr(sources, "root", lambda: tmp_path / "project")
    monkeypatch.setattr(sources, "user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.delenv(sources.FOLDER_VARIABLE, raising=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def offline(**_: object) -> str:
    raise requests.exceptions.ConnectionError("ConnectionError")


def test_every_registered_file_has_a_pinned_address_a_hash_and_a_licence() -> None:
    files = sources.register()["files"]
    assert len(files) == 9
    for entry in files.values():
        assert entry["url"].startswith("https://raw.githubusercontent.com/mscsep/TRACE/")
        assert len(entry["url"].split("/")[5]) == 40, "address must be pinned to a commit"
        assert set(entry["sha256"]) <= set("0123456789abcdef")
        assert len(entry["sha256"]) == 64
        assert entry["licence"] == "MIT"


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("project/data/raw", "data/raw"),
        ("elsewhere/data/raw", "data/raw"),
        ("shared/data/trace", "../shared/data/trace"),
        ("cache", "user cache"),
    ],
)
def test_found_in_every_search_folder(place: Path, folder: str, label: str) -> None:
    path = put(place / folder / "list.csv")
    source = sources.locate("list")
    assert source.path.samefile(path)
    assert source.record() == {"name": "list.csv", "sha256": SHA, "found_in": label}


def test_own_folder_comes_first(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(place / "project/data/raw/list.csv")
    mine = put(place / "mine/list.csv")
    monkeypatch.setenv(sources.FOLDER_VARIABLE, str(place / "mine"))
    source = sources.locate("list")
    assert source.path == mine
    assert source.found_in == sources.FOLDER_VARIABLE


def test_final_sheet_is_preferred_and_its_hash_recorded(place: Path) -> None:
    put(place / "project/data/raw/list.csv")
    put(place / "project/data/raw/osf/list.csv", b"final")
    source = sources.locate("list")
    assert source.final
    assert source.record() == {
        "name": "osf/list.csv",
        "sha256": hashlib.sha256(b"final").hexdigest(),
        "found_in": "data/raw",
    }


def test_wrong_hash_is_refused(place: Path) -> None:
    put(place / "project/data/raw/list.csv", CONTENT[:-3])
    with pytest.raises(BadInput) as error:
        sources.locate("list")
    for part in (
        "'list.csv' in data/raw",
        SHA,
        hashlib.sha256(CONTENT[:-3]).hexdigest(),
        "delete it",
    ):
        assert part in str(error.value)


def test_offline_says_three_ways(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooch, "retrieve", offline)
    with pytest.raises(BadInput) as error:
        sources.locate("list")
    for part in (
        "list.csv",
        "data/raw",
        "http://127.0.0.1:9/list.csv",
        "--dataset preclinical-twin",
        "ConnectionError",
    ):
        assert part in str(error.value)


@pytest.fixture
def server(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Yield what a server on this machine sends in place of the file that it announces."""
    sent = {"body": CONTENT}

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(sent["body"])

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    sources.register()["files"]["list"]["url"] = f"http://127.0.0.1:{running.server_port}/list.csv"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield sent
    running.shutdown()
    running.server_close()


def test_downloads_into_the_cache(place: Path, server: dict[str, bytes]) -> None:
    source = sources.locate("list")
    assert source.record() == {"name": "list.csv", "sha256": SHA, "found_in": "downloaded"}
    assert (place / "cache/list.csv").read_bytes() == CONTENT
    assert sources.locate("list").found_in == "user cache"


@pytest.mark.parametrize("body", [CONTENT[:4], CONTENT[::-1]], ids=["cut off", "wrong"])
def test_a_failed_download_leaves_nothing(
    place: Path, server: dict[str, bytes], body: bytes
) -> None:
    server["body"] = body
    with pytest.raises(BadInput, match="download failed"):
        sources.locate("list")
    assert [path for path in (place / "cache").rglob("*") if path.is_file()] == []


def test_find_never_downloads(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooch, "retrieve", offline)
    assert sources.find("list") is None
