"""Calibrate every model: `make calibration` rewrites docs/calibration.md and its figure.

Every model is a `bayesmeta calibrate` on the design of a dataset. Sets that were refitted are kept,
so that an interrupted run continues. `--quick` runs 20 sets of each model, into the same files.
With names of models (`selection translational`, `selection=50` for 50 sets) only these are run
anew: their rows of the page are replaced, and their ranks drawn beside those of the whole run.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bayesmeta.output.figures.calibration import draw_calibration_of_models

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "reports" / "calibration"
PAGE = ROOT / "docs" / "calibration.md"
FIGURE = ROOT / "docs" / "calibration.png"
AGAIN = ROOT / "docs" / "calibration-again.png"
THIRD = "sheet_row % 3 == 0"  # of the table, for models with refits of seconds
NINTH = "sheet_row % 9 == 0"


class Run(NamedTuple):
    """A model, the dataset with the design, and the number of sets."""

    model: str
    dataset: str
    sets: int
    where: str = ""
    likelihood: str = ""
    simulator: str = ""

    @property
    def name(self) -> str:
        """Return the name for the page."""
        exact = " --likelihood t" if self.likelihood else ""
        return f"{self.model}{exact}{' --simulator t' if self.simulator else ''}"

    @property
    def command(self) -> list[str]:
        """Return the arguments of the command."""
        options = ["--dataset", self.dataset, "--model", self.model, "--sets", str(self.sets)]
        for option in ("where", "likelihood", "simulator"):
            if value := getattr(self, option):
                options += [f"--{option}", value]
        return ["calibrate", *options]


MODELS = [
    Run("three-level", "clinical", 1000),
    Run("four-level", "clinical", 1000),
    Run("intercept", "clinical", 1000),
    Run("pet", "clinical", 1000),
    Run("peese", "clinical", 1000),
    Run("translational", "translational", 200),
    Run("translational-species", "translational", 200),
    Run("retroactive-memory", "retroactive-memory", 1000),
    Run("three-level", "clinical", 200, likelihood="t"),
    Run("three-level-species", "preclinical", 40, where=THIRD),
    Run("correlated", "clinical", 200, where=THIRD),
    Run("robust", "clinical", 500, where=THIRD),
    Run("robust", "clinical", 50, where=NINTH, likelihood="t"),
    Run("selection", "clinical", 200, where=THIRD),
]
MISMATCH = [
    Run("three-level", "clinical", 200, simulator="t"),
    Run("three-level", "preclinical", 100, where=THIRD, simulator="t"),
    Run("three-level", "preclinical", 200, where=THIRD, likelihood="t"),
]
COLUMNS = {
    "model": "model",
    "design": "design",
    "sets": "sets",
    "coverage": "coverage of 95 % intervals",
    "bias": "largest bias, prior sds",
    "contraction": "contraction",
    "outside": "ranks outside the band",
}
INTRODUCTION = """\
# Calibration of the models

`make calibration` rewrites this page. For every model, parameters were drawn from its prior,
results were simulated with the design of a real table, and the model was fitted to them
([`bayesmeta calibrate`](commands/calibrate.md)). If the model and the program are correct, the
ranks of the true values among the draws are uniform, and 95 % intervals contain 95 % of the true
values.

![Ranks of the true values by model](calibration.png)

"""
CAPTION = """\
*A line per parameter: the distribution function of its ranks minus the distribution function of
uniform ranks. Grey: 95 % of such lines stay inside this band at every point.*

"""
INTRODUCTION += CAPTION
RUN_AGAIN = """\
![Ranks of the true values of models that were run again](calibration-again.png)

*Models that were run again after the first figure; the table has the results of these newer runs.*

"""
BETWEEN = """
*Largest bias* is the bias of the parameter for which it is largest, with its standard error. One
of twenty parameters is expected to leave the 95 % band by chance.

{unreliable}Models with slow refits (seconds to half a minute) have fewer sets.
`translational-pooled` and `ketamine-extinction` are not here, because they have no independent
draws; the tests compare their draws by NUTS with other computations of the same posterior.

## What the wrong likelihood costs

The data were simulated from the exact distribution of Hedges' g (`--simulator t`) and fitted with
the normal and with the exact likelihood. The true values come from the prior. Therefore means far
from zero are frequent, and the normal likelihood pulls them towards zero.

