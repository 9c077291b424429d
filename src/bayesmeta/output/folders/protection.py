"""Results that exist: kept from other inputs and from a second run, replaced completely."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import cache_folder, file_sha256
from bayesmeta.infrastructure.provenance import command_line

RECORDS = "provenance*.json"
PAGE = "provenance-report.json"  # the record of a page that shows the results of other commands
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

    They are the results of the same commands, all results of another table or model, and the page
    of a report, which shows what is replaced; a file that a remaining record lists, or no record,
    stays.
    """
    records = _records(new)
    before = _records(out)
    keys = [record[KEY] for record in records.values() if KEY in record]
    outdated = records.keys() & before.keys()
    if outdated:
        outdated |= {PAGE}
    if keys:
        outdated |= {name for name, old in before.items() if old.get(KEY, keys[0]) not in keys}
    return _files_of(outdated, before, out)


def page_files(out: Path) -> list[Path]:
    """Return the files of the page of a report in a folder, its record among them."""
    return _files_of({PAGE}, _records(out), out)


def check_listed(path: Path) -> bool:
    """Return whether a record beside a file lists it; raise BadInput if with another hash."""
    digests = [
        record["outputs"][path.name]
        for record in _records(path.parent).values()
        if path.name in _outputs(record)
    ]
    if digests and file_sha256(path) not in digests:
        problem = f"{path} is not the file that its provenance lists: it was changed or damaged"
        raise BadInput(f"{problem}; run bayesmeta fit again")
    return bool(digests)


def is_record(path: Path) -> bool:
    """Return whether a file is a record of provenance."""
    return path.match(RECORDS)


def _files_of(names: Set[str], records: Mapping[str, Any], out: Path) -> list[Path]:
    """Return these records of a folder and the files that no other record lists."""
    listed = {name: {name, *_outputs(record)} for name, record in records.items()}
    kept = {file for name, files in listed.items() if name not in names for file in files}
    gone = {file for name, files in listed.items() if name in names for file in files}
    paths = [out / file for file in sorted(gone - kept)]
    return [path for path in paths if path.resolve().is_relative_to(out.resolve())]


def _outputs(record: Mapping[str, Any]) -> list[str]:
    """Return the names of the files that a record lists; it may be damaged."""
    listed = record.get("outputs")
    return list(listed) if isinstance(listed, dict) else []


def _records(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the records of provenance in a folder by file name, without unreadable ones."""
    records = {}
    for path in sorted(folder.glob(RECORDS)):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records[path.name] = record
    return records


@contextmanager
def only_run(out: Path) -> Iterator[bool]:
    """Keep other runs out of a folder; the system frees it when this process ends, however.

    Yield whether it does: without a cache that can be written there is no lock. Raise BadInput if
    another process writes into the folder.
    """
    name = hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:20]
    locks = cache_folder() / "locks"
    lock = None
    try:
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / f"{name}.lock", timeout=0, is_singleton=True)
        lock.acquire()
    except Timeout as error:
        advice = "wait until it has ended, or give another folder by --out"
        raise BadInput(f"another run of bayesmeta is writing to {out}; {advice}") from error
    except OSError:
        lock = None
    try:
        yield lock is not None
    finally:
        if lock:
            lock.release()
