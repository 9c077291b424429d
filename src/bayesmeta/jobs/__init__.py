"""Many independent refits at once, each kept as soon as it is done: on this machine or on a Dask cluster."""

from bayesmeta.jobs.fingerprint import code_fingerprint, fingerprint
from bayesmeta.jobs.running import Finished, run_jobs
from bayesmeta.jobs.workers import Job

__all__ = ["Finished", "Job", "code_fingerprint", "fingerprint", "run_jobs"]
