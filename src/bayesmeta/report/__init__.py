"""Which tables and figures exist and where they go."""

from bayesmeta.report.check import write_check
from bayesmeta.report.comparison import write_comparison
from bayesmeta.report.data import write_data
from bayesmeta.report.fit import fit_tables, write_figures, write_fit, write_tree
from bayesmeta.report.folders import staging, write_provenance, write_tables
from bayesmeta.report.page import write_directions_report, write_report
from bayesmeta.report.predict import write_predict
from bayesmeta.report.screen import write_screen

__all__ = [
    "fit_tables",
    "staging",
    "write_check",
    "write_comparison",
    "write_data",
    "write_directions_report",
    "write_figures",
    "write_fit",
    "write_predict",
    "write_provenance",
    "write_report",
    "write_screen",
    "write_tables",
    "write_tree",
]
