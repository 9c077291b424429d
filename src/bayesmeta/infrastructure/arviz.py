"""ArviZ's statistics, `arviz_stats`, loaded without JAX.

arviz_base loads JAX, if it is installed, for converters of NumPyro's results that are not used
here. That takes seconds, which a command that samples nothing by NUTS would lose.
"""

import sys

JAX = "jax"

absent = JAX not in sys.modules
if absent:
    sys.modules[JAX] = None  # type: ignore[assignment]  # its import fails as if not installed
try:
    import arviz_stats as arviz_stats
    from arviz_stats.base import array_stats as array_stats
finally:
    if absent:
        del sys.modules[JAX]
