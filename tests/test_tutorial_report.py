"""The numbers in the sentences of the tutorial: those of a report of the preclinical data."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from test_tutorial import TUTORIAL

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trace_data")]

NUMBER = r"([−-]?(?:\d*\.\d+|\d+))"
Read = Callable[[str], pd.DataFrame]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Return a reader of the tables of a report."""
    out = tmp_path_factory.mktemp("report") / "preclinical"
    command = [sys.executable, "-m", "bayesmeta", "report", "--dataset", "preclinical"]
    subprocess.run([*command, "--out", str(out), "--no-live"], check=True)

    def read(name: str) -> pd.DataFrame:
        *folders, stem = Path(name).parts
        return pd.read_csv(out.joinpath(*folders, "tables", f"{stem}.csv"))

    return read


def shown(sentence: str) -> list[float]:
    """Return the numbers where the tutorial has this sentence, with N for a number."""
    pattern = re.sub(r"\bN\b", lambda _: NUMBER, re.escape(sentence)).replace(r"\ ", r"\s+")
    (match,) = re.finditer(pattern, TUTORIAL)
    return [float(number.replace("−", "-")) for number in match.groups()]


def test_both_schools_and_levels(table: Read) -> None:
    compared = table("comparison").set_index("term").loc["trauma:extinction"]
    taus = table("frequentist_heterogeneity").set_index("level").loc["study"]
    said = shown(
        "differs by more than N standard errors (trauma extinction, N by REML and N by Bayes,"
    )
    assert said == pytest.approx([*compared[["shift", "estimate", "mean"]]], abs=0.02)
    assert table("comparison")["shift"].abs().max() == compared["shift"]
    means = table("heterogeneity").set_index("level").loc["study"]
    said = shown("tau of studies is N and N.")
    assert said == pytest.approx([taus["tau"], means["tau_mean"]], abs=0.02)
    levels = table("levels").set_index("model").loc["four-level"]
    said = shown("(`tables/levels.csv`) has a log Bayes factor of N,")
    assert said == pytest.approx([levels["log_bayes_factor"]], abs=0.5)
    said = shown("better by N (standard error N).")
    assert said == pytest.approx([*levels[["elpd_difference", "elpd_difference_se"]]], abs=3)


def test_findings_of_lint(table: Read) -> None:
    findings, refits = table("lint"), table("lint_refits")
    assert shown("reports N findings.") == [len(findings)]
    certain = findings[findings["rank"] == 1]
    assert certain["code"].tolist() == ["sem-as-sd"] * 4 + ["level-missing"]
    said = shown("four studies (N, N, N, N) whose")
    assert said == [float(study) for study in certain["studies"][:4]]
    of_certain = refits["finding"].astype(str).isin(certain["finding"].astype(str))
    assert of_certain.sum() >= 4 * refits["contrast"].nunique()
    assert not refits["changed"][of_certain].astype(str).str.contains("sign").any()
    assert shown("changes the sign of none of the N conclusions.") == [refits["contrast"].nunique()]
    of_study = refits[refits["finding"].astype(str) == str(certain["finding"].iloc[3])]
    rows = of_study.set_index("contrast").loc[["memory: fear - neutral", "fear:extinction"]]
    said = shown("changes from N to N, fear extinction from N to N.")
    assert said == pytest.approx(rows[["mean", "mean_without"]].to_numpy().ravel(), abs=0.02)


def test_verdicts_of_check(table: Read) -> None:
    egger = table("funnel").set_index(["cell", "statistic"]).loc[("all", "egger")]
    said = shown("Egger's slope is N; arithmetic alone gives N [N, N]")
    columns = ["observed", "replicate_mean", "ci_lb", "ci_ub"]
    assert said == pytest.approx([*egger[columns]], abs=0.15)
    cells = table("bias_cells").set_index(["contrast", "model"])["mean"]
    said = shown("fear learning falls from N to N, fear extinction from N to N")
    both = ("unadjusted", "PET")
    want = [cells[(name, model)] for name in ("fear:learning", "fear:extinction") for model in both]
    assert said == pytest.approx(want, abs=0.02)
    pet = table("bias_models").set_index("model").loc["PET"]
    said = shown("model without a slope (N, standard error N),")
    assert said == pytest.approx([*pet[["difference", "difference_se"]]], abs=0.2)
    assert shown("all sensitivities are below 0.05, the largest is N") == pytest.approx(
        [table("psense")["prior"].max()], abs=0.006
    )


def test_verdicts_of_the_multiverse(table: Read) -> None:
    chances = table("multiverse").set_index("contrast")
    assert shown("model under N alternatives") == [chances.shape[1] - 2]
    said = shown("weakens under PET (N), comparison F (N), comparison E (N) and PEESE (N).")
    names = ["PET", "comparison F", "comparison E", "PEESE"]
    assert said == pytest.approx([*chances.loc["fear:learning", names]], abs=0.006)
    said = shown("changes sign under comparison F (N), holds under the other N that")
    alternatives = chances.loc["neutral:memory"].drop(["direction", "base"]).dropna().astype(float)
    assert said == pytest.approx(
        [alternatives["comparison F"], (alternatives >= 0.975).sum()], abs=0.006
    )
    sizes = table("alternatives").set_index("alternative")["k"]
    said = shown("Comparisons E and F have only N and N effects;")
    assert said == [*sizes[["comparison E", "comparison F"]]]


def test_importance_of_moderators(table: Read) -> None:
    rows = table("screening/importance").set_index("moderator")[["mean", "ci_lb", "ci_ub"]]
    said = shown("error for held-out studies by N [N, N], and phase was first in all N resamples")
    assert said[:3] == pytest.approx([*rows.loc["phase"]], abs=0.01)
    said = shown("Information type (N [N, N]) and valence (N [N, N]) follow.")
    want = [*rows.loc["information_type"], *rows.loc["valence"]]
    assert said == pytest.approx(want, abs=0.01)
