"""Services that do not depend on statistics: jobs, provenance, progress, files, errors."""
