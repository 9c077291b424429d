"""Options of the commands, declared once: type, default, range and help.

The command line makes a flag of every annotated field (`cli.app.command`), and Python refuses the
same values.
"""

from bayesmeta.commands.options.declaring import Options
from bayesmeta.commands.options.plotting import Plotting
from bayesmeta.commands.options.shared import (
    Cluster,
    Machine,
    Output,
    Reporting,
    Request,
    Sampling,
    ScreenRequest,
    Shown,
)
from bayesmeta.commands.options.specific import (
    Averaging,
    Calibration,
    Catalogue,
    Comparison,
    Draft,
    Interpretation,
    Listing,
    Prediction,
    Scope,
    Screening,
    Search,
    counts,
)
