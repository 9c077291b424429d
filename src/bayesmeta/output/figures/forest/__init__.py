"""The forest plot of the studies: rows of numbers and intervals, on pages."""

from bayesmeta.output.figures.forest.drawing import draw_forest
from bayesmeta.output.figures.forest.layouts import LAYOUTS, Layout, Page
