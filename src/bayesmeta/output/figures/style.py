"""The appearance of all figures: colours and fonts."""

from typing import Any

from matplotlib.rcsetup import cycler

# Okabe and Ito's colours, distinct for every kind of colour vision
BLUE = "#0072B2"
SKY = "#56B4E9"
VERMILLION = "#D55E00"
ORANGE = "#E69F00"
GREEN = "#009E73"
PINK = "#CC79A7"
GREY = "#767676"
FAINT = "#DDDDDD"
MAX_SHAPES = 500  # of a kind in a vector picture: more points are pixels there
Style = dict[str, Any]  # keyword arguments of an artist
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana"],  # as wide, where the first is not installed
    "svg.fonttype": "none",  # text as text: half the size, and it can be edited and searched
    "font.size": 8.5,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.titley": 1.0,
    "axes.prop_cycle": cycler(color=(BLUE, ORANGE, GREEN, PINK, SKY, VERMILLION, "#000000")),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.titleweight": "bold",
    "text.parse_math": False,
    "svg.hashsalt": "bayesmeta",
}
