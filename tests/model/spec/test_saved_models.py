"""The model in a tree is the model that was fitted.

Of model files, of changed ones, of ones built in Python.
"""

from dataclasses import replace
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmeta
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root
from bayesmeta.model.design import typical_variance, with_model
from bayesmeta.model.spec import ModelSpec, Prior, read_spec, spec_from_json, spec_of, spec_to_json

MODELS = sorted((root() / "models").glob("*.toml"))
THREE = read_spec("three-level")
FROM_PYTHON = ModelSpec(
    name="mine",
    title="My model",
    terms="0 + valence:phase",
    levels=("group", "study"),
    priors={
        "terms": Prior("Normal", (0.0, 1.0)),
        "tau": Prior("HalfCauchy", (0.5,), "a long tail"),
    },
    rho=0.6,
    rope=0.5,
    contrasts={"difference": "fear:memory - neutral:memory"},
)
OTHERS = {
    "rho and rope": replace(THREE, rho=0.6, rope=0.5),
    "terms": THREE.with_terms("1 + dose"),
    "levels": THREE.with_levels(("study",)),
    "terms sd fixed": replace(THREE, priors={**THREE.priors, "terms": Prior("Normal", (0.0, 0.3))}),
    "flat": THREE.with_flat_priors(),
    "built": FROM_PYTHON,
}


def carried(spec: ModelSpec) -> ModelSpec:
    """A model after it went through a tree, without a fit."""
    design = xr.Dataset(coords={"term": ["a", "b"]}, attrs={"dataset": "mine"})
    return spec_of(xr.DataTree.from_dict({"constant_data": with_model(design, spec)}))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_tree_holds_the_model_of_every_file(path: Path) -> None:
    spec = read_spec(path)
    assert carried(spec) == spec
    assert carried(spec).sha256 == spec.sha256


@pytest.mark.parametrize("name", OTHERS)
def test_a_tree_holds_changed_and_built_models(name: str) -> None:
    assert carried(OTHERS[name]) == OTHERS[name]
    assert OTHERS[name].sha256 != THREE.sha256


def test_levels_are_sorted_and_lists_are_taken() -> None:
    assert FROM_PYTHON.levels == ("study", "group")
    assert replace(FROM_PYTHON, levels=["effect", "study"]).levels == ("study", "effect")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", 'title = "TOML"', '{"name": "m"}', spec_to_json(THREE)[:-1] + ', "x": 1}'],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="run bayesmeta fit again"):
        spec_from_json(text)


def test_a_tree_without_a_model_is_refused() -> None:
    with pytest.raises(BadInput, match="has no model"):
        spec_of(xr.DataTree.from_dict({"constant_data": xr.Dataset()}))


def fit(frame: pd.DataFrame, spec: ModelSpec) -> xr.DataTree:
    return bayesmeta.fit(frame, spec, sampler="quadrature", draws=250, progress=False)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return bayesmeta.example()


@pytest.fixture(scope="module", params=["rho and rope", "built"])
def fitted(request: pytest.FixtureRequest, frame: pd.DataFrame) -> tuple[ModelSpec, xr.DataTree]:
    spec = replace(OTHERS[request.param], terms="0 + valence:phase")
    return spec, fit(frame, spec)


def test_tables_follow_the_fields_of_the_model(
    fitted: tuple[ModelSpec, xr.DataTree], tmp_path: Path
) -> None:
    spec, tree = fitted
    assert bayesmeta.spec_of(tree) == spec
    tree.to_netcdf(tmp_path / "posterior.nc", engine="h5netcdf")
    for one in (tree, az.from_netcdf(tmp_path / "posterior.nc")):
        assert spec_of(one) == spec
        design, taus = (
            one["constant_data"].to_dataset(),
            one["posterior"].dataset[["tau_study", "tau_group"]],
        )
        study, group = (taus[f"tau_{level}"].values.ravel() ** 2 for level in ("study", "group"))
        share = 100 * (study + group) / (study + group + typical_variance(design, 0.6))
        assert abs(typical_variance(design, 0.6) / typical_variance(design, 0.0) - 1) > 0.2
        i2 = bayesmeta.heterogeneity(one).set_index("level").loc["total", "i2_mean"]
        np.testing.assert_allclose(i2, share.mean(), rtol=1e-12)
        table = bayesmeta.contrasts(one).set_index("contrast")
        draws = one["posterior"]["beta"]
        difference = (draws.sel(term="fear:memory") - draws.sel(term="neutral:memory")).values
        np.testing.assert_allclose(
            table.loc["fear:memory", "p_rope"], (abs(draws.sel(term="fear:memory")) < 0.5).mean()
        )
        named = "memory: fear - neutral" if spec.name == "three-level" else "difference"
        if named in table.index:
            np.testing.assert_allclose(table.loc[named, "mean"], difference.mean())


def test_contrasts_of_a_model_built_in_python_are_in_its_tree(frame: pd.DataFrame) -> None:
    tree = fit(frame, FROM_PYTHON)
    assert list(bayesmeta.contrasts(tree)["contrast"])[-1] == "difference"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": ("study", "lab")}, "no column 'lab' for random effects"),
        (
            {"likelihood": "cauchy"},
            "likelihood of model three-level is 'cauchy'; it should be one of normal",
        ),
        ({"rho": 1.0}, "rho of model three-level is 1.0; it should be a number from 0 to below 1"),
        ({"priors": {"tau": Prior("HalfNormal", (1.0,))}}, r"gives no prior for \['terms'\]"),
        (
            {"priors": {**THREE.priors, "tau": Prior("Normal", (0.0, 1.0))}},
            "prior of tau is Normal.0, 1.; it should be",
        ),
        ({"bias": "selection"}, r"gives no prior for \['weights'\]"),
    ],
)
def test_a_model_built_in_python_keeps_the_rules_of_a_file(
    frame: pd.DataFrame, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        fit(frame, replace(THREE, **changes))  # type: ignore[arg-type]
