"""Two folders exchange their names in a single step of the system."""

import ctypes
import errno
import os
import sys
from pathlib import Path

AT_FDCWD = -100  # of Linux: names are relative to the current folder
SWAP = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS
UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV, errno.EBUSY}


def exchange(first: Path, second: Path) -> bool:
    """Exchange the names of two folders; return False, with nothing changed, if that is impossible.

    Linux and macOS can, on most file systems; Windows cannot. Raise OSError if it fails otherwise.
    """
    names = os.fsencode(first), os.fsencode(second)
    try:
        if sys.platform == "linux":
            system = ctypes.CDLL(None, use_errno=True)
            failed = system.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], SWAP)
        elif sys.platform == "darwin":
            system = ctypes.CDLL(None, use_errno=True)
            failed = system.renamex_np(*names, SWAP)
        else:
            return False
    except AttributeError:  # a C library without this function
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number))
