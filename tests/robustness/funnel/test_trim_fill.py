"""Trim and fill is metafor's, and refuses what has no cells."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec, read_spec
from bayesmeta.robustness.funnel import trim_fill_table
from bayesmeta.robustness.funnel.trim_fill import fill

PATH = root() / "tests" / "reference" / "trimfill.json"
TABLES: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))["tables"]


@pytest.fixture
def spec() -> ModelSpec:
    return read_spec("intercept")


def design_of(name: str, spec: ModelSpec) -> Any:
    table = TABLES[name]
    labels = [f"s{number:02d}" for number in range(len(table["yi"]))]
    frame = pd.DataFrame({"study": labels, "group": labels, "effect": labels})
    return build_design(frame.assign(yi=table["yi"], vi=table["vi"]), spec)


@pytest.mark.parametrize("name", TABLES)
def test_filled_means_are_metafors(name: str, spec: ModelSpec) -> None:
    row = trim_fill_table(design_of(name, spec)).iloc[0]
    want = TABLES[name]
    assert (row["side"], row["filled"], row["k"]) == (want["side"], want["k0"], len(want["yi"]))
    ends = ["estimate", "ci_lb", "ci_ub"]
    np.testing.assert_allclose(row[ends].astype(float), want["before"], atol=1e-6)
    filled = row[[f"filled_{end}" for end in ends]].astype(float)
    np.testing.assert_allclose(filled, want["after"], atol=1e-5)  # its second fit stops at 1e-5


def test_a_symmetric_funnel_gets_nothing() -> None:
    y = np.array([-0.5, -0.2, 0.0, 0.2, 0.5])
    filled = fill(y, np.array([0.2, 0.1, 0.05, 0.1, 0.2]))
    assert filled.added == 0
    np.testing.assert_array_equal(filled.y, y)


def test_added_effects_mirror_the_trimmed_ones() -> None:
    filled = fill(*(np.array(TABLES["simulated"][name]) for name in ("yi", "vi")))
    images = filled.y[-filled.added :]
    largest = np.sort(TABLES["simulated"]["yi"])[-filled.added :]
    centres = (images + largest) / 2
    np.testing.assert_allclose(centres, centres[0])


def test_slopes_are_refused(spec: ModelSpec) -> None:
    design = design_of("bcg", spec)
    design["X"] = design["X"] * 0.5
    with pytest.raises(BadInput, match="trim and fill needs cells"):
        trim_fill_table(design)


def test_equal_variances_have_no_funnel(spec: ModelSpec) -> None:
    design = design_of("bcg", spec)
    design["vi"] = design["vi"] * 0 + 0.1
    assert trim_fill_table(design).empty
