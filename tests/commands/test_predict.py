"""`bayesmeta predict` as a user meets it: files, what is printed, what is refused."""

import gc
import hashlib
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

from bayesmeta.commands.fit import draw_posterior
from bayesmeta.commands.options import Prediction, Sampling
from bayesmeta.commands.predict import read_posterior, run_predict
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.estimates.margins import undrawn_moderators
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of
from bayesmeta.output.folders.fit import write_tree
from moderated import SLOPE, STEP, effects, tree_of


def said(results: Path, out: Path | None, **choices: object) -> tuple[str, int]:
    printed = StringIO()
    options = Prediction(results, **choices)  # type: ignore[arg-type]
    code = run_predict(options, out, Console(file=printed, width=150))
    return printed.getvalue(), code


def saved(folder: Path, tree: xr.DataTree) -> Path:
    write_tree(folder / "posterior.nc", tree, provenance_of({"seed": 3}, {"title": "by hand"}))
    return folder


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit of a user's file with the moderators dose and species."""
    folder = tmp_path_factory.mktemp("predict")
    effects(200).to_csv(folder / "own.csv", index=False)
    inputs = read_inputs(Request(str(folder / "own.csv"), moderators="~ dose + species"))
    how = Sampling("quadrature", draws=500)
    tree = draw_posterior(inputs.design, inputs.spec, how, Steps(Console(file=StringIO())))
    write_tree(
        folder / "posterior.nc",
        tree,
        provenance_of({"seed": 3, **inputs.choices(folder)}, inputs.frame.attrs),
    )
    return folder


def test_the_grid_is_written_with_margins_a_picture_and_its_origin(fitted: Path) -> None:
    text, code = said(results=fitted, out=None)
    assert code == 0
    assert all(
        word in text for word in ("Predicted", "mouse", "rat", "new study", "new group", "tables/")
    )
    predicted = pd.read_csv(fitted / "tables" / "predicted.csv")
    columns = "dose species mean sd ci_lb ci_ub p_positive"
    limits = "pi_study_lb pi_study_ub pi_group_lb pi_group_ub"
    assert " ".join(predicted.columns) == f"{columns} {limits} outside k studies"
    means = pd.read_csv(fitted / "tables" / "marginal_means.csv")
    assert means[["moderator", "level"]].to_numpy().tolist() == [
        ["species", "mouse"],
        ["species", "rat"],
    ]
    pairs = pd.read_csv(fitted / "tables" / "marginal_contrasts.csv").iloc[0]
    assert pairs["contrast"] == "mouse - rat"
    assert pairs["ci_lb"] < -STEP < pairs["ci_ub"]
    assert {path.name for path in (fitted / "figures").iterdir()} == {
        f"conditional{end}" for end in (".png", ".svg", "-lines.csv", "-points.csv")
    }
    told = json.loads((fitted / "provenance-predict.json").read_text())
    assert (told["dataset"], told["seed"], told["weights"]) == ("own", 3, "equal")
    assert told["sources"][0]["name"] == "own.csv"
    assert "tables/predicted.csv" in told["outputs"]


def test_values_along_a_number_find_the_planted_slope(fitted: Path, tmp_path: Path) -> None:
    text, _ = said(
        results=fitted / "posterior.nc", out=tmp_path / "out", at="dose=1,2,50; species=rat"
    )
    predicted = pd.read_csv(tmp_path / "out" / "tables" / "predicted.csv")
    assert predicted["dose"].tolist() == [1, 2, 50]
    assert set(predicted["species"]) == {"rat"}
    assert predicted["mean"].diff()[1] == pytest.approx(SLOPE, abs=0.03)
    assert "beyond the range of the data in dose: 1 rows" in text
    assert not (tmp_path / "out" / "tables" / "marginal_means.csv").exists()


def test_true_effects_of_new_studies_lie_in_their_intervals(fitted: Path, tmp_path: Path) -> None:
    rng, rows = (
        np.random.default_rng(11),
        pd.DataFrame({"dose": [1.0, 4.0, 8.0] * 200, "species": ["rat", "mouse"] * 300}),
    )
    rows.to_csv(tmp_path / "new.csv", index=False)
    said(results=fitted, out=tmp_path / "out", new=tmp_path / "new.csv")
    table = pd.read_csv(tmp_path / "out" / "tables" / "predicted.csv")
    study = (
        0.2
        + SLOPE * rows["dose"]
        + STEP * (rows["species"] == "rat")
        + rng.normal(0, 0.4, len(rows))
    )
    group = study + rng.normal(0, 0.2, len(rows))
    for level, true in (("study", study), ("group", group)):
        assert 0.92 < true.between(table[f"pi_{level}_lb"], table[f"pi_{level}_ub"]).mean() < 0.98


