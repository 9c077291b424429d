"""A folder of results is complete or absent, whenever the process ends."""

import glob
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.exchange import exchange
from bayesmeta.infrastructure.interrupts import remove_at_end, uninterrupted
from bayesmeta.output.folders.protection import is_record, only_run, outdated_files

LEFT = ".{}.bayesmeta-*"  # the names of staged folders, by which a later run finds what is left
_UNFINISHED: dict[Path, list[Path]] = {}  # staged folders, with folders that they made necessary


@contextmanager
def staging(out: Path, without: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield a folder beside `out`; its files are in `out` if the block succeeds.

    Older results that they replace are then gone (`protection.outdated_files`), and so are the
    files `without`; other files of `out` stay. If the block fails, the folder is removed and `out`
    is left as it was. If the process is killed, `out` is as it was or complete; what is left of
    the staged folder is removed by the next run. Raise BadInput if `out` cannot be written (not a
    folder, no permission, no space left), or if another process writes into it.
    """
    place = out.resolve()
    missing = [folder for folder in (place, *place.parents) if not folder.exists()]
    try:
        if place.exists() and not place.is_dir():
            raise NotADirectoryError(20, "a file of that name exists")
        with only_run(out) as is_locked:
            if is_locked:
                _remove_left(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            staged = place.with_name(LEFT.format(place.name)[:-1] + secrets.token_hex(4))
            _UNFINISHED[staged] = missing
            try:
                staged.mkdir()
                yield staged
                gone = {place / path.relative_to(out) for path in without}
                _replace(staged, place, gone)
            finally:
                with uninterrupted():
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
        taken = staged.with_name(f"{staged.name}-ended")
        with suppress(OSError):
            staged.rename(taken)  # the block may still run, and then does not find it
        shutil.rmtree(taken, ignore_errors=True)
        _remove_empty(missing)


def _remove_left(out: Path) -> None:
    """Remove the staged folders of runs that were killed; no other run writes to `out` now."""
    for folder in out.parent.glob(LEFT.format(glob.escape(out.name))):
        if folder not in _UNFINISHED:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # another process may write there, or has removed it
            folder.rmdir()


def _replace(staged: Path, out: Path, gone: set[Path]) -> None:
    """Put the staged files in the place of older ones, in a single step if the system can."""
    with uninterrupted():
        if not out.exists():
            staged.rename(out)
            return
        files = sorted(path for path in staged.rglob("*") if path.is_file())
        moves = {file: out / file.relative_to(staged) for file in files}
        outdated = (set(outdated_files(out, staged)) | gone) - set(moves.values())
        if not _holds_current_folder(out):
            shutil.copymode(out, staged)
            _link(out, staged, outdated | set(moves.values()))
            if exchange(staged, out):
                return
        _move(moves, outdated, out)


def _holds_current_folder(out: Path) -> bool:
    """Return whether this process, and so likely the user's shell, works in the folder."""
    try:
        return Path.cwd().is_relative_to(out)
    except FileNotFoundError:
        return False


def _link(old: Path, new: Path, gone: set[Path]) -> None:
    """Add to `new` the content of `old` that is not `gone`, folders that become empty excepted."""
    for path in old.iterdir():
        target = new / path.name
        if path.match(LEFT.format("*")):
            continue  # left in `old` by a run into a folder of it
        if path.is_dir() and not path.is_symlink():
            added = not target.exists()
            target.mkdir(exist_ok=True)
            shutil.copymode(path, target)
            _link(path, target, gone)
            if added and any(path.iterdir()):
                _remove_empty([target])
        elif path not in gone:
            try:
                os.link(path, target, follow_symlinks=False)
            except FileExistsError:
                raise
            except OSError:  # a file system without links, or a file of another user
                shutil.copy2(path, target, follow_symlinks=False)


def _move(moves: dict[Path, Path], outdated: set[Path], out: Path) -> None:
    """Move file by file: without records first, which come last, no half of results has one."""
    for file in sorted(outdated | set(moves.values()), key=is_record, reverse=True):
        if (file in outdated or is_record(file)) and file.is_file():
            file.unlink()
    for file, target in sorted(moves.items(), key=lambda move: is_record(move[1])):
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
    for file in outdated:
        for folder in file.parents:
            if out in folder.parents:
                _remove_empty([folder])


remove_at_end(remove_unfinished)
