"""A tree in a file: nothing is lost, numbers are right to the stated digits."""

from pathlib import Path

import arviz
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.inference.independent import independent_posterior
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import read_spec
from bayesmeta.output.folders.compact import rounded
from bayesmeta.output.folders.fit import write_tree


def test_numbers_are_rounded_to_the_nearest() -> None:
    values = np.array([1.0, -1.0, np.pi, 1e-30, -7e20, 0.0, np.inf, -np.inf])
    found = rounded(values, 10)
    np.testing.assert_allclose(found[:6], values[:6], rtol=2**-11)
    np.testing.assert_array_equal(found[5:], [0, np.inf, -np.inf])
    assert np.isnan(rounded(np.array([np.nan]), 10)).all()


def test_a_file_has_every_variable_of_the_tree(simulated: pd.DataFrame, tmp_path: Path) -> None:
    spec = read_spec("four-level").with_terms("1")
    design = build_design(simulated, spec)
    tree = independent_posterior(design, spec, draws=600, seed=2)
    path = tmp_path / "posterior.nc"
    write_tree(path, tree, {"label": "synthetic"})
    written = arviz.from_netcdf(path)
    assert set(written.children) == set(tree.children)
    for name, group in tree.children.items():
        found = written[name].to_dataset()
        assert set(found.data_vars) == set(group.data_vars)
        for variable, values in group.data_vars.items():
            same = values.sel(draw=found["draw"]) if "draw" in values.dims else values
            if same.dtype.kind == "f":
                np.testing.assert_allclose(found[variable], same, rtol=6e-4)
    assert written["posterior_predictive"].sizes["draw"] == 300
    for name in ("beta", "tau_study", "tau_effect"):
        np.testing.assert_array_equal(written["posterior"][name], tree["posterior"][name])
    plain = sum(values.nbytes for group in tree.subtree for values in group.data_vars.values())
    assert path.stat().st_size < 0.5 * plain


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_an_error_of_python_and_ends_no_process(handmade: xr.DataTree) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        write_tree(Path("/dev/full"), handmade, {"label": "x"})


def test_a_bit_that_has_changed_in_the_draws_is_found(
    handmade: xr.DataTree, tmp_path: Path
) -> None:
    write_tree(tmp_path / "posterior.nc", handmade, {"label": "x"})
    content = bytearray((tmp_path / "posterior.nc").read_bytes())
    at = content.find(handmade["posterior"]["beta"].values.ravel()[:3].tobytes())
    assert at > 0
    content[at + 5] ^= 1
    (tmp_path / "posterior.nc").write_bytes(content)
    with pytest.raises(OSError, match="filter returned failure"):
        xr.open_datatree(tmp_path / "posterior.nc", engine="h5netcdf").load()
