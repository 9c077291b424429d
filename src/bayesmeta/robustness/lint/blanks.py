"""Results whose moderators are blank."""

from dataclasses import replace

from bayesmeta.model.design.blanks import blank_cells
from bayesmeta.model.design.completing import moderator_names
from bayesmeta.robustness.lint.findings import Finding, Findings, LintInput, rows_of

MANY = 0.1  # of the effects: fewer rarely move a conclusion
BLANK = Finding(
    code="moderator-blank",
    rank=3,
    title="Results with blank moderators",
    why="results that are left out for a blank may differ from the others; unknown values that are "
    "part of the model need a normal distribution of numbers, and on probabilities of "
    "categories, given the other moderators",
    advice="fill the cells in from the papers where possible, and compare --missing joint with "
    "--missing complete (bayesmeta multiverse does)",
)


def blank_moderators(inputs: LintInput) -> Findings:
    """Find blank moderators, of the terms."""
    cells = blank_cells(inputs.frame, moderator_names(inputs.spec.terms))
    if not cells.shape[1]:
        return
    blank = cells.any(axis=1)
    names = [", ".join(map(str, cells.columns[row])) for row in cells.to_numpy()]
    share = float(blank.mean())
    yield replace(
        BLANK,
        rank=2 if share >= MANY else 3,
        rows=rows_of(inputs.frame, blank, names),
        evidence=share,
        measure="share of the effects",
    )
