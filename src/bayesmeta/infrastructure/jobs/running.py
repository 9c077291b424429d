"""Running of the jobs that have no kept table; every new table is kept as soon as it is there.

A table is kept under a hash of the job's function and arguments and of this package's code: the
same run after an interruption continues where it stopped, and changed code or data never meet old
numbers.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import cache_folder, remove_unfinished_files, write_whole
from bayesmeta.infrastructure.jobs.fingerprint import fingerprint, function_fingerprint
from bayesmeta.infrastructure.jobs.job import Job
from bayesmeta.infrastructure.jobs.workers import attempts
from bayesmeta.infrastructure.progress import Steps

CONTENT = "content"  # attribute of a kept table: its hash, which finds a bit that has changed


class Finished(NamedTuple):
    """Tables by name of the job, and messages of the jobs that were refused."""

    tables: dict[str, pd.DataFrame]
    refused: dict[str, str]


def run_jobs(
    jobs: Sequence[Job],
    *,
    steps: Steps | None = None,
    title: str = "refitting",
    dask: str | None = None,
    workers: int | None = None,
    cache: Path | None = None,
) -> Finished:
    """Return the table of every job, and run those that have no kept table.

    Tables and refused (by BadInput, not kept) are in the order of the jobs. Any other exception,
    and Ctrl-C, end the run; tables that are done by then are kept. Raise BadInput if workers is
    below 1, no Dask cluster answers, or workers have other code than this process; ValueError if
    two jobs have the same name.

    Parameters
    ----------
    jobs : those with equal function and arguments run once.
    steps, title : a bar with this title is shown and timed.
    dask : address of a Dask scheduler, `tcp://host:8786`; its workers need the same bayesmeta.
    workers : processes with a single thread on this machine, by default as many as cores; 1, or a
        single job: in this process.
    cache : folder of the kept tables; by default `refits` in BAYESMETA_CACHE or in the user's cache
        folder.
    """
    if workers is not None and workers < 1:
        raise BadInput(f"workers is {workers}; it should be 1 or more")
    keys = _keys(jobs)
    folder = cache or _default_cache()
    remove_unfinished_files(folder)
    by_key = {keys[job.name]: job for job in jobs}
    kept = {key: _read(_path(folder, key)) for key in by_key}
    tables = {key: table for key, table in kept.items() if table is not None}
    waiting = {key: job for key, job in by_key.items() if key not in tables}
    refused = dict[str, str]()
    steps = steps or Steps()
    try:
        with (
            steps.counted(title, len(by_key), done=len(tables)) as count,
            closing(attempts(waiting, dask=dask, workers=workers)) as results,
        ):
            for key, result in results:
                if isinstance(result, BadInput):
                    refused[key] = str(result)
                else:
                    tables[key] = _keep(result, _path(folder, key))
                count(by_key[key].name)
    except BaseException:  # Ctrl-C, too
        done = sum(_path(folder, key).exists() for key in by_key)
        if steps.console and done:
            stopped = f"{title} stopped: {done} of {len(by_key)} are kept"
            steps.console.print(f"{stopped}; the same command continues")
        raise
    return Finished(_by_name(tables, keys), _by_name(refused, keys))


def _keys(jobs: Sequence[Job]) -> dict[str, str]:
    """Return the hashes of jobs by their name; raise ValueError if two have the same name."""
    names = [job.name for job in jobs]
    if len(set(names)) < len(jobs):
        raise ValueError(f"two jobs have the same name: {sorted(names)}")
    contents = [(function_fingerprint(job.function), job.arguments) for job in jobs]
    return dict(zip(names, map(fingerprint, contents), strict=True))


def _default_cache() -> Path:
    return cache_folder() / "refits"


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}.parquet"


def _read(path: Path) -> pd.DataFrame | None:
    """Return a kept table, or None if it is absent or damaged."""
    try:
        table = pd.read_parquet(path)
        content = table.attrs.pop(CONTENT)
    except Exception:  # pyarrow raises many types for a damaged file; the table is made again
        return None
    return table if fingerprint(table) == content else None


def _keep(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Keep a table, if the cache can be written; return it as the next run will read it."""
    kept = pd.read_parquet(BytesIO(table.to_parquet()))
    marked = kept.copy()
    marked.attrs = kept.attrs | {CONTENT: fingerprint(kept)}
    with suppress(OSError):  # no permission, no space: the next run makes it again
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, marked.to_parquet())
    return kept


def _by_name[Value](values: Mapping[str, Value], keys: Mapping[str, str]) -> dict[str, Value]:
    """Return values by the name of their job, in the order of the jobs."""
    return {name: values[key] for name, key in keys.items() if key in values}
