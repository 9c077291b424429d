"""The page: counts of tries by part and kind."""

from benchmarks.faults.journal import Journal


def page_of(journal: Journal) -> str:
    """Return the page."""
    return ""
