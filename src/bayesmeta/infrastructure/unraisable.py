"""Exceptions that Python cannot raise, in compiled code or while it collects garbage."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silenced(kind: type[BaseException] = BaseException) -> Iterator[None]:
    """Print no traceback of such exceptions of a kind in the block."""
    shown = sys.unraisablehook
    sys.unraisablehook = lambda what: None if issubclass(what.exc_type, kind) else shown(what)
    try:
        yield
    finally:
        sys.unraisablehook = shown
