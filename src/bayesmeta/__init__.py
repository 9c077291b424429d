"""Bayesian hierarchical meta-analysis, from raw tables of studies to named contrasts with their checks.

::

    import bayesmeta

    frame = bayesmeta.example()                              # or bayesmeta.read("mine.csv"), or your own DataFrame
    tree = bayesmeta.fit(frame, moderators="valence:phase")
    bayesmeta.terms(tree)
    bayesmeta.contrasts(tree, "fear:memory - neutral:memory")

The functions are those of `bayesmeta.api`, named in `__init__.pyi`; they are imported when first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
