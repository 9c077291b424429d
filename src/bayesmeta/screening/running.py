"""How the jobs of a screening run: progress, processes, and where finished tables are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bayesmeta.infrastructure.jobs import Finished, Job, run_jobs
from bayesmeta.infrastructure.progress import Steps


@dataclass(frozen=True)
class JobOptions:
    """Options of `jobs.run_jobs`."""

    steps: Steps | None = None
    workers: int | None = None
    dask: str | None = None
    cache: Path | None = None

    def run(self, jobs: Sequence[Job], title: str) -> Finished:
        """Run jobs with these options."""
        return run_jobs(
            jobs,
            steps=self.steps,
            title=title,
            workers=self.workers,
            dask=self.dask,
            cache=self.cache,
        )


DEFAULT = JobOptions()
