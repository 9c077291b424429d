"""JAX, set up before its first use, and functions compiled by it."""

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jax

from bayesmeta.infrastructure.files import cache_folder

CACHE_BYTES = 2**30
DEVICES = 4  # the default number of chains: all runs then share compiled programs


def start_jax(devices: int) -> None:
    """Set up JAX before its first use: a device per chain, and a cache of compiled programs."""
    # a process killed while it wrote leaves a broken entry, which is compiled again
    warnings.filterwarnings("ignore", message="Error reading persistent compilation cache entry")
    jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_compilation_cache_max_size", CACHE_BYTES)  # a limit also locks the files
    jax.config.update("jax_enable_x64", True)  # in 32 bits the third digit is wrong
    with suppress(RuntimeError):  # JAX has started already; the chains then share its devices
        jax.config.update("jax_num_cpu_devices", devices)


def over_draws(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a compiled function of arrays with a draw per row, which are taken one by one."""
    start_jax(DEVICES)
    return jax.jit(lambda *arrays: jax.lax.map(lambda rows: function(*rows), arrays))
