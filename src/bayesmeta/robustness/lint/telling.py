"""Findings as tables, and in words for the console."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.markup import escape

from bayesmeta.robustness.lint.findings import Finding

SHOWN = 3  # conclusions, and studies, told per finding


def table_of(findings: Sequence[Finding]) -> pd.DataFrame:
    """A row per finding: finding (its number), rank, code, title, studies, rows, evidence, measure, why, advice."""
    columns = ["finding", "rank", "code", "title", "studies", "rows", "evidence", "measure", "why", "advice"]
    told = [
        {"finding": number, "studies": " ".join(one.studies), "rows": len(one.rows)}
        | {name: getattr(one, name) for name in columns if name not in ("finding", "studies", "rows")}
        for number, one in enumerate(findings, 1)
    ]
    return pd.DataFrame(told, columns=columns)


def rows_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """A row per effect of each finding: finding, code, effect, study, group, value, usual (what would be usual)."""
    tables = [
        one.rows.astype({"value": object, "usual": object}).assign(finding=number, code=one.code)
        for number, one in enumerate(findings, 1)
        if len(one.rows)
    ]
    columns = ["finding", "code", "effect", "study", "group", "value", "usual"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def paragraph(number: int, one: Finding, refits: pd.DataFrame, *, reasons: bool = True) -> str:
    """A finding in words, with rich's markup; without reasons where the last one had the same."""
    studies = one.studies
    more = f" and {len(studies) - SHOWN} more" if len(studies) > SHOWN else ""
    where = f" Studies {', '.join(studies[:SHOWN])}{more}; {len(one.rows)} effects." if studies else ""
    told = [
        f"[bold]{number}. {escape(one.title)}[/bold] [dim]{one.code}[/dim]",
        f"   {one.evidence:.4g} ({escape(one.measure)}).{escape(where)}",
    ]
    told += [f"   Why: {escape(one.why)}.", f"   Do: {escape(one.advice)}."] if reasons else []
    return "\n".join([*told, *([effect_of(refits)] if len(refits) else [])])


def effect_of(refits: pd.DataFrame) -> str:
    """What a remedy does: the conclusions that change side, else those that move most."""
    moved = refits["changed"] != ""
    size = refits["shift"].abs().fillna(float("inf"))
    first = refits.assign(moved=moved, size=size).sort_values(["moved", "size"], ascending=False).head(SHOWN)
    factor = refits["log_bayes_factor"].iloc[0]
    better = f"; log Bayes factor {factor:+.1f}" if factor == factor else ""
    head = f"   With {refits['remedy'].iloc[0]}: {int(moved.sum())} of {len(refits)} conclusions change side{better}."
    return "\n".join([escape(head), *(_moved(row) for row in first.to_dict("records"))])


def _moved(row: dict[Any, Any]) -> str:
    old, new = (
        f"{row[f'mean{end}']:.2f} [{row[f'ci_lb{end}']:.2f}, {row[f'ci_ub{end}']:.2f}]" for end in ("", "_without")
    )
    text = f"     {row['contrast']}: {old} → {new if row['shift'] == row['shift'] else 'no data left'}"
    return escape(text) + (f" [yellow]{row['changed']}[/yellow]" if row["changed"] else "")
