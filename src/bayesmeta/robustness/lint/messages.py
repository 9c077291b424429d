"""Findings as tables, and in words for the console."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.markup import escape

from bayesmeta.robustness.lint.findings import Finding

MAX_SHOWN = 3  # conclusions, and studies, per finding
FIELDS = ["rank", "code", "title", "evidence", "measure", "why", "advice"]
COLUMNS = ["finding", *FIELDS[:3], "studies", "rows", *FIELDS[3:]]
ROW_COLUMNS = ["finding", "code", "effect", "study", "group", "value", "usual"]


def table_of(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return a row per finding: its number as `finding`, and its texts."""
    rows = [
        {"finding": number, "studies": " ".join(finding.studies), "rows": len(finding.rows)}
        | {name: getattr(finding, name) for name in FIELDS}
        for number, finding in enumerate(findings, 1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def rows_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return finding, code, effect, study, group, value, usual (to expect) of every row."""
    tables = []
    for number, finding in enumerate(findings, 1):
        rows = finding.rows.astype({"value": object, "usual": object})
        if len(rows):
            tables.append(rows.assign(finding=number, code=finding.code))
    if not tables:
        return pd.DataFrame(columns=ROW_COLUMNS)
    return pd.concat(tables, ignore_index=True)[ROW_COLUMNS]


def paragraph(number: int, finding: Finding, refits: pd.DataFrame, *, reasons: bool = True) -> str:
    """Describe a finding, with rich's markup; without reasons if the last finding had the same."""
    lines = [
        f"[bold]{number}. {escape(finding.title)}[/bold] [dim]{finding.code}[/dim]",
        f"   {finding.evidence:.4g} ({escape(finding.measure)}).{escape(_where(finding))}",
    ]
    if reasons:
        lines += [f"   Why: {escape(finding.why)}.", f"   Do: {escape(finding.advice)}."]
    if len(refits):
        lines.append(effect_of(refits))
    return "\n".join(lines)


def _where(finding: Finding) -> str:
    """Return the first studies and the number of effects; "" without studies."""
    names = ", ".join(finding.studies[:MAX_SHOWN])
    rest = len(finding.studies) - MAX_SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    return f" Studies {names}{more}; {len(finding.rows)} effects." if names else ""


def effect_of(refits: pd.DataFrame) -> str:
    """Describe the effect of a remedy: conclusions that change side, or that move most."""
    moved = refits["changed"] != ""
    size = refits["shift"].abs().fillna(float("inf"))
    order = refits.assign(moved=moved, size=size).sort_values(["moved", "size"], ascending=False)
    factor = refits["log_bayes_factor"].iloc[0]
    better = f"; log Bayes factor {factor:+.1f}" if pd.notna(factor) else ""
    count = f"{int(moved.sum())} of {len(refits)}"
    head = f"   With {refits['remedy'].iloc[0]}: {count} conclusions change{better}."
    lines = [_moved(row) for row in order.head(MAX_SHOWN).to_dict("records")]
    return "\n".join([escape(head), *lines])


def _moved(row: dict[Any, Any]) -> str:
    """Describe the change of a conclusion."""
    old, new = (
        f"{row[f'mean{end}']:.2f} [{row[f'ci_lb{end}']:.2f}, {row[f'ci_ub{end}']:.2f}]"
        for end in ("", "_without")
    )
    after = new if pd.notna(row["shift"]) else "no data left"
    mark = f" [yellow]{row['changed']}[/yellow]" if row["changed"] else ""
    return escape(f"     {row['contrast']}: {old} → {after}") + mark
