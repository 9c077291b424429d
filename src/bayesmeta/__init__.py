"""Bayesian hierarchical meta-analysis, from tables of studies to contrasts with their checks.

::

    import bayesmeta

    frame = bayesmeta.example()  # or bayesmeta.read("mine.csv"), or a DataFrame
    tree = bayesmeta.fit(frame, moderators="valence:phase")
    bayesmeta.terms(tree)
    bayesmeta.contrasts(tree, "fear:memory - neutral:memory")

The functions are those of `bayesmeta.api`, named in `__init__.pyi`, and imported at first use.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
