"""The flow of a search as PRISMA 2020 draws it, from the counts of a small TOML file.

Source: Page et al. 2021, doi 10.1136/bmj.n71.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.infrastructure.choices import check_known
from bayesmeta.infrastructure.errors import BadInput

Count = int | Mapping[str, int]

SEARCHES = "Databases and registers"
OTHER = "Other methods"
INCLUDED = "Included"
KEYS = {
    "databases": "records from databases",
    "registers": "records from registers",
    "duplicates": "duplicate records",
    "automation": "records marked as ineligible by automation tools",
    "removed": "records removed for other reasons",
    "screened": "records screened",
    "records_excluded": "records excluded",
    "sought": "reports sought for retrieval",
    "not_retrieved": "reports not retrieved",
    "assessed": "reports assessed for eligibility",
    "reports_excluded": "reports excluded",
}
REPORTS = "reports included"
TABLES: dict[str, tuple[str, ...]] = {
    "searches": tuple(KEYS),
    "other_methods": ("records", "not_retrieved", "assessed", "reports_excluded"),
    "included": ("studies", "reports"),
}
EXAMPLE = """\
title = "Flow of the search"

[searches]
databases = { PubMed = 812, Embase = 655 }   # or one number
registers = 40
duplicates = 391
records_excluded = 1003
not_retrieved = 4
reports_excluded = { "wrong population" = 31, "no control group" = 18 }

[included]
studies = 52
reports = 60
"""


def read_flow(path: Path) -> tuple[str, pd.DataFrame]:
    """Return the title, and a row per box: part, step, kept, count, what, as for `draw_flow`.

    Counts that the file leaves out are those that the others give. Raise BadInput if the file
    cannot be read, a key is unknown, a count is none, or the counts do not add up.
    """
    try:
        return parse_flow(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        form = f"it should read like\n\n{EXAMPLE}"
        raise BadInput(f"{path} cannot be read: {error}; {form}") from error


def parse_flow(text: str) -> tuple[str, pd.DataFrame]:
    """Return title and rows of `read_flow` from TOML text."""
    entries = tomllib.loads(text)
    return str(entries.pop("title", "Flow of the search")), flow_table(entries)


def flow_table(entries: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of `read_flow` from the tables of a file."""
    for table, values in entries.items():
        check_known("table", table, tuple(TABLES))
        if not isinstance(values, Mapping):
            raise BadInput(f"{table} is {values!r}; it should be a table, [{table}]")
        for key, count in values.items():
            check_known(f"key of [{table}]", key, TABLES[table])
            _parts(f"{table}.{key}", count)
    if "searches" not in entries or "included" not in entries:
        raise BadInput(f"the file lacks [searches] or [included]; it should read like\n\n{EXAMPLE}")
    flow = Flow()
    reports = flow.add_searches(entries["searches"])
    if "other_methods" in entries:
        reports += flow.add_other(entries["other_methods"])
    flow.add_included(entries["included"], reports)
    return pd.DataFrame(flow.rows)


class Flow:
    """The boxes of a flow, from the top."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, part: str, step: str, count: int, what: str, *, kept: bool) -> None:
        """Add a box."""
        if count == 1:
            what = what.replace("records", "record", 1).replace("reports", "report", 1)
        row = {"part": part, "step": step, "kept": kept, "count": count, "what": what}
        self.rows.append(row)

    def leave_out(self, part: str, step: str, values: Mapping[str, Count], *keys: str) -> int:
        """Add what is left out at a step, and return the sum."""
        total = 0
        for key in keys:
            for reason, count in _parts(key, values.get(key, {})).items():
                what = f"{KEYS[key]}: {reason}" if reason else KEYS[key]
                self.add(part, step, count, what, kept=False)
                total += count
        return total

    def go_on(self, part: str, step: str, left: int, values: Mapping[str, Count], key: str) -> int:
        """Add what is left after a step; raise BadInput if the file gives another count."""
        if left < 0:
            raise BadInput(f"too many are left out before '{KEYS[key]}': {left} are left")
        given = values.get(key, left)
        if given != left:
            raise BadInput(
                f"{key} is {given}, and the counts before it leave {left}: '{KEYS[key]}'"
            )
        self.add(part, step, left, KEYS[key], kept=True)
        return left

    def add_searches(self, values: Mapping[str, Count]) -> int:
        """Add the boxes of databases and registers; return the included reports."""
        counts = {key: _parts(key, values.get(key, {})) for key in ("databases", "registers")}
        identified = sum(sum(parts.values()) for parts in counts.values())
        names = [
            f"{name or key} {n:,}" for key, parts in counts.items() for name, n in parts.items()
        ]
        self.add(SEARCHES, "identified", identified, f"records: {', '.join(names)}", kept=True)
        removed = ("duplicates", "automation", "removed")
        left = identified - self.leave_out(SEARCHES, "removed", values, *removed)
        left = self.go_on(SEARCHES, "removed", left, values, "screened")
        left -= self.leave_out(SEARCHES, "screening", values, "records_excluded")
        left = self.go_on(SEARCHES, "screening", left, values, "sought")
        return self.add_eligibility(SEARCHES, left, values)

    def add_eligibility(self, part: str, left: int, values: Mapping[str, Count]) -> int:
        """Add the boxes from retrieval on; return the included reports."""
        left -= self.leave_out(part, f"retrieval, {part}", values, "not_retrieved")
        left = self.go_on(part, f"retrieval, {part}", left, values, "assessed")
        left -= self.leave_out(part, f"eligibility, {part}", values, "reports_excluded")
        if left < 0:
            raise BadInput(f"more reports are excluded than are assessed: {left} are left")
        self.add(part, f"eligibility, {part}", left, REPORTS, kept=True)
        return left

    def add_other(self, values: Mapping[str, Count]) -> int:
        """Add the boxes of other methods; return the included reports."""
        parts = _parts("records", values.get("records", {}))
        names = [f"{name or 'records'} {count:,}" for name, count in parts.items()]
        identified = sum(parts.values())
        self.add(OTHER, "identified other", identified, f"reports: {', '.join(names)}", kept=True)
        return self.add_eligibility(OTHER, identified, values)

    def add_included(self, values: Mapping[str, Count], reports: int) -> None:
        """Add the included studies and reports; raise BadInput if the counts do not add up."""
        given = values.get("reports", reports)
        if given != reports:
            raise BadInput(f"{given} reports are included, and the counts before leave {reports}")
        if "studies" in values:
            studies = sum(_parts("studies", values["studies"]).values())
            if studies > reports:
                problem = f"{studies} studies are included, and the counts leave {reports} reports"
                raise BadInput(f"{problem}; a study has at least one report")
            self.add(INCLUDED, "included", studies, "studies in the review", kept=True)
        self.add(INCLUDED, "included", reports, "reports of these studies", kept=True)


def _parts(key: str, count: Any) -> dict[str, int]:
    """Return counts by name, of a single count by ""; raise BadInput if they are no counts."""
    parts = dict(count) if isinstance(count, Mapping) else {"": count}
    for number in parts.values():
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            right = 'a whole number of at least 0, or several by name, { "PubMed" = 12 }'
            raise BadInput(f"{key} is {number!r}; it should be {right}")
    return parts
