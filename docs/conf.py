"""Settings of Sphinx for `make docs`. Neither the build nor its pages fetch anything."""

import logging
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bayesmeta

for library in ("arviz", "pytensor"):  # whose greetings at import are no news of the build
    logging.getLogger(library).setLevel(logging.WARNING)

for package in pkgutil.walk_packages(bayesmeta.__path__, "bayesmeta."):
    if package.ispkg and package.name != "bayesmeta.api":
        names = vars(module := import_module(package.name))
        module.__all__ = [  # autodoc describes what a package imports from its files
            name
            for name, value in names.items()
            if str(getattr(value, "__module__", "")).startswith(package.name)
        ]

project = "bayesmeta"
author = "The bayesmeta authors"
copyright = "The bayesmeta authors, MIT licence"
release = version = bayesmeta.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
extensions += ["docstrings", "offline", "option_tables", "measure_table"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "code"  # docstrings are plain text with `code`
myst_heading_anchors = 3
smartquotes = False
highlight_language = "none"

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_default_options = {"members": True, "member-order": "groupwise"}
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_custom_sections = ["Source"]
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
add_module_names = False

nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(?!bayesmeta\.).*")
]  # types of other libraries: their pages are not asked

html_theme = "furo"
html_title = "bayesmeta"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
