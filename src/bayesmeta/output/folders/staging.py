"""A folder of results is complete or not there; what every command writes into one."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import hashes, write_json


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place, file by file, when the block ends well, and else vanishes.

    Raises
    ------
    BadInput
        `out` cannot be written: not a folder, no permission, no space left.
    """
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        if out.exists() and not out.is_dir():
            raise NotADirectoryError(20, "a file of that name exists")
        out.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            yield staged
            _move(staged, out)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except BaseException as error:
        for folder in missing:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        if isinstance(error, OSError):
            raise BadInput(
                f"cannot write to {out}: {error.strerror or error}; name another folder with --out"
            ) from error
        raise


def _move(staged: Path, out: Path) -> None:
    for file in sorted(path for path in staged.rglob("*") if path.is_file()):
        target = out / file.relative_to(staged)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables/*.csv by name."""
    (folder / "tables").mkdir()
    for name, table in tables.items():
        table.to_csv(folder / "tables" / f"{name}.csv", index=False)


def write_provenance(path: Path, provenance: Mapping[str, Any], steps: Steps) -> None:
    """Write where a folder came from, with timings and the hash of every file in it so far."""
    write_json(path, {**provenance, "timings": steps.seconds, "outputs": hashes(path.parent)})


def labels_of(provenance: Mapping[str, Any]) -> tuple[str, str]:
    """Source line and title of a figure."""
    title = f"{provenance['dataset']}, {provenance['model']}"
    seed = "" if provenance["seed"] is None else f", seed {provenance['seed']}"
    return f"bayesmeta {provenance['versions']['bayesmeta']}, {title}{seed}, {provenance['created']}", title
