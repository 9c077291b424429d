"""What a long job is doing now, live on the terminal, and how long each step took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Aside(Console):
    """A console that writes to a file while steps are shown on another: one command as a part of a larger one."""

    def __init__(self, shown: Console, log: TextIO) -> None:
        super().__init__(file=log, width=100, force_terminal=False)
        self.shown = shown


class Steps:
    """Named steps of a job: `with steps("sampling"): ...` shows a spinner and keeps the seconds in `seconds`."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console.shown if isinstance(console, Aside) else console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        if self.console:
            with self.console.status(f"{name} ..."):
                yield
        else:
            yield
        self._took(name, begun)

    @contextmanager
    def counted(self, name: str, total: int, done: int = 0) -> Iterator[Callable[[str], None]]:
        """A step of `total` parts: shows a bar with the time left; yields what is called with each finished part."""
        begun = time.perf_counter()
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        last = TextColumn("{task.fields[last]}", markup=False)
        hidden = self.console is None or not self.console.is_terminal
        bar = Progress(*columns, last, console=self.console, disable=hidden, transient=True, speed_estimate_period=3600)
        with bar:
            task = bar.add_task(name, total=total, completed=done, last="")
            yield lambda part: bar.update(task, advance=1, last=part)
        self._took(name, begun)

    def _took(self, name: str, begun: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun
        if self.console and self.console.is_terminal:
            self.console.print(f"[dim]{name:<32}{self.seconds[name]:6.1f} s[/dim]")
