"""table: where several readings are possible the message has a command for each, and it runs."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bayesmeta.commands.effects import columns_of
from bayesmeta.commands.init import run_init
from bayesmeta.commands.options import Draft
from bayesmeta.commands.request import Inputs, Request, read_inputs
from bayesmeta.data.table import read_table
from bayesmeta.data.table.alike import alike
from bayesmeta.infrastructure.errors import BadInput
from written_tables import TABLES

COMMAND = re.compile(r"bayesmeta fit --dataset [^\n;]*?(?=   \(|; or|; if|$)", re.MULTILINE)


REPEATED = (  # tables of which a model file names columns that are made while reading
    *("Peto", "outcomes side by side", "ratios of outcomes side by side", "a row per group"),
    *("an estimate with its interval", "missing words", "totals", "a title above"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str, columns: str = "", **others: str) -> Inputs:
    Path("mine.csv").write_text(text, encoding="utf-8")
    return read_inputs(Request("mine.csv", columns=columns_of(None, columns), **others))


def run(command: str) -> list[float]:
    """Return the effects that a printed command reads; a shell takes it apart."""
    words = shlex.split(command)
    assert words[:4] == ["bayesmeta", "fit", "--dataset", "mine.csv"]
    assert words[4] == "--columns"
    assert words[6:] in ([], ["--crossed", "group_in_file"])
    return [float(yi) for yi in read_table(words[3], columns=columns_of(None, words[5]))["yi"]]


CHOICES = {
    "the error of a ratio": (
        "study,OR,SE\na,1.5,.2\nb,2,.3\n",
        "OR is a ratio; SE may refer to it or to its logarithm",
        [np.log([1.5, 2]), np.log([1.5, 2]), [1.5, 2]],
    ),
    "uneven intervals": (
        "study,estimate,lower,upper\na,2,1.1,3.6\nb,3,1,9\n",
        "are not symmetric about yi, like intervals of ratios",
        [np.log([2, 3]), [2, 3]],
    ),
    "two estimates": ("study,g,d,se\na,1,2,1\nb,3,4,1\n", "yi may be any of", [[1, 3], [2, 4]]),
    "an error or a variance": ("study,g,se,var\na,1,2,1\nb,3,4,1\n", "vi or sei", [[1, 3]] * 2),
    "two groups": (
        "study,mean_m,sd_m,n_m,mean_f,sd_f,n_f\na,5,1,20,4,1,20\nb,4,1,20,5,1,20\n",
        "the names of the groups do not show which of them is the control",
        [[0.980, -0.980], [-0.980, 0.980]],
    ),
    "rows of two groups": (
        "study,sex,n,mean,sd\na,m,20,5,1\na,f,20,4,1\nb,m,20,4,1\nb,f,20,5,1\n",
        "no label of sex means a control",
        [[0.980, -0.980], [-0.980, 0.980]],
    ),
    "a correlation or a change": (
        "study,m_pre,m_post,r,n\na,10,12,.6,20\nb,9,10,.5,30\n",
        "r stands beside m_pre, m_post: it may correlate the two occasions",
        [np.arctanh([0.6, 0.5])],
    ),
    "a study under another name": (
        "who,g,se\na,1,1\nb,2,1\n",
        "for yi it lacks study; if who names the studies",
        [[1, 2]],
    ),
    "blank cells": ("study,g,se\na,1,1\nb,,1\nc,2,1\n", "leave out the rows", [[1, 2]]),
    "crossed groups": (
        "study,group,yi,vi\na,x,1,1\na,y,2,1\nb,x,3,1\n",
        "group must lie in a single study",
        [[1, 2, 3], [1, 2, 3]],
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_every_reading_has_a_command_that_runs_as_it_stands(name: str, folder: Path) -> None:
    text, problem, effects = CHOICES[name]
    Path("mine.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as error:
        read_table("mine.csv")
    message = str(error.value)
    assert problem in message
    commands = COMMAND.findall(message)
    assert len(commands) == len(effects)
    for command, wanted in zip(commands, effects, strict=True):
        np.testing.assert_allclose(run(command), wanted, atol=5e-4)


@pytest.mark.parametrize("name", [*CHOICES, *REPEATED])
def test_init_takes_the_likeliest_reading_which_its_file_repeats(name: str, folder: Path) -> None:
    table = TABLES.get(name)
    text = table.text if table else CHOICES[name][0]
    wanted = table.yi if table else CHOICES[name][2][0]
    asked = "measure=ZCOR" if name.startswith("a correlation") else table.columns if table else ""
    Path("mine.csv").write_text(text, encoding="utf-8")
    console = Console(quiet=True)
    run_init(Draft(Path("mine.csv"), columns=columns_of(None, asked)), None, console)
    columns = columns_of("mine.toml", None)
    frame = read_table("mine.csv", columns=columns)
    np.testing.assert_allclose(frame["yi"], wanted, atol=5e-4)
    assert "# Check how the table was read" in Path("mine.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study,g\na,1\nb,2\n", "(yi may be g); for yi it lacks sei or vi"),
        ("study,n1,n2,mean1,mean2,sd1\na,9,9,1,2,1\nb,9,9,1,2,1\n", "for SMD it lacks sd2i"),
        ("study,pre_m,pre_sd,post_m,post_sd,n\na,1,1,2,1,9\nb,1,1,2,1,9\n", "for SMCC it lacks ri"),
        ("study,RR,lower,upper\na,2,1,4\nb,0,0,1\n", "a ratio must be above 0, got '0' at row 3"),
        ("Notes\nstudy,g\na,1\n", "stands above the table: 'Notes'; the names of columns are in"),
    ],
)
def test_a_message_names_what_the_nearest_form_lacks(text: str, message: str, folder: Path) -> None:
    with pytest.raises(BadInput) as error:
        read(text)
    assert message in str(error.value)


@pytest.mark.parametrize("columns", ["scale=x", "error=x", "level=x", "alike=x", "arm=x"])
def test_settings_that_cannot_be_are_refused(columns: str, folder: Path) -> None:
    text = TABLES["a row per group"].text if columns == "arm=x" else "study,OR,SE\na,1,1\nb,2,1\n"
    if columns in ("level=x", "alike=x"):
        text = "study,g,lower,upper\na,1,0,2\nb,1,0,2\n"
    with pytest.raises(BadInput, match=f"columns give {columns.replace('x', '.x')}"):
        read(text, columns)


def test_kinds_of_files_that_are_not_read_have_a_way_out(folder: Path) -> None:
    ways = {
        "a.rds": "write.csv",
        "a.jasp": "export the table as .csv",
        "a.docx": "save it as one of",
    }
    ways |= {"a.sav": "pip install pyreadstat", "a.ods": "cannot be read as ODS"}
    for name, way in ways.items():
        Path(name).write_bytes(b"hello")
        with pytest.raises(BadInput, match=re.escape(way)):
            read_inputs(Request(name, columns={"study": "x"}))


def test_labels_that_differ_by_typography_are_shown_and_joined_when_asked(folder: Path) -> None:
    text = "study,yi,vi\nSmith 2010,1,1\nsmith  2010,2,1\n007,3,1\n7.0,4,1\n"
    text += "Lee 2012a,5,1\nLee 2012,6,1\n"
    kept = read(text)
    assert kept.frame["study"].nunique() == 6
    note = next(note for note in kept.frame.attrs["notes"] if "differ only in case" in note)
    assert "'Smith 2010', 'smith  2010'; '007', '7.0'; if they are the same studies" in note
    assert len(run(COMMAND.findall(note)[0])) == 6
    assert read(text, "alike=join").frame["study"].nunique() == 4
    assert alike(["Lee–Kim", "Lee-Kim", "Müller & Co", "Muller and Co", "7", "07", "70"]) == [
        ["Lee–Kim", "Lee-Kim"],
        ["Müller & Co", "Muller and Co"],
        ["7", "07"],
    ]


def test_a_query_gets_past_rows_that_cannot_be_an_effect(folder: Path) -> None:
    text = "study,g,se,site\na,1,1,x\nb,see text,1,y\nc,2,1,x\nd,3,0,y\n"
    assert read(text, where="site != 'y'").frame["yi"].tolist() == [1, 2]
    with pytest.raises(BadInput, match="got 'see text' at row 3"):
        read(text, where="site == site")
    with pytest.raises(BadInput, match="single quotes"):
        read(text.replace("see text", "5").replace("3,0", "3,1"), where=".notna()")


def test_moderators_that_may_be_codes_percent_or_words_are_noted(folder: Path) -> None:
    rows = "".join(
        f"s{n},{n / 10},0.1,{14 + 2 * (n % 3)},{30 + 4 * n} %,{n % 3 or 'nd'}\n" for n in range(9)
    )
    text = f"study,yi,vi,gauge,female,passes\n{rows}"
    slope = read(text, moderators="~ gauge")
    notes = "\n".join(slope.frame.attrs["notes"])
    assert "gauge has the values 14, 16, 18 and is a number, so its term is a slope" in notes
    assert "--moderators 'C(gauge)'" in notes
    assert "passes is read as words, not as a number, because of 'nd' at row 2" in notes
    assert "a slope" not in "\n".join(read(text, moderators="C(gauge)").frame.attrs["notes"])
    assert read(text, moderators="~ female").design["term"].values.tolist() == [
        "intercept",
        "female",
    ]
