"""`bayesmeta interpret` as a user meets it: sentences, and the numbers of a supplement."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bayesmeta.cli import main
from bayesmeta.output.folders.markup import latex_of, latex_text, markdown_of
from bayesmeta.output.folders.supplement import printed_tables
from bayesmeta.output.pages.answers import sentences
from bayesmeta.output.pages.results import Results
from report_folder import make_folder
from results_by_hand import CELLS, COMPARISON, DOUBTS, SIDES, folder, tables_of_fit


@pytest.fixture
def whole(tmp_path: Path) -> Results:
    """Results of a fit, a comparison and doubts."""
    return folder(tmp_path / "toy", tables_of_fit(**CELLS) | {"comparison": COMPARISON} | DOUBTS)


def run(*arguments: object) -> int:
    """Exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["interpret", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_the_answer_is_printed_and_nothing_written(
    whole: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(whole.folder.rglob("*"))
    assert run(whole.folder) == 0
    assert capsys.readouterr().out.splitlines() == list(sentences(whole, html=False).values())
    assert sorted(whole.folder.rglob("*")) == before


def test_simulated_data_are_marked_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = folder(tmp_path / "toy", tables_of_fit(**CELLS), synthetic=True)
    assert run(found.folder, "--out", tmp_path / "out") == 0
    assert capsys.readouterr().out.startswith("SYNTHETIC")
    for path in (tmp_path / "out").iterdir():
        assert "SYNTHETIC" in path.read_text(encoding="utf-8")


def test_a_folder_without_an_analysis_is_refused(
    whole: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (whole.folder / "tables").iterdir():
        path.unlink()
    for wrong, message in (
        (tmp_path / "nothing", "holds no results"),
        (whole.folder, "holds no analysis"),
    ):
        assert run(wrong, "--out", tmp_path / "out") == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_all_or_nothing_is_written(
    whole: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise OSError(28, "no space left")

    monkeypatch.setattr("bayesmeta.output.folders.supplement.latex_of", broken)
    assert run(whole.folder, "--out", tmp_path / "out") == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "term\na\n", "term,mean,ci_lb,ci_ub\na,x,y,z\n"])
def test_a_table_that_was_changed_and_cannot_be_read_is_named(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = make_folder(tmp_path / "toy")
    (recorded / "tables" / "terms.csv").write_text(content)
    assert run(recorded, "--out", tmp_path / "new") == 2
    assert "changed since they were written: tables/terms.csv; they" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.fixture
def written(whole: Results, tmp_path: Path) -> Path:
    """The folder of a supplement."""
    assert run(whole.folder, "--out", tmp_path / "out") == 0
    return tmp_path / "out"


def test_the_supplement_has_answer_methods_tables_and_checklist(
    written: Path, whole: Results
) -> None:
    text = (written / "supplement.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == [
        "Answer",
        "Methods",
        "Tables",
        "Reporting checklist",
    ]
    assert all(sentence in text for sentence in sentences(whole, html=False).values())
    assert "| fear memory | 0.91 [0.61, 1.21] | 0.15 | > .999 | 6000 | 1.001 |" in text
    assert "| Preamble | The goals of the analysis" in text
    assert "<" not in re.sub(r"< \.\d", "", text)


def test_csv_opens_in_a_word_processor_and_holds_the_numbers_of_the_tables(
    written: Path, whole: Results
) -> None:
    assert (written / "terms.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    read = pd.read_csv(written / "terms.csv", encoding="utf-8-sig")
    numbers = (
        read["mean [95 % interval]"]
        .str.replace("−", "-")
        .str.extractall(r"(-?[\d.]+)")[0]
        .astype(float)
    )
    table = whole.tables["terms"]
    assert (
        numbers.to_numpy().reshape(-1, 3).tolist()
        == table[["mean", "ci_lb", "ci_ub"]].round(2).to_numpy().tolist()
    )
    assert read["sd"].tolist() == table["sd"].round(2).tolist()
    assert read["bulk ESS"].tolist() == table["ess_bulk"].round().tolist()
    assert read["term"].tolist() == ["neutral memory", "fear memory", "trauma extinction"]


def test_probabilities_are_never_certain_and_missing_numbers_are_blank(written: Path) -> None:
    verdicts = pd.read_csv(written / "verdicts.csv", encoding="utf-8-sig", dtype=str)
    assert verdicts["P"].tolist() == ["> .999", "> .999", ".70"]
    assert verdicts["least P"].tolist() == [".970", ".35", ".10"]


def test_sides_are_printed_as_far_as_there_are_columns(tmp_path: Path) -> None:
    found = folder(tmp_path / "toy", tables_of_fit(**CELLS) | {"discrepancies": SIDES})
    caption, table = printed_tables(found)["discrepancies"]
    assert caption == "Discrepancies between sides"
    assert table["difference [95 % interval]"][0] == "−0.74 [−1.20, −0.30]"
    assert table["contrast"][0] == "fear learning: human − animal"
    assert "comparison" not in printed_tables(found)


def test_latex_is_balanced_and_escaped(written: Path) -> None:
    for path in written.glob("*.tex"):
        text = path.read_text(encoding="utf-8")
        plain = re.sub(r"\\[\\{}%&$#_]", "", text)
        assert plain.count("{") == plain.count("}")
        assert re.findall(r"\\begin\{(\w+)\}", text) == list(
            reversed(re.findall(r"\\end\{(\w+)\}", text))
        )
        assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
        rows = [line for line in plain.splitlines() if " & " in line]
        head = re.search(r"\\begin\{tabular\}\{(.*)\}", text)
        assert head is not None
        columns = len(re.sub(r"p\{[^}]*\}", "p", head[1]))
        assert {line.count("&") for line in rows} == {columns - 1}
        assert "−" not in text


def test_latex_own_characters_and_minus_signs() -> None:
    assert latex_text("a_b & 5 % {x} #1 $ ~ ^ \\") == (
        r"a\_b \& 5 \% \{x\} \#1 \$ \textasciitilde{} \textasciicircum{} \textbackslash{}"
    )
    assert (
        latex_text("−0.94 → τ² <") == r"$-$0.94 $\rightarrow$ $\tau$\textsuperscript{2} \textless{}"
    )
    assert r"\caption{A \& b}" in latex_of(
        pd.DataFrame({"term": ["a_b"], "mean": ["−1"]}), "A & b", "x"
    )


def test_markdown_escapes_bars() -> None:
    assert markdown_of(pd.DataFrame({"a": ["x|y"]})) == "| a |\n| --- |\n| x\\|y |"


def test_the_command_line_starts_without_the_numerical_libraries() -> None:
    code = (
        "import sys\nfrom bayesmeta.cli import main\n"
        "try:\n    main(['interpret', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'pandas', 'jax', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
