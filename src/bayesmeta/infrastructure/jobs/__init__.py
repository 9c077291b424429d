"""Independent refits in parallel, kept as soon as they are done: here or on a Dask cluster."""

from bayesmeta.infrastructure.jobs.fingerprint import fingerprint
from bayesmeta.infrastructure.jobs.job import Job
from bayesmeta.infrastructure.jobs.running import Finished, run_jobs
