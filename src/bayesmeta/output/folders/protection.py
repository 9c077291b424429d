"""Results that exist are kept: from other inputs, and from a second run into their folder."""

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
    for path in sorted(out.glob("provenance*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not isinstance(record, dict) or record.get(KEY, choices[KEY]) == choices[KEY]:
            continue
        made = f"{record.get('dataset')}, {record.get('model')}, {record.get('created')}"
        raise BadInput(
            f"{out} holds results of other data or another model ({made}); give another folder by "
            f"--out, or replace them: {command_line()} --overwrite"
        )


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
