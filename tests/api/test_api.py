"""The interface from Python: numbers of the command line and of metafor, figures, examples."""

import doctest
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

import bayesmeta
from bayesmeta import api
from bayesmeta.api import posterior, requests
from bayesmeta.api.tables import effect_table
from bayesmeta.cli import main
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.infrastructure.files import root
from bayesmeta.model.spec import read_spec
from bayesmeta.output.folders.compact import compacted

HEAVY = "{'jax', 'pymc', 'pandas', 'numpy', 'matplotlib', 'arviz', 'xarray', 'bayesmeta.api'}"
CELLS = {"moderators": "valence:phase", "draws": 500, "tune": 500}
SMALL = {
    case["name"]: case
    for case in json.loads((root() / "tests/reference/rma_mv.json").read_text())["small"]
}
PAGE = root() / "docs" / "python.md"


@pytest.fixture(scope="module")
def fit_once() -> Callable[..., xr.DataTree]:
    """`fit` with a memory, so that examples which fit the same thing wait once."""
    known: dict[str, xr.DataTree] = {}

    def fit(frame: pd.DataFrame, *rest: object, **options: Any) -> xr.DataTree:
        asked_for = repr((frame.to_csv(), rest, sorted(options.items())))
        if asked_for not in known:
            known[asked_for] = posterior.fit(frame, *rest, **options)
        return known[asked_for]

    return fit


@pytest.fixture
def remembering(fit_once: Callable[..., xr.DataTree], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "fit", fit_once)


@pytest.fixture(scope="module")
def tree(fit_once: Callable[..., xr.DataTree]) -> xr.DataTree:
    """The fit of the docs' page."""
    return fit_once(bayesmeta.example(), **CELLS)


def test_importing_the_package_is_instant_and_names_are_seen() -> None:
    code = f"import sys, bayesmeta; assert not {HEAVY} & set(sys.modules); print(*dir(bayesmeta))"
    seen = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert set(bayesmeta.__all__) <= set(seen)
    assert {*api.__all__, "BadInput"} <= set(bayesmeta.__all__)
    for name in {*api.__all__}:
        assert getattr(bayesmeta, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="attribute"):
        _ = bayesmeta.fits


@pytest.mark.parametrize(
    "first",
    [
        "bayesmeta.{0}",
        pytest.param("import bayesmeta.estimates.contrasts", marks=pytest.mark.slow),
        pytest.param("bayesmeta.api", marks=pytest.mark.slow),
    ],
)
def test_names_are_functions_whatever_is_imported_first(first: str) -> None:
    lines = ["import bayesmeta"]
    for name in ("contrasts", "effects", "reml"):
        lines += [first.format(name), f"from bayesmeta import {name}", f"assert callable({name})"]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_fit_gives_the_numbers_of_the_command_line(tree: xr.DataTree, tmp_path: Path) -> None:
    bayesmeta.example().to_csv(tmp_path / "own.csv", index=False)
    options = [
        "--moderators",
        "valence:phase",
        "--draws",
        "500",
        "--tune",
        "500",
        "--out",
        str(tmp_path / "out"),
    ]
    with pytest.raises(SystemExit) as ended:
        main(["fit", "--dataset", str(tmp_path / "own.csv"), *options])
    assert ended.value.code in (0, None)
    written = az.from_netcdf(tmp_path / "out" / "posterior.nc")
    assert set(tree.children) == set(written.children)
    in_file, _ = compacted(tree)
    for name in set(tree.children) - {"constant_data"}:
        xr.testing.assert_equal(in_file[name].to_dataset(), written[name].to_dataset())
    own, theirs = (
        each["constant_data"].to_dataset().drop_vars("sheet_row") for each in (tree, written)
    )
    xr.testing.assert_equal(own, theirs)
    for name, table in (("terms", bayesmeta.terms(tree)), ("contrasts", bayesmeta.contrasts(tree))):
        pd.testing.assert_frame_equal(
            pd.read_csv(tmp_path / "out" / "tables" / f"{name}.csv"), table
        )


