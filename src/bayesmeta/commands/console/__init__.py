"""Everything that commands print: the data first, then the results, then the files."""

from bayesmeta.commands.console.estimates import (
    direction_lines,
    print_comparison,
    print_directions,
    print_fit,
    print_report,
)
from bayesmeta.commands.console.printer import Printer, print_data
from bayesmeta.commands.console.robustness import (
    print_check,
    print_lint,
    print_multiverse,
    print_plan,
)
from bayesmeta.commands.console.tables import (
    print_columns,
    print_conclusions,
    print_predictions,
    print_screen,
    print_sizes,
)
