"""Stamps of finished commands: nothing has changed, before a heavy library is loaded.

A stamp is a file in the cache, under a hash of all choices. It has the hash of every file that the
command read or wrote, and null for a file that was looked for and absent.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bayesmeta.infrastructure.code import code_fingerprint
from bayesmeta.infrastructure.files import (
    cache_folder,
    file_sha256,
    remove_unfinished_files,
    write_whole,
)


def keep_stamp(choices: Any, files: Iterable[Path], content: Any) -> None:
    """Keep `content` (JSON) of a finished command, with the state of its files.

    `choices`: JSON; the state of the code is added. A cache that cannot be written keeps nothing.
    """
    state = {str(path.resolve()): _hash(path) for path in files}
    path = _path(choices)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_unfinished_files(path.parent)
        write_whole(path, json.dumps({"files": state, "content": content}).encode())
    except OSError:
        return


def find_stamp(choices: Any) -> Any | None:
    """Return the content that was kept, or None if none was, or if code or files have changed."""
    try:
        stamp = json.loads(_path(choices).read_text(encoding="utf-8"))
        files = stamp["files"]
        unchanged = all(_hash(Path(path)) == value for path, value in files.items())
        return stamp["content"] if unchanged else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _path(choices: Any) -> Path:
    text = json.dumps([choices, code_fingerprint(with_templates=True)], sort_keys=True)
    return cache_folder() / "stamps" / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def _hash(path: Path) -> str | None:
    return file_sha256(path) if path.is_file() else None