@pytest.mark.parametrize("name", ["three levels", "four levels", "rho", "ML"])
def test_reml_equals_metafor(name: str) -> None:
    case = SMALL[name]
    frame = pd.DataFrame({key: column for key, column in case["input"].items() if key != "formula"})
    spec = replace(
        read_spec("three-level"), levels=tuple(case["levels"]), rho=float(case["rho"]), contrasts={}
    )
    found = bayesmeta.reml(frame, spec, moderators=case["input"]["formula"], method=case["method"])
    terms = found.terms.set_index("term").loc[case["terms"]]
    np.testing.assert_allclose(terms["estimate"], case["beta"], 1e-5, 1e-7)
    np.testing.assert_allclose(
        terms[["se", "zval"]], np.transpose([case["se"], case["zval"]]), 1e-5
    )
    np.testing.assert_allclose(
        found.heterogeneity["tau2"][: len(case["levels"])], case["sigma2"], 1e-5, 1e-6
    )
    assert found.fit["QE"].item() == pytest.approx(case["QE"], rel=1e-5)
    if "cr2" in case:
        np.testing.assert_allclose(
            found.robust.set_index("term").loc[case["terms"], "se"], case["cr2"]["se"], 1e-5
        )
        np.testing.assert_allclose(found.profile["tau_ci_ub"], case["profile"]["ub"], 1e-5, 1e-6)


def test_reml_is_shown_as_text_and_html() -> None:
    found = bayesmeta.reml(
        bayesmeta.example(), moderators="valence", test="t", question={"a < b": "fear - neutral"}
    )
    text, html = repr(found), found._repr_html_()
    assert "REML, study > group: 96 effects, 48 groups, 24 studies" in text
    for table in (text, html):
        assert {"tau2", "QE", "CR2", "tval", "p_bonferroni"} <= set(re.findall(r"\w+", table))
        assert f"{found.terms['estimate'][0]:.4f}" in table
    assert html.count("<table") == 4
    assert "a &lt; b" in html
    assert len(found.robust) == 3


def test_contrasts_are_sums_of_draws(handmade: xr.DataTree) -> None:
    beta = handmade["posterior"]["beta"]
    draws = (beta.sel(term="fear:memory") - 0.5 * beta.sel(term="neutral:memory")).values.ravel()
    row = bayesmeta.contrasts(handmade, "fear:memory - 0.5 * neutral:memory", rope=0.95).iloc[0]
    wanted = [
        draws.mean(),
        draws.std(ddof=1),
        *np.quantile(draws, [0.025, 0.975]),
        (draws > 0).mean(),
    ]
    np.testing.assert_allclose(
        row[["mean", "sd", "ci_lb", "ci_ub", "p_positive"]].astype(float), wanted
    )
    assert row["p_rope"] == (abs(draws) < 0.95).mean() > 0
    several = bayesmeta.contrasts(handmade, ["fear:memory", "neutral:memory"])
    assert several["contrast"].tolist() == ["fear:memory", "neutral:memory"]
    assert bayesmeta.contrasts(handmade, {"x": "fear:memory"})["contrast"].tolist() == ["x"]
    assert bayesmeta.contrasts(handmade)["contrast"].tolist()[2:] == ["fear - neutral", "half"]


def test_diagnostics_have_rules_and_a_failure_warns(handmade: xr.DataTree) -> None:
    found = bayesmeta.diagnostics(handmade)
    assert found["passed"].all() == found.attrs["passed"] == (found.attrs["failures"] == [])
    with pytest.warns(UserWarning, match="a diagnostic failed: .*bulk ESS [0-9]+, below 400"):
        bayesmeta.fit(bayesmeta.example(), sampler="quadrature", draws=20)


