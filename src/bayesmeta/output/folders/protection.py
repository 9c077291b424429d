"""Results that exist: kept from other inputs and from a second run, replaced completely."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import cache_folder
from bayesmeta.infrastructure.provenance import command_line

KEY = "analysis_sha256"  # in a provenance: the hash of table and model, whatever the code


def refuse_other_results(out: Path, choices: Mapping[str, Any]) -> None:
    """Raise BadInput if a folder holds results of another table or model."""
    for record in _records(out).values():
        if record.get(KEY, choices[KEY]) == choices[KEY]:
            continue
        made = f"{record.get('dataset')}, {record.get('model')}, {record.get('created')}"
        raise BadInput(
            f"{out} holds results of other data or another model ({made}); give another folder by "
            f"--out, or replace them: {command_line()} --overwrite"
        )


def outdated_files(out: Path, new: Path) -> list[Path]:
    """Return the files of `out` that the results in the folder `new` replace, by their records.

    They are the results of the same commands, and all results of another table or model; a file
    that a remaining record lists, or no record, stays.
    """
    records = _records(new)
    keys = {record[KEY] for record in records.values() if KEY in record}
    outdated: set[str] = set()
    kept: set[str] = set()
    for name, record in _records(out).items():
        changed = bool(keys) and KEY in record and record[KEY] not in keys
        files = outdated if name in records or changed else kept
        files |= {name, *record.get("outputs", ())}
    paths = [out / name for name in sorted(outdated - kept)]
    return [path for path in paths if path.resolve().is_relative_to(out.resolve())]


def _records(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the records of provenance in a folder by file name, without unreadable ones."""
    records = {}
    for path in sorted(folder.glob("provenance*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict):
            records[path.name] = record
    return records


@contextmanager
def only_run(out: Path) -> Iterator[None]:
    """Keep other runs out of a folder; the system frees it when this process ends, however.

    Raise BadInput if another process writes into it.
    """
    name = hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:20]
    locks = cache_folder() / "locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / f"{name}.lock", timeout=0, is_singleton=True)
        lock.acquire()
    except Timeout as error:
        advice = "wait until it has ended, or give another folder by --out"
        raise BadInput(f"another run of bayesmeta is writing to {out}; {advice}") from error
    except OSError:  # a system without a cache that can be written runs without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()
