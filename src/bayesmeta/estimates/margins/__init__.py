"""Predictions for new rows: means over a reference grid, their contrasts, new studies.

::

    grid = reference_grid(tree, {"dose": [1, 2, 5]})
    predicted_table(tree, grid)           means, and intervals for the true effects of new studies
    marginal_table(tree, "dose")          the means by dose, averaged over the rest of the grid
    pairs_table(tree, marginal_weights(tree, "dose"))    their differences

Everything is read from posterior.nc: the saved design has the columns of the moderators, from which
the formula is coded again for new rows.
"""

from bayesmeta.estimates.margins.absolute import absolute_table, parse_baselines
from bayesmeta.estimates.margins.at import parse_at
from bayesmeta.estimates.margins.averages import marginal_weights, pairwise
from bayesmeta.estimates.margins.curves import (
    Curves,
    axes_of,
    conditional_table,
    curves_along,
    points_table,
    undrawn_moderators,
)
from bayesmeta.estimates.margins.grid import reference_grid
from bayesmeta.estimates.margins.moderators import Moderators, moderators_of
from bayesmeta.estimates.margins.new_rows import row_labels, row_weights, typed_rows
from bayesmeta.estimates.margins.tables import marginal_table, pairs_table, predicted_table
