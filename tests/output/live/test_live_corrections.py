"""Standard errors entered as standard deviations: the page with and without their correction."""

import json
from base64 import b64decode
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesmeta.commands.live import LiveContent, live_content
from bayesmeta.commands.request import Inputs, Request, read_inputs, select
from bayesmeta.inference.quadrature import contrasts_table, integrate_posterior
from bayesmeta.model.design import build_design, named_weights
from bayesmeta.model.spec import parse_spec
from bayesmeta.output.live import live_page
from bayesmeta.output.live.page import json_text
from bayesmeta.robustness import lint
from live_engine import ask
from raw_tables import MODEL, simulate, with_sems

HOSTILE = "<img src=x onerror=\"document.title='run'\">"
CORRECTED = '#set={"corrected":true}'
SWITCH = 'id="errors"'


def inputs_of(frame: pd.DataFrame) -> Inputs:
    return select(frame, frame, parse_spec(MODEL, "toy"))


def typed_as_sds() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a table in which a study typed SEMs as SDs, and the table as it should be."""
    clean = simulate(3)
    clean["study"] = clean["study"].where(clean["study"] != "s05", HOSTILE)
    return with_sems(clean, HOSTILE), clean


def payload_of(content: LiveContent) -> Any:
    return json.loads(json_text(content.payload))


def page_of(content: LiveContent) -> str:
    about = {"dataset": "toy", "model": "toy", "title": "", "synthetic": False, "notes": []}
    return live_page(content.payload, about | {"source": "", "k": 160, "studies": 40})


def rows_of(payload: Any, fragment: str) -> pd.DataFrame:
    """Return the summaries of the page with the settings of a link."""
    asked = {"ask": "answer", "payload": payload, "fragment": fragment, "more": {}}
    (answer,) = ask([{**asked, "kind": "summary"}])
    rows = pd.DataFrame(answer["value"]["rows"])
    rows[["ci_lb", "median", "ci_ub"]] = rows["quantiles"].tolist()
    return rows


def compare(rows: pd.DataFrame, frame: pd.DataFrame, inputs: Inputs) -> None:
    """Compare with Python's quadrature of the table, to 1e-6 posterior sds."""
    design = build_design(frame, inputs.spec)
    weights = named_weights(design, inputs.spec)
    expected = contrasts_table(integrate_posterior(design, inputs.spec), weights)
    for name in ("mean", "sd", "ci_lb", "median", "ci_ub"):
        assert np.abs((rows[name] - expected[name]) / expected["sd"]).max() < 1e-6, name


def test_the_correction_gives_the_posterior_of_the_right_table() -> None:
    typed, clean = typed_as_sds()
    inputs = inputs_of(typed)
    payload = payload_of(live_content(inputs))
    assert payload["sems"]["studies"] == [HOSTILE]
    assert payload["sems"]["effects"] == 4
    before, after = (rows_of(payload, fragment) for fragment in ("", CORRECTED))
    compare(before, typed, inputs)
    compare(after, clean, inputs)
    shifts = np.abs(after["mean"] - before["mean"]) / before["sd"]
    assert shifts.max() > 0.05


def test_a_link_carries_the_correction() -> None:
    payload = payload_of(live_content(inputs_of(typed_as_sds()[0])))
    asked = {"ask": "settings", "payload": payload}
    links = ["", CORRECTED, '#set={"corrected":"yes"}']
    report, corrected, nonsense = ask([{**asked, "fragment": link} for link in links])
    assert corrected["state"]["corrected"] is True
    (again,) = ask([{**asked, "fragment": corrected["fragment"]}])
    assert again == corrected
    phrase = "standard errors entered as standard deviations: corrected in place of as in the table"
    assert corrected["phrases"] == [phrase]
    assert nonsense == report
    assert report["phrases"] == []
    assert report["mean"] != corrected["mean"]


def test_no_name_of_a_corrected_study_becomes_markup() -> None:
    page = page_of(live_content(inputs_of(typed_as_sds()[0])))
    assert SWITCH in page
    assert HOSTILE not in page
    assert "the standard deviations of 4 effects are almost certainly standard errors: &lt;" in page


@pytest.mark.parametrize("raw", [True, False])
def test_there_is_no_switch_without_such_errors_or_without_raw_numbers(raw: bool) -> None:
    typed, clean = typed_as_sds()
    frame = clean if raw else typed.drop(columns=["sd1i", "sd2i"])
    content = live_content(inputs_of(frame))
    assert content.payload["sems"] is False
    assert SWITCH not in page_of(content)
    asked = {"ask": "settings", "payload": payload_of(content)}
    report, corrected = ask([{**asked, "fragment": link} for link in ("", CORRECTED)])
    assert corrected == report


@pytest.mark.wide
def test_the_correction_of_preclinical(trace_data: Any) -> None:
    inputs = read_inputs(Request(dataset="preclinical"))
    payload = payload_of(live_content(inputs))
    frame = inputs.frame.reset_index(drop=True)
    rows = np.frombuffer(b64decode(payload["sems"]["rows"]), "<i4")
    studies = ["25749890", "25976074", "28550530", "31045558"]
    assert sorted(set(frame["study"].iloc[rows])) == studies
    subject = lint.LintInput(frame, inputs.spec, inputs.design)
    findings, _ = lint.run_checks(subject)
    together = lint.remedies_of(subject, findings)[lint.ALL]
    compare(rows_of(payload, CORRECTED), together.frame, inputs)
    compare(rows_of(payload, ""), frame, inputs)
