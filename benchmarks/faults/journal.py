"""What was tried: a line of JSON per try, kept at once, so that a stopped campaign continues."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bayesmeta.infrastructure.code import code_fingerprint


@dataclass(frozen=True)
class Try:
    """A fault that was tried.

    Attributes
    ----------
    part, kind : table and row of the page.
    name : unique in its part.
    failures : what should not have happened, in words; empty if all is well.
    ended : how the command ended, in a word or two.
    code : of the source (`code_fingerprint`), 12 digits.
    """

    part: str
    kind: str
    name: str
    failures: tuple[str, ...] = ()
    ended: str = ""
    code: str = field(default_factory=lambda: code_fingerprint(with_templates=True)[:12])


class Journal:
    """The tries so far, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.tries: dict[tuple[str, str], Try] = {}
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                content = json.loads(line)
                self._add(Try(**content | {"failures": tuple(content["failures"])}))

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Return whether the try with this part and name is there."""
        return key in self.tries

    def keep(self, tried: Try) -> None:
        """Add a try, and print its failures."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(tried)) + "\n")
        self._add(tried)
        for failure in tried.failures:
            print(f"{tried.part}, {tried.name}: {failure}", flush=True)

    def forget(self, part: str) -> None:
        """Forget the tries of a part."""
        left = [tried for tried in self.tries.values() if not tried.part.startswith(part)]
        self.path.unlink(missing_ok=True)
        self.tries = {}
        for tried in left:
            self.keep(tried)

    def of(self, part: str) -> list[Try]:
        """Return the tries of a part."""
        return [tried for tried in self.tries.values() if tried.part == part]

    def _add(self, tried: Try) -> None:
        self.tries[tried.part, tried.name] = tried


def counted[Item](title: str, items: list[Item]) -> Iterator[Item]:
    """Yield items under a bar with the time left."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeRemainingColumn()) as bar:
        task = bar.add_task(title, total=len(items))
        for item in items:
            yield item
            bar.advance(task)
