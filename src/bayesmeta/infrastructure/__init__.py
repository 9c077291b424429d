"""What any program needs: jobs, provenance, progress, files, errors."""
