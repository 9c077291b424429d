"""Figures from tidy tables: no statistic is computed here.

::

    figure = draw_means(table, xlabel="Hedges' g", title="preclinical")
    save(figure, "figures/means", table, synthetic=False, source="bayesmeta 0.1.0, seed 1")

All drawn numbers are in the table, and `save` writes it beside the picture.
"""

from bayesmeta.output.figures.averages import draw_averages, draw_factor_curves, draw_inclusion
from bayesmeta.output.figures.bias import draw_bias
from bayesmeta.output.figures.chains import draw_prior_posterior, draw_trace
from bayesmeta.output.figures.comparison import draw_paired, draw_profiles, paired
from bayesmeta.output.figures.comparison_types import draw_comparison_types
from bayesmeta.output.figures.conditional import draw_conditional
from bayesmeta.output.figures.estimates import caterpillar, draw_caterpillar, draw_means
from bayesmeta.output.figures.flow import draw_flow
from bayesmeta.output.figures.forest import LAYOUTS, Layout, Page, draw_forest
from bayesmeta.output.figures.funnel import draw_funnel
from bayesmeta.output.figures.influence import draw_baujat, draw_gosh, draw_leave_one_out
from bayesmeta.output.figures.orchard import draw_orchard
from bayesmeta.output.figures.points import draw_contours, draw_labbe, draw_radial
from bayesmeta.output.figures.quadrants import draw_quadrants
from bayesmeta.output.figures.risk_of_bias import draw_risk_of_bias
from bayesmeta.output.figures.saving import save
from bayesmeta.output.figures.scales import SCALES, Scale
from bayesmeta.output.figures.screening import (
    draw_convergence,
    draw_dependence,
    draw_importance,
    draw_pairs,
)
from bayesmeta.output.figures.sensitivity import draw_sensitivity
from bayesmeta.output.figures.sides import draw_mirrored, draw_ridge
from bayesmeta.output.figures.tau_along import draw_tau_along
from bayesmeta.output.figures.traffic_lights import draw_judgements, draw_traffic_lights
from bayesmeta.output.figures.tree import draw_tree
from bayesmeta.output.figures.z_values import draw_z_values
