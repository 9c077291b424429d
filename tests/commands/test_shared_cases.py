"""Tables from real situations, by the commands that their users ran: right or refused by name.

Tables, commands and right answers are those of ../shared/cases; figures are not drawn here, and
models that quadrature takes are fitted by it.
"""

import re
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.commands import fit
from bayesmeta.infrastructure.files import root
from promised import unavailable

pytestmark = pytest.mark.wide

CASES = root() / ".." / "shared" / "cases"


class Right(NamedTuple):
    """The right end of a command.

    Attributes
    ----------
    terms : mean by term, with one tolerance for all; empty if the command is refused.
    tolerance : of the means.
    says : what the output says, besides.
    effects : yi of the table that was fitted, in its order.
    """

    terms: dict[str, float]
    tolerance: float = 0.006
    says: tuple[str, ...] = ()
    effects: tuple[float, ...] = ()


def refused(*says: str) -> Right:
    """Return a refusal that says all this."""
    return Right({}, says=says)


OMIT = "incomplete=omit"
HALF = "0.5 is added"
GIVEN_TWICE = "a label in two studies means either two groups with the same name"
RIGHT: dict[str, list[Right]] = {
    "c03_hr_ratio": [
        Right({"intercept": -0.280}, says=("HR", "0.76 [0.6", ", 0.9")),
        Right({"intercept": -0.020}, says=("0.980", "1.015")),
    ],
    "c04_medians": [
        Right({}, effects=(0.592733, 0.556705, 0.094974, 0.520617, 0.152380)),
        Right({}, says=("the cells of Median1 (IQR)", "4 groups are computed from median")),
    ],
    "c05_double_zero": [
        Right({}, effects=(-2.3688, 2.3688, -0.0476, -0.9704, -1.5939), says=("row 4",)),
        Right({}, effects=(-2.0890, 2.0890, -0.0465, -0.8916, -1.4816), says=("row 4",)),
        Right({}, effects=(-0.2359, 0.2359, -0.0011, -0.0720, -0.1030), says=("row 4",)),
    ],
    "c06_proportion": [Right({"intercept": -2.01}, 0.02, ("0.1",))],
    "c07_rates": [Right({"intercept": -0.56}, 0.02, ("IRR",))],
    "c12_shared_control_or": [
        Right({"intercept": 0.994}, 0.05),
        Right({"intercept": 0.536}, 0.04),
        Right({}, says=("MD, mean difference",)),
    ],
    "c13_missing_sd": [Right({"intercept": 0.304}, says=("row 2", "row 4", "row 6", "row 7"))],
    "c15_metalab": [refused("row 2", "row 3", "row 6", "row 7", OMIT)],
    "c17_numeric_codes": [
        Right({"gauge": -0.1383}),
        Right(
            {"intercept": 0.8568, "C(gauge)[T.16.0]": -0.3635, "C(gauge)[T.18.0]": -0.5532}, 0.02
        ),
        Right({"0": 0.6435, "1": 0.4456, "nd": 0.4896}),
    ],
    "c20_stata": [
        refused("row 6", "row 42", OMIT),
        refused("row 6", "row 42", OMIT),
        Right({"intercept": 0.303}, says=("88 effects", "30 studies", "row 6", "row 42")),
    ],
    "c21_large_units": [Right({"intercept": 177}, 1)],
    "c24_wide_outcomes": [Right({"intercept": 0.244}, says=("10 effects", "anx", "dep", "qol"))],
    "c25_excel_merged": [
        Right({}, effects=(0.597003, 0.657287, 0.088521, 0.634248), says=("Data",)),
        Right({}, effects=(0.597003, 0.657287, 0.088521, 0.634248)),
        Right({}, effects=(0.597003, 0.657287, 0.088521, 0.634248)),
    ],
    "c26_revman_export": [
        Right({"intercept": -0.601}, effects=(-0.732, -1.190, -0.312, -2.000, -0.522)),
        Right({"intercept": 0.377}, says=("Subtotal (95% CI)", "Total (95% CI)")),
        Right({}, says=("4 effects", "totals are not studies")),
        Right({"intercept": -0.451}),
        Right({"intercept": -0.564}),
    ],
    "c27_crossed": [refused(GIVEN_TWICE, "--crossed species")],
    "c30_ids": [
        Right({"intercept": 0.297}, says=("'Smith 2010', 'smith 2010', 'Smith  2010'",)),
        Right({}, says=("'007', '7', '7.0'", "alike=join")),
    ],
    "c34_missing_covariate": [
        Right({}, says=("mean age is blank in 2 of 12 effects (2 of 12 studies)", "12 studies")),
        Right({"intercept": -0.023, "mean age": 0.00756}, says=("10 studies",)),
        Right({"intercept": -0.023, "mean age": 0.00756}, says=("10 studies",)),
    ],
    "c35_many_long": [Right({"intercept": 0.409}, says=("160 studies",))],
    "c36_percent_moderator": [Right({"female": 0.0067}, 0.0003)],
    "c38_level_names": [
        Right(
            {"CBT + SSRI": 0.800},
            says=("adding SSRI to CBT │ 0.29", "combination against SSRI │ 0.30"),
        )
    ],
    "c46_bias_own_table": [
        Right({"intercept": 0.22}, 0.03, ("normal likelihood instead of t",)),
        Right({"intercept": 0.334, "pet": -0.315}, 0.05),
        Right({"intercept": 0.318}, 0.02),
    ],
    "c47_long_arms": [Right({}, effects=(0.5680, 0.2008, 0.6117), says=("placebo",))],
    "c48_cells_with_text": [
        Right({}, effects=(0.42, 0.15, 0.61), says=("split into g",)),
        Right({}, effects=(0.42, 0.15, 0.61, 0.30), says=("'0.42*' at row 2",)),
    ],
    "c52_header_commas": [Right({"intercept": 0.45}, 0.01), Right({"intercept": 0.45}, 0.01)],
    "c54_smcrp_no_ri": [refused("ri")],
    "c55_ratio_display": [Right({"intercept": -0.56}, 0.02, ("0.57", "0.3", "0.9"))],
}


