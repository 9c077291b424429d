"""A model with an interaction of a number and a factor, for the tests of margins."""

import pandas as pd
import pytest
import xarray as xr

from moderated import FORMULA, effects, tree_of


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return effects()


@pytest.fixture(scope="module")
def tree(frame: pd.DataFrame) -> xr.DataTree:
    return tree_of(frame, FORMULA)
