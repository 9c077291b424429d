import importlib
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.infrastructure import code
from bayesmeta.infrastructure.jobs import fingerprint
from bayesmeta.infrastructure.jobs.fingerprint import function_fingerprint
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec


def table() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "study": ["a", "b", None],
            "yi": [0.1, np.nan, -0.0],
            "n": pd.array([1, None, 3], dtype="Int64"),
            "valence": pd.Categorical(["fear", None, "neutral"], ["neutral", "fear"]),
            "when": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
            "mixed": [1, "1", None],
        }
    )
    frame.attrs = {"dataset": "three", "sources": [{"sha256": "0"}]}
    return frame


def dataset() -> xr.Dataset:
    return xr.Dataset(
        {
            "yi": ("effect", [0.5, 1.0]),
            "X": (("effect", "term"), [[1.0], [0.0]]),
            "name": ("effect", ["a", "b"]),
        },
        {"effect": ["e1", "e2"], "term": ["t"], "valence": ("term", ["fear"])},
        attrs={"scale": "g"},
    )


def everything() -> tuple[Any, ...]:
    return (
        table(),
        dataset(),
        dataset()["X"],
        read_spec("three-level"),
        np.float32(2),
        "text",
        1,
        1.0,
        True,
        None,
        {"a": 1},
    )


