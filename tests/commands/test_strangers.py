"""A stranger's table gives metafor's numbers with no flag but the file and its columns."""

import json
from pathlib import Path
from typing import Any

import pytest

from bayesmeta.commands.effects import columns_of
from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.inference.reml import fit_reml, fit_table, heterogeneity_table, terms_table
from bayesmeta.infrastructure.files import root
from strangers import TABLES, write

COLUMNS = {"schools": "study=district, group=school", "correlations": "study=studyid"}


@pytest.fixture(scope="module")
def metafor() -> dict[str, Any]:
    """Fits of R's rma.mv by table; strangers.R."""
    path = root() / "tests" / "reference" / "strangers.json"
    fits: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["fits"]
    return fits


@pytest.mark.parametrize("name", TABLES)
def test_reml_of_a_strangers_table_is_metafors(
    name: str, metafor: dict[str, Any], tmp_path: Path
) -> None:
    want = metafor[name]
    inputs = read_inputs(
        Request(str(write(name, tmp_path)), columns=columns_of(None, COLUMNS.get(name)))
    )
    found = fit_reml(inputs.design, inputs.spec)
    (mean,), fit = terms_table(found).to_dict("records"), fit_table(found).iloc[0]
    tau2 = heterogeneity_table(found).query("level != 'total'")["tau2"].tolist()
    sigma2 = want["sigma2"] if isinstance(want["sigma2"], list) else [want["sigma2"]]
    assert mean["estimate"] == pytest.approx(want["beta"], rel=1e-4, abs=1e-4)
    assert mean["se"] == pytest.approx(want["se"], rel=1e-4)
    assert tau2 == pytest.approx(sigma2, rel=1e-4, abs=1e-5)
    assert fit["log_lik"] == pytest.approx(want["log_lik"], abs=1e-4)
    assert fit["QE"] == pytest.approx(want["QE"], rel=1e-4)
    assert fit["k"] == want["k"]