"""


def main() -> None:
    """Run all models and write the page, or run some and replace their rows."""
    asked = dict(argument.partition("=")[::2] for argument in sys.argv[1:] if argument != "--quick")
    if unknown := asked.keys() - {run.model for run in MODELS}:
        sys.exit(
            f"no models {sorted(unknown)}; there are: {', '.join(run.model for run in MODELS)}"
        )
    runs = [*MODELS, *MISMATCH]
    if "--quick" in sys.argv:
        runs = [run._replace(sets=20) for run in runs]
    if asked:
        plain = [run for run in MODELS if run.model in asked and not run.likelihood]
        runs = [run._replace(sets=int(asked[run.model] or run.sets)) for run in plain]
    done = [calibrate(run) for run in runs]
    rows = [row_of(run, table) for run, (table, _) in zip(runs, done, strict=True)]
    labels = [f"{run.name}\n{run.dataset}, {run.sets} sets" for run in runs]
    curves = [curve.assign(model=x) for x, (_, curve) in zip(labels, done, strict=True)]
    figure = draw_calibration_of_models(pd.concat(curves, ignore_index=True))
    figure.savefig(AGAIN if asked else FIGURE, dpi=110)
    PAGE.write_text(with_rows(rows) if asked else page_of(rows), encoding="utf-8")


def page_of(rows: list[dict[str, Any]]) -> str:
    """Return the page of a whole run."""
    weak = [row for row in rows if row["unreliable"] > 0]
    texts = [f"in {row['unreliable']:.0%} of the sets of {row['model']}" for row in weak]
    unreliable = f"k-hat of the importance weights is above .7 {' and '.join(texts)}. "
    table = pd.DataFrame(rows)[list(COLUMNS)].rename(columns=COLUMNS)
    between = BETWEEN.format(unreliable=unreliable[0].upper() + unreliable[1:] if weak else "")
    models = in_markdown(table[: len(MODELS)])
    mismatch = in_markdown(table[len(MODELS) :])
    AGAIN.unlink(missing_ok=True)
    return INTRODUCTION + models + between + mismatch


def with_rows(rows: list[dict[str, Any]]) -> str:
    """Return the page with the rows of models that were run again, and with their figure."""
    page = PAGE.read_text(encoding="utf-8")
    table = pd.DataFrame(rows)[list(COLUMNS)].rename(columns=COLUMNS)
    for line in in_markdown(table).splitlines()[2:]:
        model = line.split("|")[1]
        old = next(old for old in page.splitlines() if old.split("|")[1:2] == [model])
        page = page.replace(old, line)
    if AGAIN.name not in page:
        page = page.replace(CAPTION, CAPTION + RUN_AGAIN)
    return page


def calibrate(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run the command, and return its table and the curves of the figure."""
    simulator = run.simulator and f"of-{run.simulator}"
    out = FOLDER / "-".join(filter(None, [run.model, run.dataset, run.likelihood, simulator]))
    command = [sys.executable, "-m", "bayesmeta", *run.command, "--out", str(out)]
    print(" ".join(command[2:]), flush=True)
    subprocess.run(command, check=True, cwd=ROOT)
    return pd.read_csv(out / "tables/calibration.csv"), pd.read_csv(out / "figures/calibration.csv")


def row_of(run: Run, table: pd.DataFrame) -> dict[str, Any]:
    """Return a row of the page."""
    largest = max(table.to_dict("records"), key=lambda row: abs(row["bias"]))
    outside = table.loc[~table["uniform"], "parameter"].tolist()
    shares = {THIRD: ", a third of the rows", NINTH: ", a ninth of the rows"}
    names = f": {', '.join(outside)}" if outside else ""
    return {
        "model": f"`{run.name}`",
        "design": run.dataset + shares.get(run.where, ""),
        "sets": run.sets,
        "coverage": span(table["coverage"]),
        "bias": f"{largest['bias']:.3f} (se {largest['bias_se']:.3f})",
        "contraction": span(table["contraction"]),
        "outside": f"{len(outside)} of {len(table)}{names}",
        "unreliable": table["unreliable"].max(),
    }


def span(values: pd.Series) -> str:
    """Return the least and the greatest value."""
    return f"{values.min():.2f} to {values.max():.2f}"


def in_markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown."""
    rows = [list(map(str, row)) for row in [table.columns, *table.to_numpy()]]
    rows.insert(1, ["---"] * len(table.columns))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    main()