def set_value(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[0, column] = value
        return frame

    return change


def with_attrs(frame: Any) -> Any:
    frame.attrs["added"] = 1
    return frame


ASIDE = {
    "pickled": lambda frame: pickle.loads(pickle.dumps(frame)),
    "a column put in and out": lambda frame: frame.assign(more=1).drop(columns="more"),
    "longer before": lambda frame: with_same_attrs(pd.concat([frame, frame]).iloc[:3], frame),
    "columns joined again": lambda frame: with_same_attrs(
        pd.DataFrame({n: frame[n].copy() for n in frame}), frame
    ),
}

TABLES = {
    "a value": set_value("yi", 0.2),
    "the sign of zero": lambda frame: frame.assign(yi=frame["yi"] + 0.0),
    "a text": set_value("study", "c"),
    "a missing text": set_value("study", None),
    "a category": set_value("valence", "neutral"),
    "the order of categories": lambda frame: frame.assign(
        valence=frame["valence"].cat.reorder_categories(["fear", "neutral"])
    ),
    "a category's name": lambda frame: frame.assign(
        valence=frame["valence"].cat.rename_categories({"fear": "trauma"})
    ),
    "ordered categories": lambda frame: frame.assign(valence=frame["valence"].cat.as_ordered()),
    "a date": set_value("when", pd.Timestamp("2020-01-02")),
    "a number for its text": set_value("mixed", "1"),
    "a missing count": set_value("n", pd.NA),
    "a type": lambda frame: frame.assign(n=frame["n"].astype("Float64")),
    "a column's name": lambda frame: frame.rename(columns={"yi": "zi"}),
    "the order of rows": lambda frame: frame.iloc[[1, 0, 2]].reset_index(drop=True),
    "the order of columns": lambda frame: frame[list(frame)[::-1]],
    "the index": lambda frame: frame.set_axis([1, 2, 3]),
    "attributes": with_attrs,
}

DATASETS = {
    "a value": lambda data: data.assign(yi=data["yi"] + 1e-15),
    "a label": lambda data: data.assign_coords(term=["s"]),
    "a coordinate": lambda data: data.assign_coords(valence=("term", ["trauma"])),
    "a coordinate as data": lambda data: data.reset_coords("valence"),
    "a dimension's name": lambda data: data.rename(effect="row"),
    "its dimensions": lambda data: data.rename_dims(effect="row"),
    "a variable's attributes": lambda data: data.assign(yi=data["yi"].assign_attrs(unit="g")),
    "attributes": with_attrs,
}


def with_same_attrs(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    frame.attrs = other.attrs
    return frame


@pytest.mark.parametrize("name", ASIDE)
def test_equal_tables_have_one_fingerprint(name: str) -> None:
    assert fingerprint(ASIDE[name](table())) == fingerprint(table())


@pytest.mark.parametrize("name", TABLES)
def test_what_changes_a_table_changes_its_fingerprint(name: str) -> None:
    assert fingerprint(TABLES[name](table())) != fingerprint(table())


@pytest.mark.parametrize("name", DATASETS)
def test_what_changes_a_dataset_changes_its_fingerprint(name: str) -> None:
    assert fingerprint(DATASETS[name](dataset())) != fingerprint(dataset())


def test_the_order_of_variables_does_not_count() -> None:
    data = dataset()
    assert (
        fingerprint(data[["name", "X", "yi"]])
        == fingerprint(data)
        == fingerprint(data.copy(deep=True))
    )


def test_values_that_are_not_equal_differ() -> None:
    spec = read_spec("three-level")
    values = [
        *(1, 1.0, True, "1", b"1", None, (), ("1",), (("1",),), ("1", "1"), ("11",)),
        *({"1": 1}, {"1": 1.0}, {"a": 1, "1": 1}, {"1": 1, "a": 1}),
        *(
            np.array(["1"]),
            np.array(["1"], object),
            np.array([1]),
            np.array([[1]]),
            np.array([1.0]),
        ),
        *(pd.Series([1]), pd.Series([1], name="a"), pd.Index([1]), pd.Index([1], name="a")),
        *(spec, replace(spec, rho=0.5), spec.with_flat_priors()),
        *(dataset()["X"], dataset()["X"].rename("Z"), dataset(), table()),
    ]
    assert len({fingerprint(value) for value in values}) == len(values)


def test_numpy_scalars_are_the_numbers_they_hold_and_lists_are_tuples() -> None:
    assert fingerprint([np.float64(0.1), np.int64(3), np.str_("a"), np.bool_(True)]) == fingerprint(
        (0.1, 3, "a", True)
    )
    assert fingerprint(np.arange(6).reshape(2, 3).T) == fingerprint(
        np.ascontiguousarray(np.arange(6).reshape(2, 3).T)
    )


@pytest.mark.parametrize("value", [Path("a"), {1, 2}, object(), len, (1, {2})])
def test_values_without_content_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="has no fingerprint"):
        fingerprint(value)


def test_another_process_gives_the_same() -> None:
    program = "import test_jobs_fingerprint as t; print(t.fingerprint(t.everything()))"
    for seed in "12":
        path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
        environment = os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == fingerprint(everything())


def test_a_design_built_twice_has_one_fingerprint(simulated: pd.DataFrame) -> None:
    spec = read_spec("three-level")
    assert fingerprint(build_design(simulated.copy(), spec)) == fingerprint(
        build_design(simulated, spec)
    )


def test_a_function_is_its_name_and_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "functions.py").write_text("def first(): return 1\ndef second(): return 2\n")
    module = importlib.import_module("functions")
    before = function_fingerprint(module.first)
    assert function_fingerprint(module.second) != before == function_fingerprint(module.first)
    (tmp_path / "functions.py").write_text("def first(): return 3\ndef second(): return 2\n")
    assert function_fingerprint(module.first) != before


def test_the_package_is_its_source_and_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Path(code.__file__).parents[1]
    renew = code.code_fingerprint.__wrapped__
    shutil.copytree(package, tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "__file__", str(tmp_path / "copy" / "infrastructure" / "code.py"))
    before = renew()
    with monkeypatch.context() as patch:
        patch.setattr(code, "version", lambda name: "0")
        assert renew() != before
    assert renew() == before
    (tmp_path / "copy" / "output" / "figures" / "style.py").write_text("changed = True")
    changed = renew()
    assert changed != before
    (tmp_path / "copy" / "output" / "figures" / "style.py").rename(
        tmp_path / "copy" / "output" / "figures" / "style_.py"
    )
    assert renew() not in (before, changed)
