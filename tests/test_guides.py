"""The guides: their commands give what the pages print, and metafor's numbers."""

import importlib.util
import re
import shlex
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import bayesmeta
from bayesmeta.cli import main

pytestmark = pytest.mark.wide

DOCS = Path(__file__).parents[1] / "docs"
NUMBER = re.compile(r"[−-]?\d*\.?\d+(?:e[+-]\d+)?")
BY_CHANCE = ("diagnostics passed", "4000 draws by NUTS")  # lines that vary between machines
COLUMN = re.compile(r"[−-]?\d+\.\d+")


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("guides", DOCS / "guides.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GUIDES = load()
PAGES = [page for page in sorted((DOCS / "guides").glob("*.md")) if GUIDES.blocks_of(page)]


def numbers_of(line: str) -> list[float]:
    return [float(number.replace("−", "-")) for number in NUMBER.findall(line)]


def words_of(line: str) -> str:
    return " ".join(NUMBER.sub("0", line).split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_print_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(GUIDES.TABLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    for command, shown in GUIDES.blocks_of(page):
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(command)[1:])
        assert not ended.value.code, command
        lines = GUIDES.plain(capsys.readouterr().out).splitlines()
        printed = [line for line in lines if not line.startswith(BY_CHANCE)]
        expected = [line for line in shown.splitlines() if not line.startswith(BY_CHANCE)]
        assert list(map(words_of, printed)) == list(map(words_of, expected)), command
        for now, then in zip(printed, expected, strict=True):
            assert numbers_of(now) == pytest.approx(numbers_of(then), abs=0.03, rel=0.03), command


def test_reml_is_that_of_metafor() -> None:
    """The first two columns of numbers of the page are metafor's, the others bayesmeta's."""
    rows = {
        line.split("|")[1].strip(): line.split("|")[2:4]
        for line in (DOCS / "guides" / "from-metafor.md").read_text(encoding="utf-8").splitlines()
        if line.count("|") == 4 and COLUMN.search(line.split("|")[2])
    }
    frame = bayesmeta.read(DOCS / "guides" / "sleep.csv")
    ours = {}
    for moderators, mean in ((None, "mean"), ("~ weeks", "intercept, with `~ weeks`")):
        fit = bayesmeta.reml(frame, moderators=moderators)
        terms = fit.terms.set_index("term")
        ours[mean] = terms.loc["intercept", ["estimate", "se"]].tolist()
        tau = fit.heterogeneity.set_index("level").loc["study", "tau"]
        ours["tau" if moderators is None else "tau, with `~ weeks`"] = [tau]
        if moderators:
            ours["slope of weeks"] = terms.loc["weeks", ["estimate", "se"]].tolist()
    assert ours.keys() == rows.keys()
    for name, values in ours.items():
        for column in rows[name]:
            printed = [float(number.replace("−", "-")) for number in COLUMN.findall(column)]
            assert values == pytest.approx(printed, abs=6e-5), name


def test_effects_of_regions_are_those_of_their_printed_f_tests() -> None:
    text = " ".join((DOCS / "sisters.md").read_text(encoding="utf-8").split())
    printed = re.findall(r"F\(1, 25\) = (\d+\.\d+)", text)
    assert len(printed) == 2
    sizes = bayesmeta.effects("SMCC", ti=np.sqrt(np.array(printed, float)), ni=28)
    for g, v in zip(sizes["yi"], sizes["vi"], strict=True):
        low, high = g - 1.96 * np.sqrt(v), g + 1.96 * np.sqrt(v)
        assert f"{g:.2f} [{low:.2f}, {high:.2f}]" in text
