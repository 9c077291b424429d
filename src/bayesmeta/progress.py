"""What a long job is doing now, live on the terminal, and how long each step took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Steps:
    """Named steps of a job: `with steps("sampling"): ...` shows a spinner and keeps the seconds in `seconds`."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        if self.console:
            with self.console.status(f"{name} ..."):
                yield
        else:
            yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun
        if self.console and self.console.is_terminal:
            self.console.print(f"[dim]{name:<32}{self.seconds[name]:6.1f} s[/dim]")
