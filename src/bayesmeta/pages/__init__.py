"""Tables to a self-contained HTML page: prose in templates, numbers from tables, figures inside."""

from bayesmeta.pages.check import check_page
from bayesmeta.pages.comparison import comparison_page
from bayesmeta.pages.rendering import PICTURES, number

__all__ = ["PICTURES", "check_page", "comparison_page", "number"]
