"""Progress of a long job, live on the terminal, and the time that every step took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SPEED_PERIOD = 3600  # seconds: jobs differ in length, the time left is estimated from all of them


class Aside(Console):
    """A console that writes to a file while steps are shown on another, for a part of a command."""

    def __init__(self, shown: Console, log: TextIO) -> None:
        super().__init__(file=log, width=100, force_terminal=False)
        self.shown = shown


class Steps:
    """Steps of a job, with their time in `seconds`; `with steps("sampling"):` shows a spinner."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console.shown if isinstance(console, Aside) else console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Show a spinner during a step, and record its seconds."""
        begun = time.perf_counter()
        with self.console.status(f"{name} ...") if self.console else nullcontext():
            yield
        self._record(name, begun)

    @contextmanager
    def counted(self, name: str, total: int, done: int = 0) -> Iterator[Callable[[str], None]]:
        """Show a bar with the time left during a step, and record its seconds.

        The step has `total` parts, of which some are `done` already; the function that is yielded
        is to be called with the name of every part that is done.
        """
        begun = time.perf_counter()
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[last]}", markup=False),
            console=self.console,
            disable=self.console is None or not self.console.is_terminal,
            transient=True,
            speed_estimate_period=SPEED_PERIOD,
        )
        with bar:
            task = bar.add_task(name, total=total, completed=done, last="")
            yield lambda part: bar.update(task, advance=1, last=part)
        self._record(name, begun)

    def _record(self, name: str, begun: float) -> None:
        """Add the seconds since `begun` to a step, and print them on a terminal."""
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun
        if self.console and self.console.is_terminal:
            self.console.print(f"[dim]{name:<32}{self.seconds[name]:6.1f} s[/dim]")
