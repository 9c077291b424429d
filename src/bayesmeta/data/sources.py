"""Raw files: the search for them, their verification and their download.

`data/sources.toml` lists every file with its pinned address, SHA-256 and licence. A file is
searched for in the folder `$BAYESMETA_DATA`, then in the search folders of that list, then in the
user's cache; then it is downloaded.
"""

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from bayesmeta.infrastructure.errors import BadInput, DataMissing
from bayesmeta.infrastructure.files import file_sha256, root

FOLDER_VARIABLE = "BAYESMETA_DATA"
TIMEOUT = (2.0, 30.0)  # seconds to connect to an address, and between two packets


@dataclass(frozen=True)
class Source:
    """A raw file on this machine.

    Attributes
    ----------
    name, path, sha256 : name in `data/sources.toml`, place, and hash of the content that was read.
    found_in : the search folder as configured, not as resolved, so that it does not name a machine.
    final : the authors' last version, supplied by the user: its hash is recorded, not verified.
    """

    name: str
    path: Path
    sha256: str
    found_in: str
    final: bool = False

    def record(self) -> dict[str, str]:
        """Return the entry of the provenance: name, sha256, found_in."""
        return {"name": self.name, "sha256": self.sha256, "found_in": self.found_in}


@cache
def register() -> dict[str, Any]:
    """Return `data/sources.toml` as read: `search` and `files`."""
    return tomllib.loads((root() / "data" / "sources.toml").read_text(encoding="utf-8"))


def downloads_folder() -> Path:
    """Return the folder of downloads: `$BAYESMETA_DATA`, or the user's cache."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("bayesmeta")


def locate(key: str) -> Source:
    """Return a file of `data/sources.toml` by its key, verified, downloaded if it is not here.

    The authors' final version is returned if a user has put it into a search folder. Raise BadInput
    if the file has not the pinned hash, or is absent and cannot be downloaded.
    """
    return find(key) or _download(register()["files"][key])


def find(key: str) -> Source | None:
    """Return a file like `locate`, but never download it: None if it is not here."""
    entry = register()["files"][key]
    if "final" in entry and (source := _find(entry["final"], final=True)):
        return source
    source = _find(entry["name"])
    return _verified(source, entry) if source else None


def candidates() -> list[Path]:
    """Return every place where a file of `data/sources.toml` is looked for, whether it exists."""
    entries = register()["files"].values()
    names = [entry[kind] for entry in entries for kind in ("final", "name") if kind in entry]
    subfolders = register()["search"]["subfolders"]
    folders = [folder / part for _, folder in _search_folders() for part in subfolders]
    return [folder / name for folder in folders for name in names]


def _search_folders() -> Iterator[tuple[str, Path]]:
    if os.environ.get(FOLDER_VARIABLE):
        yield FOLDER_VARIABLE, downloads_folder()
    for folder in register()["search"]["folders"]:
        yield folder, Path.cwd() / folder
        yield folder, root() / folder
    yield "user cache", downloads_folder()


def _find(name: str, *, final: bool = False) -> Source | None:
    for label, folder in _search_folders():
        for subfolder in register()["search"]["subfolders"]:
            path = folder / subfolder / name
            if path.is_file():
                place = f"{label}/{subfolder}".rstrip("/")
                return Source(name, path, file_sha256(path), place, final)
    return None


def _verified(source: Source, entry: dict[str, Any]) -> Source:
    if source.sha256 != entry["sha256"]:
        raise BadInput(
            f"{source.name!r} in {source.found_in} is not the pinned file: its SHA-256 is "
            f"{source.sha256}, expected {entry['sha256']}; delete it to have it downloaded again, "
            f"or replace it by {entry['url']}"
        )
    return source


def _download(entry: dict[str, Any]) -> Source:
    import pooch  # imported late: most runs do not download

    pooch.get_logger().setLevel("WARNING")
    try:
        path = pooch.retrieve(
            url=entry["url"],
            known_hash=f"sha256:{entry['sha256']}",
            fname=entry["name"],
            path=downloads_folder(),
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT),
        )
    except (OSError, ValueError) as error:
        network = isinstance(error, OSError)
        reason = type(error).__name__ if network else "the downloaded file has another hash"
        raise DataMissing(_ways_to_get(entry, reason)) from error
    source = Source(entry["name"], Path(path), file_sha256(Path(path)), "downloaded")
    return _verified(source, entry)


def _ways_to_get(entry: dict[str, Any], reason: str) -> str:
    search = register()["search"]["folders"]
    folders = ", ".join([f"${FOLDER_VARIABLE}", *search, "the user cache"])
    return (
        f"{entry['name']!r} is in none of {folders}, and its download failed ({reason}). Either\n"
        f"- put it into data/raw (SHA-256 {entry['sha256']}), or\n"
        f"- run again with a network connection, it comes from {entry['url']}, or\n"
        "- use the synthetic twin, which needs no raw data: --dataset preclinical-twin"
    )
