"""How the jobs of a screening run: progress, processes, and where finished tables are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job, run_jobs
from bayesmeta.infrastructure.progress import Steps


@dataclass(frozen=True)
class JobOptions:
    """Options of `jobs.run_jobs`."""

    steps: Steps | None = None
    workers: int | None = None
    cache: Path | None = None

    def run_all(self, jobs: Sequence[Job], title: str) -> list[pd.DataFrame]:
        """Run jobs; return their tables in this order, or raise BadInput if a job is refused."""
        done = run_jobs(jobs, title=title, **vars(self))
        if done.refused:
            raise BadInput(next(iter(done.refused.values())))
        return list(done.tables.values())


DEFAULT = JobOptions()