def test_rows_of_a_file_keep_their_order(fitted: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(
        "note;species;dose\na;rat;2,5\nb;mouse;1,0\n", encoding="utf-8"
    )
    text, _ = said(results=fitted, out=tmp_path / "out", new=tmp_path / "new.csv")
    table = pd.read_csv(tmp_path / "out" / "tables" / "predicted.csv")
    assert table[["species", "dose"]].to_numpy().tolist() == [["rat", 2.5], ["mouse", 1.0]]
    assert not (tmp_path / "out" / "tables" / "marginal_means.csv").exists()
    assert "Predicted" in text


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("dose\n1\n", "the rows lack species"),
        ("dose,species\n1,rat\n2,cat\n", "'species' has the levels mouse, rat; got 'cat' at row 3"),
        ("dose,species\nmuch,rat\n", "'dose' is a number; got 'much' at row 2"),
        ("dose,species\n1,rat\n,rat\n", "'dose' is blank or infinite at row 3"),
    ],
)
def test_refuses_rows_and_writes_nothing(
    fitted: Path, tmp_path: Path, table: str, message: str
) -> None:
    (tmp_path / "new.csv").write_text(table, encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        said(results=fitted, out=tmp_path / "out", new=tmp_path / "new.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


def test_refuses_what_is_no_posterior(fitted: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"has no posterior\.nc"):
        said(results=tmp_path, out=None)
    (tmp_path / "posterior.nc").write_text("no")
    with pytest.raises(BadInput, match="cannot be read as a posterior"):
        said(results=tmp_path, out=None)
    with pytest.raises(BadInput, match="give one of them"):
        said(results=fitted, out=None, at="dose=1", new=tmp_path / "new.csv")
    with pytest.raises(BadInput, match=r"nowhere\.csv: there is no such file"):
        said(results=fitted, out=None, new=tmp_path / "nowhere.csv")
    bare = tree_of(effects(), "1")
    bare["posterior"] = bare["posterior"].to_dataset().drop_vars("beta")
    with pytest.raises(BadInput, match="without terms for the mean effect"):
        read_posterior(saved(tmp_path, bare))


def test_categories_alone_are_drawn_as_a_forest_without_the_cells_that_are_empty(
    tmp_path: Path,
) -> None:
    frame = effects()
    thin = frame[(frame["species"] == "rat") | (frame["phase"] == "learning")]
    thin.attrs = frame.attrs | {"synthetic": True}
    text, _ = said(results=saved(tmp_path, tree_of(thin, "0 + species:phase")), out=None)
    drawn = pd.read_csv(tmp_path / "figures" / "predicted.csv")
    assert drawn["term"].tolist() == ["rat:learning", "rat:memory", "mouse:learning"]
    assert len(pd.read_csv(tmp_path / "tables" / "predicted.csv")) == 3
    assert "not predicted, because the model has no effects in these cells: 1 rows" in text
    assert "SYNTHETIC" in text
    assert "SYNTHETIC" in (tmp_path / "figures" / "predicted.svg").read_text()
    assert json.loads((tmp_path / "provenance-predict.json").read_text())["synthetic"] is True


def test_what_a_picture_holds_fixed_is_said() -> None:
    from bayesmeta.estimates.margins import moderators_of

    moderators = moderators_of(tree_of(effects(), "~ dose + species + year + phase"))
    year = f"year at {effects()['year'].mean():.4g}"
    assert undrawn_moderators(moderators, {}, {"dose", "species"}) == [year, "averaged over phase"]
    assert undrawn_moderators(
        moderators, {"year": ["1999"], "phase": ["memory"]}, {"dose", "species"}
    ) == [
        "year at 1999",
        "phase at memory",
    ]


@pytest.mark.parametrize("damage", ["flipped", "cut", "zeros", "foreign", "empty"])
@pytest.mark.parametrize("has_record", [True, False])
def test_a_damaged_posterior_is_refused(
    damage: str, has_record: bool, fitted: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = (fitted / "posterior.nc").read_bytes()
    middle = len(content) // 2
    damaged = {
        "flipped": content[:40] + bytes([content[40] ^ 1]) + content[41:],
        "cut": content[:middle],
        "zeros": content[:middle] + bytes(middle),
        "foreign": b"CDF\x01" + content[4:],
        "empty": b"",
    }[damage]
    (tmp_path / "posterior.nc").write_bytes(damaged)
    if has_record:
        digest = hashlib.sha256(content).hexdigest()
        record = json.dumps({"outputs": {"posterior.nc": digest}})
        (tmp_path / "provenance.json").write_text(record)
    problem = "is not the file that its provenance lists" if has_record else "cannot be read"
    with pytest.raises(BadInput, match=problem):
        read_posterior(tmp_path)
    gc.collect()
    assert capfd.readouterr().err == ""


def test_a_posterior_of_another_program_is_refused(tmp_path: Path) -> None:
    beta = xr.Dataset({"beta": (("chain", "draw"), np.zeros((2, 3)))})
    design = xr.Dataset({"X": ("row", np.zeros(2))})
    tree = xr.DataTree.from_dict({"posterior": beta, "constant_data": design})
    tree.to_netcdf(tmp_path / "posterior.nc", engine="h5netcdf")
    with pytest.raises(BadInput, match=r"posterior.nc cannot be read|holds no model"):
        read_posterior(tmp_path)