def test_new_rows_grids_and_margins_are_the_commands(tmp_path: Path) -> None:
    frame = bayesmeta.example()
    tree = bayesmeta.fit(frame, moderators="~ dose * phase", sampler="quadrature", draws=250)
    rows = pd.DataFrame({"phase": ["memory", "learning"], "dose": [1.0, 9.0]})
    found = bayesmeta.predict(tree, rows)
    draws = tree["posterior"]["beta"]
    pd.testing.assert_frame_equal(
        found, bayesmeta.predict(tree, rows.iloc[::-1]).iloc[::-1].reset_index(drop=True)
    )
    np.testing.assert_allclose(
        found["mean"][1], (draws.sel(term="intercept") + 9 * draws.sel(term="dose")).mean()
    )
    assert found["outside"].tolist() == ["", "dose"]
    at = {"dose": (1, 9), "phase": "memory"}
    grid = bayesmeta.predict(tree, at=at)
    assert (grid["dose"].tolist(), set(grid["phase"])) == ([1, 9], {"memory"})
    assert grid["mean"][0] == pytest.approx(found["mean"][0])
    tree.to_netcdf(tmp_path / "posterior.nc", engine="h5netcdf")
    with pytest.raises(SystemExit):
        main(["predict", str(tmp_path), "--at", "dose=1,9; phase=memory"])
    written = pd.read_csv(tmp_path / "tables" / "predicted.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(written, grid.astype({"phase": str}), check_dtype=False)
    means, pairs = (
        bayesmeta.marginal_means(tree, "phase"),
        bayesmeta.marginal_contrasts(tree, "phase"),
    )
    assert means["phase"].tolist() == ["learning", "memory"]
    assert pairs["mean"].item() == pytest.approx(means["mean"][0] - means["mean"][1])
    assert bayesmeta.marginal_means(tree, at={"dose": 1}, weights="frequency").shape[0] == 1


def test_rows_without_an_effect_are_left_out_with_a_warning(tmp_path: Path) -> None:
    frame = bayesmeta.example()
    frame.loc[[3, 7], ["yi", "vi"]] = np.nan
    with pytest.warns(UserWarning, match="2 of 96 rows are left out, .* at row 3, at row 7"):
        found = bayesmeta.reml(frame)
    assert found.fit["k"].item() == 94
    frame.to_csv(tmp_path / "own.csv", index=False)
    with pytest.warns(UserWarning, match="2 of 96 rows are left out, .* at row 5, at row 9"):
        read = bayesmeta.read(tmp_path / "own.csv")
    assert bayesmeta.reml(read).fit["k"].item() == 94


def test_a_file_is_read_with_its_columns_named(tmp_path: Path) -> None:
    frame = bayesmeta.example().rename(columns={"study": "lab", "yi": "out come"})
    frame.to_csv(tmp_path / "own.csv", index=False)
    one = bayesmeta.read(tmp_path / "own.csv", columns="study=lab, yi=out come")
    two = bayesmeta.read(str(tmp_path / "own.csv"), columns={"study": "lab", "yi": "out come"})
    pd.testing.assert_frame_equal(one, two)
    np.testing.assert_array_equal(one["yi"], frame["out come"])


@pytest.mark.parametrize("kind", ["forest", "means", "orchard", "caterpillar", "taus", "chains"])
def test_plots_say_what_they_are_of(tree: xr.DataTree, kind: str) -> None:
    figure = bayesmeta.plot(tree, kind)
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")  # by which a notebook shows it
    assert figure.get_suptitle().startswith("SYNTHETIC  ")
    assert figure.get_suptitle().endswith(": simulated effects of 24 studies")
    assert bayesmeta.plot(tree, kind, title="Own").get_suptitle() == "SYNTHETIC  Own"


def test_a_bubble_plot_is_along_a_number() -> None:
    tree = bayesmeta.fit(bayesmeta.example(), moderators="~ dose", sampler="quadrature", draws=250)
    figure = bayesmeta.plot(tree, "bubble")
    assert figure.axes[0].get_xlabel() == "dose"
    assert (
        figure.get_suptitle()
        == "SYNTHETIC  Mean along a moderator: simulated effects of 24 studies"
    )


def test_both_schools_stand_side_by_side() -> None:
    both = bayesmeta.compare(bayesmeta.example(), moderators="phase").set_index("term")
    alone = bayesmeta.reml(bayesmeta.example(), moderators="phase").terms.set_index("term")
    np.testing.assert_allclose(both.loc[alone.index, "estimate"], alone["estimate"])
    assert both.index.tolist() == ["learning", "memory", "tau_study", "tau_group"]


def test_effects_are_those_of_the_measure() -> None:
    columns = {
        "m1i": [5.0, 4.0],
        "sd1i": [1.0, 2.0],
        "n1i": 10,
        "m2i": [4.0, 5.0],
        "sd2i": 1.5,
        "n2i": [12, 9],
    }
    yi, vi = MEASURES["MD"](**columns)
    alone = bayesmeta.effects("MD", **columns)
    assert (alone["yi"].tolist(), alone["vi"].tolist()) == (yi.tolist(), vi.tolist())
    frame = pd.DataFrame({"study": ["a", "b"]} | columns).rename(columns={"m1i": "mean"})
    made = bayesmeta.effects("MD", frame, m1i="mean")
    assert made["vi"].tolist() == vi.tolist()
    assert made.attrs["scale"] == "mean difference"
    assert len(bayesmeta.effects("ZCOR", ri=0.5, ni=20)) == 1


def test_a_frame_is_completed_as_a_file_is(tmp_path: Path) -> None:
    frame = (
        bayesmeta.example()
        .drop(columns="group")
        .assign(study=np.repeat(np.arange(24), 4), weekend=True)
    )
    frame.to_csv(tmp_path / "own.csv", index=False)
    table, read = effect_table(frame), bayesmeta.read(tmp_path / "own.csv")
    pd.testing.assert_frame_equal(table.drop(columns="sheet_row"), read.drop(columns="sheet_row"))
    assert table["effect"].tolist()[:2] == ["0:1", "0:2"]
    ordered = frame.assign(
        valence=pd.Categorical(frame["valence"], ["neutral", "fear"]), sei=frame["vi"] ** 0.5
    )
    table = effect_table(ordered.drop(columns="vi"))
    assert table["valence"].cat.categories.tolist() == ["neutral", "fear"]
    np.testing.assert_allclose(table["vi"], frame["vi"])
    assert effect_table(read).equals(read)


def test_rows_and_where_may_be_left_out() -> None:
    frame = bayesmeta.read("clinical-twin")
    memory = requests.inputs_of(frame[frame["phase"] == "memory"], None, None, None)
    by_query = requests.inputs_of(frame, None, None, "phase == 'memory'")
    xr.testing.assert_equal(memory.design, by_query.design)
    dosed = requests.inputs_of(bayesmeta.example(), None, "valence", "dose > 1")
    assert dosed.design.sizes["effect"] == (bayesmeta.example()["dose"] > 1).sum()
    assert dosed.spec.terms == "0 + valence"
    assert requests.inputs_of(bayesmeta.example(), None, None, None).spec.terms == "1"


def test_a_notebook_that_cannot_show_what_changes_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert posterior.shown_steps().console is not None
    monkeypatch.setattr(posterior, "Console", lambda: type("Console", (), {"is_jupyter": True}))
    monkeypatch.setattr(posterior, "find_spec", lambda name: None)
    assert posterior.shown_steps().console is None


@pytest.mark.wide
@pytest.mark.usefixtures("remembering")
@pytest.mark.parametrize("name", sorted({getattr(api, name).__module__ for name in api.__all__}))
def test_examples_of_the_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_function_has_an_example() -> None:
    functions = [
        getattr(api, name) for name in api.__all__ if not isinstance(getattr(api, name), type)
    ]
    assert all(">>> import bayesmeta" in function.__doc__ for function in functions)


@pytest.mark.wide
@pytest.mark.usefixtures("remembering")
def test_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in re.findall(
        r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        exec(compile(block, str(PAGE), "exec"), names)
    assert capsys.readouterr().out.startswith(
        "contrast 'fear:memry - neutral:memory' names unknown term 'fear:memry'"
    )
    memory = bayesmeta.contrasts(names["tree"], names["questions"]).iloc[0]
    assert (round(memory["mean"], 1), memory["p_positive"]) == (1.0, 1.0)


def test_a_notebook_shows_the_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    notebook = type("Notebook", (), {"is_jupyter": True})
    monkeypatch.setattr(posterior, "Console", notebook)
    monkeypatch.setattr(posterior, "find_spec", lambda name: None)  # without progress
    monkeypatch.setattr(posterior, "print_fit", lambda *given: shown.append(given))
    tree = bayesmeta.fit(bayesmeta.example(), sampler="quadrature", draws=200)
    (_, tables, diagnosis) = shown[0]
    assert tables["terms"]["term"].tolist() == tree["posterior"]["term"].values.tolist()
    assert diagnosis["passed"]
    bayesmeta.fit(bayesmeta.example(), sampler="quadrature", draws=200, progress=False)
    assert len(shown) == 1
