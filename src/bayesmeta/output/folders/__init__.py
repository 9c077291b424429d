"""Which tables and figures exist and where they go."""

from bayesmeta.output.folders.check import write_check
from bayesmeta.output.folders.comparison import write_comparison
from bayesmeta.output.folders.data import write_data
from bayesmeta.output.folders.fit import fit_tables, write_figures, write_fit, write_tree
from bayesmeta.output.folders.page import write_directions_report, write_report
from bayesmeta.output.folders.predict import write_predict
from bayesmeta.output.folders.screen import write_screen
from bayesmeta.output.folders.staging import staging, write_provenance, write_tables

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
