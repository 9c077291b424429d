"""A signal ends the process soon at any stage, also from compiled code that does not return."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from bayesmeta.infrastructure.unraisable import silenced

STOPS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "the signal SIGTERM"}
if sys.platform != "win32":
    STOPS[signal.SIGHUP] = "the end of its terminal"
CODE = 130  # what a shell gives a command that SIGINT ended
PATIENCE = 0.8  # seconds for Python to stop by itself, which removes what is unfinished

_REMOVERS: list[Callable[[], None]] = []
_RECEIVED: list[signal.Signals] = []


def remove_at_end(remover: Callable[[], None]) -> None:
    """Have a function called before a process is ended that does not stop by itself."""
    _REMOVERS.append(remover)


def message() -> str:
    """Return why the process ends."""
    return f"stopped by {STOPS[_stop()]}: unfinished results were not written"


def end() -> NoReturn:
    """End the process with a message and the code that a shell gives the signal."""
    print(message(), file=sys.stderr)
    sys.exit(_code())


@contextmanager
def stopped_by_interrupt() -> Iterator[None]:
    """End the process with a message and its code at SIGINT, SIGTERM or SIGHUP in the block."""
    with silenced(KeyboardInterrupt):  # that compiled code swallows; the process is ended anyway
        try:
            end_after_interrupt()
            yield
        except KeyboardInterrupt:
            end()


def end_after_interrupt() -> None:
    """End this process if it still runs a moment after SIGINT, SIGTERM or SIGHUP.

    Python raises KeyboardInterrupt only when compiled code returns, and a library may swallow it;
    the signal is therefore also written to a socket that a thread reads. A process that ignores
    a signal, as in the background of a shell or under nohup, goes on ignoring it.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread:
        return
    heeded = (signal.default_int_handler, signal.SIG_DFL)
    stops = [number for number in STOPS if signal.getsignal(number) in heeded]
    if not stops:
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    for number in stops:
        signal.signal(number, _interrupt)
    threading.Thread(target=_watch, args=(reader, writer), daemon=True).start()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt at the first signal; a second does not disturb what it starts."""
    _RECEIVED.append(signal.Signals(number))
    if len(_RECEIVED) == 1:
        raise KeyboardInterrupt


def _stop() -> signal.Signals:
    return _RECEIVED[0] if _RECEIVED else signal.SIGINT


def _code() -> int:
    return 128 + _stop()


def _watch(reader: socket.socket, writer: socket.socket) -> None:
    """Wait for a signal, then end the process; `writer` stays open as long as this thread."""
    received: set[int] = set()
    while writer.fileno() >= 0 and not received & STOPS.keys():
        received |= {*reader.recv(64)}
    time.sleep(PATIENCE)
    if not _RECEIVED:
        _RECEIVED.extend(stop for stop in STOPS if stop in received)
    for remove in _REMOVERS:
        remove()
    print(f"\n{message()}", file=sys.stderr, flush=True)
    os._exit(_code())


@contextmanager
def uninterrupted(stops: Iterable[signal.Signals] = tuple(STOPS)) -> Iterator[None]:
    """Ignore signals during a short step that should happen completely or not at all.

    A process that starts in the step goes on ignoring them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in stops}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
