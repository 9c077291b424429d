"""A folder of results is complete or absent."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.interrupts import remove_at_end, uninterrupted
from bayesmeta.output.folders.protection import outdated_files

_UNFINISHED: dict[Path, list[Path]] = {}  # staged folders, with folders that they made necessary


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """Yield a folder beside `out`; its files are moved to `out` if the block succeeds.

    Older results that they replace are removed then (`protection.outdated_files`).
    If the block fails, the folder is removed and `out` is left as it was. Raises BadInput if `out`
    cannot be written: not a folder, no permission, no space left.
    """
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        if out.exists() and not out.is_dir():
            raise NotADirectoryError(20, "a file of that name exists")
        out.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        _UNFINISHED[staged] = missing
        try:
            yield staged
            _move(staged, out)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
            del _UNFINISHED[staged]
    except BaseException as error:
        _remove_empty(missing)
        if isinstance(error, OSError):
            why = error.strerror or error
            raise BadInput(f"cannot write to {out}: {why}; give another folder by --out") from error
        raise


def remove_unfinished() -> None:
    """Remove the folders of all blocks that are not finished, before the process is ended."""
    for staged, missing in list(_UNFINISHED.items()):
        shutil.rmtree(staged, ignore_errors=True)
        _remove_empty(missing)


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _move(staged: Path, out: Path) -> None:
    with uninterrupted():
        files = sorted(path for path in staged.rglob("*") if path.is_file())
        moves = {file: out / file.relative_to(staged) for file in files}
        outdated = set(outdated_files(out, staged)) - set(moves.values())
        for file, target in moves.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
        for file in outdated:
            file.unlink(missing_ok=True)
            _remove_empty([folder for folder in file.parents if out in folder.parents])


remove_at_end(remove_unfinished)