def commands_of(case: str) -> list[list[str]]:
    """Return the arguments of every command of a case."""
    lines = (CASES / case / "command.sh").read_text().splitlines()
    commands = [shlex.split(line)[1:] for line in lines if line.startswith(("bayesmeta", "$B"))]
    for command in commands:
        if command[0] == "fit" and "--sampler" not in command and "selection" not in command:
            command += ["--sampler", "quadrature"]
    return commands


def test_every_case_is_known() -> None:
    if not CASES.is_dir():
        unavailable("../shared/cases")
    known = {case: len(rights) for case, rights in RIGHT.items()}
    found = {path.name: len(commands_of(path.name)) for path in CASES.iterdir() if path.is_dir()}
    assert known == found


@pytest.mark.parametrize("case", RIGHT)
def test_a_case_is_right_or_refused(
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not CASES.is_dir():
        unavailable("../shared/cases")
    monkeypatch.setattr(fit, "write_fit_figures", lambda *_: None)
    monkeypatch.setenv("COLUMNS", "200")
    shutil.copytree(CASES / case, tmp_path / case)
    monkeypatch.chdir(tmp_path / case)
    before = set(Path().iterdir())
    for command, right in zip(commands_of(case), RIGHT[case], strict=True):
        with pytest.raises(SystemExit) as ended:
            main([*command, "--overwrite"])
        captured = capsys.readouterr()
        text = " ".join((captured.out + captured.err).split())
        missing = [part for part in right.says if " ".join(part.split()) not in text]
        assert not missing, text
        run_printed(captured.out + captured.err, capsys)
        out = Path(command[command.index("--out") + 1])
        if ended.value.code:
            assert ended.value.code == 2
            assert "error" in text
            assert not right.terms
            assert not right.effects
            assert set(Path().iterdir()) == before
            continue
        before.add(out)
        if right.terms:
            means = pd.read_csv(out / "tables/terms.csv").set_index("term")["mean"]
            for term, mean in right.terms.items():
                assert means[term] == pytest.approx(mean, abs=right.tolerance), text
        if right.effects:
            effects = effects_of(out)
            np.testing.assert_allclose(effects, right.effects, atol=6e-4)


def run_printed(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run every command that a message prints: it must run as it stands."""
    for line in re.findall(r"bayesmeta (fit .*?)(?=;|, or |$)", text, re.MULTILINE):
        options = ["--sampler", "quadrature", "--out", "../printed", "--overwrite"]
        with pytest.raises(SystemExit) as ended:
            main([*shlex.split(line), *options])
        assert not ended.value.code, (line, capsys.readouterr())


def effects_of(out: Path) -> np.ndarray:
    """Return the effects of a fit."""
    import arviz as az

    return az.from_netcdf(out / "posterior.nc")["observed_data"]["obs"].values
