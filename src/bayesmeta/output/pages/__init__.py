"""Self-contained HTML pages: prose from templates, numbers from tables, figures inside."""

from bayesmeta.output.pages.check import check_page
from bayesmeta.output.pages.checklist import checklist_table
from bayesmeta.output.pages.comparison import comparison_page
from bayesmeta.output.pages.directions import directions_page
from bayesmeta.output.pages.facts import facts_table
from bayesmeta.output.pages.provenance_tables import refused_if_changed
from bayesmeta.output.pages.report import report_page
from bayesmeta.output.pages.results import Results, read_results
from bayesmeta.output.pages.sections import CAPTIONS
