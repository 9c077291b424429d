"""Raw files: where they are looked for, how they are verified, and how they are downloaded.

`data/sources.toml` lists every file with its pinned address, SHA-256 and licence. A file is looked for in
the folder `$BAYESMETA_DATA`, then in the search folders of that list, then in the user's cache; then it is
downloaded.
"""

import hashlib
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from bayesmeta.infrastructure.errors import BadInput, DataMissing
from bayesmeta.infrastructure.files import root

FOLDER_VARIABLE = "BAYESMETA_DATA"
TIMEOUT = (2.0, 30.0)  # seconds to connect to an address, and between two packets


@dataclass(frozen=True)
class Source:
    """A raw file that was found.

    Attributes
    ----------
    name : file name, as in `data/sources.toml`.
    path : where it lies.
    sha256 : hash of what was read.
    found_in : the search folder as configured, not as resolved, so that it names no machine.
    final : the authors' last version, supplied by the user; its hash is recorded but was not verified.
    """

    name: str
    path: Path
    sha256: str
    found_in: str
    final: bool = False

    def record(self) -> dict[str, str]:
        """What provenance keeps of it: name, sha256, found_in."""
        return {"name": self.name, "sha256": self.sha256, "found_in": self.found_in}


@cache
def register() -> dict[str, Any]:
    """`data/sources.toml` as read: `search` and `files`."""
    return tomllib.loads((root() / "data" / "sources.toml").read_text(encoding="utf-8"))


def cache_folder() -> Path:
    """Folder that downloads go to: `$BAYESMETA_DATA`, or the user's cache."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("bayesmeta")


def locate(key: str) -> Source:
    """Find a file of `data/sources.toml` by its key, verify it, download it if it is nowhere.

    Returns
    -------
    Source. The authors' final version of the file is preferred where a user has put it into a search folder.

    Raises
    ------
    BadInput
        The file has another hash than the pinned one, or it is absent and cannot be downloaded.
    """
    return find(key) or _download(register()["files"][key])


def find(key: str) -> Source | None:
    """Like `locate`, without a download: None where the file is nowhere."""
    entry = register()["files"][key]
    if "final" in entry and (found := _find(entry["final"])):
        folder, path = found
        return Source(entry["final"], path, _sha256(path), folder, final=True)
    if found := _find(entry["name"]):
        folder, path = found
        return _verified(Source(entry["name"], path, _sha256(path), folder), entry)
    return None


def _places() -> Iterator[tuple[str, Path]]:
    if os.environ.get(FOLDER_VARIABLE):
        yield FOLDER_VARIABLE, cache_folder()
    for folder in register()["search"]["folders"]:
        yield folder, Path.cwd() / folder
        yield folder, root() / folder
    yield "user cache", cache_folder()


def _find(name: str) -> tuple[str, Path] | None:
    for label, folder in _places():
        for sub in register()["search"]["subfolders"]:
            path = folder / sub / name
            if path.is_file():
                return f"{label}/{sub}".rstrip("/"), path
    return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _verified(source: Source, entry: dict[str, Any]) -> Source:
    if source.sha256 != entry["sha256"]:
        raise BadInput(
            f"{source.name!r} in {source.found_in} is not the pinned file: its SHA-256 is {source.sha256}, "
            f"expected {entry['sha256']}; delete it to have it downloaded again, or replace it by "
            f"{entry['url']}"
        )
    return source


def _download(entry: dict[str, Any]) -> Source:
    import pooch  # kept out of the start: most runs find their files

    pooch.get_logger().setLevel("WARNING")
    try:
        path = pooch.retrieve(
            url=entry["url"],
            known_hash=f"sha256:{entry['sha256']}",
            fname=entry["name"],
            path=cache_folder(),
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT),
        )
    except (OSError, ValueError) as error:
        raise DataMissing(_how_to_get(entry, error)) from error
    return _verified(Source(entry["name"], Path(path), _sha256(Path(path)), "downloaded"), entry)


def _how_to_get(entry: dict[str, Any], error: Exception) -> str:
    folders = ", ".join([f"${FOLDER_VARIABLE}", *register()["search"]["folders"], "the user cache"])
    why = type(error).__name__ if isinstance(error, OSError) else "what came has another hash"
    return (
        f"{entry['name']!r} is in none of {folders}, and its download failed ({why}). Either\n"
        f"- put it into data/raw (SHA-256 {entry['sha256']}), or\n"
        f"- run again with a network connection, it comes from {entry['url']}, or\n"
        "- use the synthetic twin, which needs no raw data: --dataset preclinical-twin"
    )
