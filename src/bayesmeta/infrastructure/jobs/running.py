"""Run what is not kept yet, and keep each table as it comes.

A table is kept under a hash of the job's function and arguments and of this package's code: the same run after a kill
continues where it was, and changed code or data never meet old numbers.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import cache_folder
from bayesmeta.infrastructure.jobs.fingerprint import fingerprint, function_fingerprint
from bayesmeta.infrastructure.jobs.workers import Job, attempts
from bayesmeta.infrastructure.progress import Steps


class Finished(NamedTuple):
    """By name of the job: the tables, and why the others were refused."""

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
    """Give every job's table, running those that are not kept yet.

    Parameters
    ----------
    jobs : sequence of Job
        With names of their own; those with equal function and arguments run once.
    steps, title : Steps, str
        Shows a bar under this title and times it.
    dask : str, optional
        Address of a Dask scheduler, `tcp://host:8786`; its workers need the same bayesmeta.
    workers : int, optional
        Processes on this machine, one per core by default, with a thread each; 1, or a single job: in this process.
    cache : Path, optional
        Folder of the kept tables; by default `refits` in BAYESMETA_CACHE or in the user's cache folder.

    Returns
    -------
    Finished
        tables and refused (by BadInput, not kept), in the order of the jobs. Any other exception, and Ctrl-C, end the
        run; what is done by then is kept.

    Raises
    ------
    BadInput
        workers is below 1; no Dask cluster answers; workers have other code than this process.
    ValueError
        Two jobs have one name.
    """
    if workers is not None and workers < 1:
        raise BadInput(f"workers is {workers}; it should be 1 or more")
    steps, folder = steps or Steps(), cache or _default_cache()
    keys = {job.name: fingerprint((function_fingerprint(job.function), job.arguments)) for job in jobs}
    if len(keys) < len(jobs):
        raise ValueError(f"two jobs have one name: {sorted(job.name for job in jobs)}")
    wanted = {keys[job.name]: job for job in jobs}
    tables = {key: table for key in wanted if (table := _read(folder / f"{key}.parquet")) is not None}
    waiting, refused = {key: job for key, job in wanted.items() if key not in tables}, {}
    try:
        with (
            steps.counted(title, len(wanted), done=len(tables)) as count,
            closing(attempts(waiting, dask=dask, workers=workers)) as results,
        ):
            for key, result in results:
                if isinstance(result, BadInput):
                    refused[key] = str(result)
                else:
                    tables[key] = _keep(result, folder / f"{key}.parquet")
                count(wanted[key].name)
    except BaseException:  # Ctrl-C, too
        kept = sum((folder / f"{key}.parquet").exists() for key in wanted)
        if steps.console and kept:
            steps.console.print(f"{title} stopped: {kept} of {len(wanted)} are kept; the same command continues")
        raise
    return Finished(_by_name(tables, keys), _by_name(refused, keys))


def _default_cache() -> Path:
    return cache_folder() / "refits"


def _read(path: Path) -> pd.DataFrame | None:
    try:
        return pd.read_parquet(path)
    except Exception:  # absent, or damaged, for which pyarrow has many; it is made again
        return None


def _keep(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Write a table whole or not at all; gives what the next run will read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    table.to_parquet(unfinished)
    unfinished.replace(path)
    return pd.read_parquet(path)


def _by_name[Value](values: Mapping[str, Value], keys: Mapping[str, str]) -> dict[str, Value]:
    return {name: values[key] for name, key in keys.items() if key in values}
