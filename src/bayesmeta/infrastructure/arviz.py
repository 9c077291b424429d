"""ArviZ's statistics, `arviz_stats`, loaded without JAX.

arviz_base loads JAX and NumPyro, if they are installed, for converters that are not used here. That
takes seconds, which a command that samples nothing by NUTS would lose. So it gets modules that are
loaded at their first use.
"""

import sys

import lazy_loader

absent = [name for name in ("jax", "numpyro") if name not in sys.modules]
for name in absent:
    lazy_loader.load(name)
try:
    import arviz_stats as arviz_stats
    from arviz_stats.base import array_stats as array_stats
finally:
    for name in absent:  # other libraries look here for what is in use
        del sys.modules[name]
