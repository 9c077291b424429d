"""`bayesmeta fit` for directions without effect sizes."""

from bayesmeta.commands.console.estimates import print_directions
from bayesmeta.commands.fit import sample
from bayesmeta.commands.options import Sampling
from bayesmeta.commands.outcome import Outcome
from bayesmeta.commands.run import Task
from bayesmeta.output.folders.ordinal import direction_tables, write_direction_figures


def compute(task: Task[Sampling]) -> Outcome:
    """Sample the posterior of an ordered logit and summarise it."""
    return sample(task, direction_tables, write_direction_figures, print_directions)
