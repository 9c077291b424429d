"""The functions that PyTensor writes as files of Python."""

import os
from contextlib import suppress

import pytensor

from bayesmeta.infrastructure.files import cache_folder


def keep_generated_source() -> None:
    """Have PyTensor keep such a file once in the cache; it leaves temporary files otherwise."""
    folder = cache_folder() / "pytensor"
    with suppress(OSError):  # of a cache that cannot be written
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK) and hasattr(pytensor.config, "generated_src_dir"):
            pytensor.config.generated_src_dir = str(folder)
