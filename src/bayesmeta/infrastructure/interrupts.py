"""Ctrl-C at any stage: the process ends soon, also from compiled code that does not return."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CODE = 130  # what a shell gives a command that SIGINT ended
MESSAGE = "stopped by Ctrl-C: unfinished results were not written"
PATIENCE = 0.8  # seconds for Python to stop by itself, which removes what is unfinished


_REMOVERS: list[Callable[[], None]] = []


def remove_at_end(remover: Callable[[], None]) -> None:
    """Have a function called before a process is ended that does not stop by itself."""
    _REMOVERS.append(remover)


@contextmanager
def stopped_by_interrupt() -> Iterator[None]:
    """End the process with a message and its code at SIGINT, wherever it comes in the block."""
    end_after_interrupt()
    try:
        yield
    except KeyboardInterrupt:
        print(MESSAGE, file=sys.stderr)
        sys.exit(CODE)


def end_after_interrupt() -> None:
    """End this process if it still runs a moment after SIGINT.

    Python raises KeyboardInterrupt only when compiled code returns, and a library may swallow it;
    the signal is therefore also written to a socket that a thread reads. A process that ignores
    SIGINT, as in the background of a shell, goes on ignoring it.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader, writer), daemon=True).start()


def _watch(reader: socket.socket, writer: socket.socket) -> None:
    """Wait for SIGINT, then end the process; `writer` stays open as long as this thread."""
    while writer.fileno() >= 0 and signal.SIGINT not in reader.recv(64):
        continue
    time.sleep(PATIENCE)
    for remove in _REMOVERS:
        remove()
    print(f"\n{MESSAGE}", file=sys.stderr, flush=True)
    os._exit(CODE)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore SIGINT during a short step that should happen completely or not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
