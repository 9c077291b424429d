"""Tables to a self-contained HTML page: prose in templates, numbers from tables, figures inside."""

from bayesmeta.pages.check import check_page
from bayesmeta.pages.checklist import checklist_table
from bayesmeta.pages.comparison import comparison_page
from bayesmeta.pages.directions import directions_page
from bayesmeta.pages.facts import facts_table
from bayesmeta.pages.rendering import PICTURES, number
from bayesmeta.pages.report import report_page
from bayesmeta.pages.results import Results, read_results

__all__ = [
    "PICTURES",
    "Results",
    "check_page",
    "checklist_table",
    "comparison_page",
    "directions_page",
    "facts_table",
    "number",
    "read_results",
    "report_page",
]
