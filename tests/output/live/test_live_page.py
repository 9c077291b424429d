"""The live page as text: what it holds, and what it cannot run."""

import json
import re
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesmeta.commands.live import live_content
from bayesmeta.commands.request import Inputs, select
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.estimates import text
from bayesmeta.inference.quadrature import (
    combination,
    contrasts_table,
    integrate_posterior,
)
from bayesmeta.model.design.contrasts import named_weights
from bayesmeta.model.spec import ModelSpec, parse_spec
from bayesmeta.output.live import live_page
from bayesmeta.output.live.page import json_text, minified, script_text
from bayesmeta.output.live.payload import measure_of
from live_engine import MODULES, ask, node

HOSTILE = [
    "</script><script>document.title='run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    '=HYPERLINK("http://example.org")',
    "{{ 7 * 7 }} ${document.title='run'} <!-- ]]>",
    "\"'`\\ \u2028 &lt;b&gt; Müller & Söhne",
]
MODEL = """
terms = "0 + kind"
levels = ["study", "group"]
rope = 0.3
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[contrasts]
"b - a" = "b - a"
"""


class Elements(HTMLParser):
    """The elements of a page: scripts with their text, and the attributes of all."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = (dict(attrs).get("id") or tag) if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[self.inside] = self.texts.get(self.inside, "") + data


def table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    study = np.repeat(np.arange(10), 3)
    names = [*HOSTILE, *(f"study {i}" for i in range(5))]
    frame = pd.DataFrame(
        {
            "study": [names[i] for i in study],
            "group": [f"g{i}" for i in range(30)],
            "effect": [f"e{i}" for i in range(30)],
            "yi": rng.normal(0.2, 0.5, 30),
            "vi": rng.uniform(0.02, 0.2, 30),
            "kind": rng.choice(["a", "b"], 30),
            "place": rng.choice([HOSTILE[0], "here", "there"], 30),
            "dose": np.where(rng.random(30) < 0.2, np.nan, rng.uniform(0, 10, 30)),
        }
    )
    frame["yi"] += np.where(frame["kind"] == "a", 0.9, -0.1)
    frame.loc[[3, 8], "place"] = None
    frame["constructor"] = rng.choice(["x", "y"], 30)  # a property of every object of a script
    frame.loc[[5], "constructor"] = None
    frame[HOSTILE[1]] = rng.choice(["p", "q"], 30)
    frame.attrs = {"dataset": HOSTILE[0], "title": HOSTILE[1], "notes": [HOSTILE[3]]}
    return frame


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    frame = table()
    return select(frame, frame, parse_spec(MODEL, "toy"))


@pytest.fixture(scope="module")
def payload(inputs: Inputs) -> Any:
    return json.loads(json_text(live_content(inputs).payload))


@pytest.fixture(scope="module")
def page(inputs: Inputs) -> str:
    about = {"dataset": HOSTILE[0], "model": HOSTILE[1], "title": HOSTILE[2], "synthetic": False}
    about |= {"notes": [HOSTILE[3]], "source": HOSTILE[4], "k": 30, "studies": 10}
    return live_page(live_content(inputs).payload, about)


def test_no_name_of_the_table_becomes_markup(page: str) -> None:
    elements = Elements(page)
    assert [attrs.get("id") for tag, attrs in elements.tags if tag == "script"] == [
        "data",
        "script",
    ]
    assert not [tag for tag, _ in elements.tags if tag in ("img", "iframe", "link", "object")]
    assert not [name for _, attrs in elements.tags for name in attrs if name.startswith("on")]
    assert not [attrs for _, attrs in elements.tags if {"src", "href", "style"} & set(attrs)]
    content = json.loads(elements.texts["data"])
    assert set(HOSTILE) <= {*content["labels"], *content["table"]["studies"]}
    assert HOSTILE[0] in content["moderators"][1]["levels"]
    assert "<" not in elements.texts["data"]
    assert {"value": HOSTILE[1]} in [attrs for tag, attrs in elements.tags if tag == "option"]
    assert page.count("</script") == 2


def test_the_policy_permits_the_script_and_the_style_alone(page: str) -> None:
    elements = Elements(page)
    policy = next(attrs for tag, attrs in elements.tags if "http-equiv" in attrs)["content"]
    rules = dict(rule.split(" ", 1) for rule in str(policy).split("; "))
    assert rules["default-src"] == "'none'"
    assert set(rules) == {
        "default-src", "script-src", "style-src", "worker-src", "base-uri", "form-action"
    }  # fmt: skip
    for name, rule in (("script", "script-src"), ("style", "style-src")):
        digest = b64encode(sha256(elements.texts[name].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert not re.search(
        r"\b(fetch|XMLHttpRequest|WebSocket|eval|Function|innerHTML)\b", script_text()
    )


def test_the_script_runs_in_a_page_and_in_a_worker() -> None:
    script = script_text()
    # as a classic script, which a worker is, and as a module, in which no name occurs twice
    alone = script.removeprefix("\n(() => {").removesuffix("})();\n")
    for kind, code in (([], script), ([], minified(script)), (["--input-type=module"], alone)):
        command = [node(), "--check", *kind, "-"]
        done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    for code in (script, minified(script)):
        assert "</" not in code.replace("</g", "")
        assert "<!--" not in code


def test_the_short_script_computes_as_python_does(inputs: Inputs, payload: Any) -> None:
    """The script of a page, after the minifier, answers a question as a worker."""
    short = minified(script_text())
    assert len(short.encode()) < 60_000  # the minifier, which CI has, leaves a third of the script
    design = inputs.design
    table = {
        "yi": design["yi"].values.tolist(),
        "vi": design["vi"].values.tolist(),
        "x": design["X"].values.ravel().tolist(),
        "group": design["effect_group"].values.tolist(),
        "study": design["group_study"].values.tolist(),
    }
    model = {
        "levels": ["study", "group"],
        "rho": 0,
        "mean": [0, 0],
        "covariance": [2.25, 0, 0, 2.25],
    }
    model["tau"] = {"family": "HalfNormal", "parameters": [1]}
    harness = f"""
        let listen;
        globalThis.self = {{
          addEventListener: (_, listener) => {{ listen = listener; }},
          postMessage: (answer) => console.log(JSON.stringify(answer)),
        }};
        {short}
        const floats = (values) => Float64Array.from(values);
        const {{ yi, vi, x, group, study }} = {json.dumps(table)};
        const table = {{ yi: floats(yi), vi: floats(vi), x: floats(x), terms: 2, studies: 10,
          group: Int32Array.from(group), study: Int32Array.from(study) }};
        const model = {json.dumps(model)};
        for (const name of ["mean", "covariance"]) model[name] = floats(model[name]);
        const request = {{ table, model, combinations: floats([-1, 1]), rope: 0.3 }};
        listen({{ data: {{ id: 7, kind: "summary", request }} }});
    """
    command = [node(), "--input-type=commonjs", "-"]
    done = subprocess.run(command, input=harness, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["id"] == 7
    rows = answer["value"]["rows"]
    sd = np.array(payload["reference"]["sd"])
    for name, at in (("ci_lb", 0), ("ci_ub", 2)):
        shifts = np.array([row["quantiles"][at] for row in rows]) - payload["reference"][name]
        assert np.abs(shifts / sd).max() < 1e-6
    assert np.abs([row["sd"] for row in rows] / sd - 1).max() < 1e-6


def test_without_the_minifier_a_page_has_the_script_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "minify", None)
    assert minified("const x = 1; // a\n") == "const x = 1; // a\n"


@pytest.mark.wide
def test_the_types_of_the_script_hold() -> None:
    """The comments of the script declare types, which the compiler of TypeScript checks."""
    compiler = shutil.which("tsc")
    if compiler is None:
        pytest.skip("tsc not found; install it by npm install --global typescript")
    done = subprocess.run(
        [compiler, "--project", str(MODULES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_page_holds_the_table(payload: Any, inputs: Inputs) -> None:
    def floats(encoded: str) -> np.ndarray:
        return np.frombuffer(b64decode(encoded), "<f8")

    design = inputs.design
    np.testing.assert_array_equal(floats(payload["table"]["yi"]), design["yi"].values)
    rows = floats(payload["table"]["rows"]).reshape(-1, 2)
    place = np.frombuffer(b64decode(payload["table"]["row"]), "<i4")
    np.testing.assert_array_equal(rows[place], design["X"].values)
    assert payload["names"] == ["a", "b", "b − a"]
    names = [moderator["name"] for moderator in payload["moderators"]]
    assert names == ["kind", "place", "dose", "constructor", HOSTILE[1]]
    assert payload["published"] == []
    assert "Whoever has the page has the table" in payload["warning"]


def settings(payload: Any, **changes: Any) -> dict[str, Any]:
    fragment = "#set=" + json.dumps(changes)
    (answer,) = ask([{"ask": "settings", "payload": payload, "fragment": fragment}])
    return answer


def test_filters_keep_the_rows_that_a_query_keeps(payload: Any, inputs: Inputs) -> None:
    frame = inputs.frame
    levels = payload["moderators"][1]["levels"]
    filters = {
        "place": {"out": [levels.index("here")], "blank": False},
        "dose": {"low": 2.5, "high": 9.0, "blank": True},
    }
    out = [payload["table"]["studies"].index("study 2")]
    answer = settings(payload, filters=filters, out=out)
    doses = frame["dose"].isna() | frame["dose"].between(2.5, 9)
    places = frame["place"].notna() & (frame["place"] != "here")
    kept = doses & places & (frame["study"] != "study 2")
    assert answer["kept"] == kept.astype(int).tolist()
    np.testing.assert_array_equal(answer["yi"], frame.loc[kept, "yi"])
    assert answer["phrases"] == [
        "a study is left out (study 2)",
        "place: without here, without blanks",
        "dose: from 2.5 to 9",
    ]


def test_a_moderator_with_the_name_of_a_property_of_objects(payload: Any, inputs: Inputs) -> None:
    column = inputs.frame["constructor"]
    assert settings(payload)["kept"] == [1] * len(column)
    answer = settings(payload, filters={"constructor": {"out": [0], "blank": True}})
    assert answer["kept"] == (column != "x").astype(int).tolist()
    assert answer["phrases"] == ["constructor: without x"]


def test_a_link_carries_the_settings(payload: Any) -> None:
    changes = {
        "out": [1, 4],
        "levels": ["study", "effect"],
        "rho": 0.6,
        "family": "Gamma",
        "parameters": [2.0, 3.0],
        "location": 0.1,
        "scale": 0.5,
        "rope": 0.1,
        "added": [{"label": HOSTILE[0], "yi": 0.4, "vi": 0.02, "x": [1, 0]}],
        "conclusion": {"at": 2, "kind": "inside"},
    }
    first = settings(payload, **changes)
    assert {key: first["state"][key] for key in changes} == changes
    (second,) = ask([{"ask": "settings", "payload": payload, "fragment": first["fragment"]}])
    assert second == first
    report = settings(payload)
    assert report["fragment"] == ""
    assert report["phrases"] == []
    assert len(first["yi"]) == len(report["yi"]) - 6 + 1


@pytest.mark.parametrize(
    "fragment",
    [
        "#set=nonsense",
        "#set=%",
        "#set=[]",
        "#set=null",
        '#set={"out":[-1,999,1.5,"x"],"filters":{"place":{"out":"all"},"__proto__":{"out":[0]}}}',
        '#set={"family":"constructor","parameters":[1],"levels":["planet"],"rho":2,"rope":-1}',
        '#set={"family":"Gamma","parameters":[1]}',
        '#set={"parameters":[-1],"scale":0,"location":"x","conclusion":{"at":99,"kind":"toString"}}',
        '#set={"added":[{"label":"x","yi":1,"vi":-1,"x":[1,0]},{"label":1,"yi":1,"vi":1,"x":[1,0]}]}',
        '#set={"added":[{"label":"x","yi":1,"vi":1,"x":[1]}],"filters":7}',
    ],
)
def test_a_link_that_was_tampered_with_changes_nothing(payload: Any, fragment: str) -> None:
    (answer,) = ask([{"ask": "settings", "payload": payload, "fragment": fragment}])
    report = settings(payload)
    assert answer["mean"] == report["mean"]
    for key in ("out", "levels", "rho", "rope", "scale", "location", "added", "conclusion"):
        assert answer["state"][key] == report["state"][key], key


def test_sentences_of_the_answer(payload: Any) -> None:
    answer = settings(payload)
    sides = {
        "Clearly below zero": [],
        "Clearly above zero": [],
        "Open": [],
    }
    columns = payload["reference"]
    for at, name in enumerate(payload["names"]):
        low, high = columns["ci_lb"][at], columns["ci_ub"][at]
        key = "Clearly below zero" if high < 0 else "Clearly above zero" if low > 0 else "Open"
        sides[key].append(f"{name} {text.estimate_text(columns['mean'][at], low, high)}")
    expected = [f"{side}: {'; '.join(parts)}." for side, parts in sides.items() if parts]
    assert answer["sentences"] == expected
    assert len(expected) > 1


def test_no_effects_are_refused_in_words(payload: Any) -> None:
    answer = settings(payload, out=list(range(10)))
    assert answer["refused"] == "no effects are left"


def test_a_single_study_is_left(payload: Any, inputs: Inputs) -> None:
    fragment = "#set=" + json.dumps({"out": list(range(1, 10))})
    asked = {"ask": "answer", "payload": payload, "fragment": fragment, "more": {}}
    (answer,) = ask([{**asked, "kind": "summary"}])
    rows = answer["value"]["rows"]
    names = [str(name) for name in inputs.design["study"].values]
    posterior = integrate_posterior(inputs.design, inputs.spec, without=names[1:])
    expected = contrasts_table(posterior, named_weights(inputs.design, inputs.spec))
    for name in ("mean", "sd"):
        got = [row[name] for row in rows]
        np.testing.assert_allclose(got, expected[name], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        [row["quantiles"] for row in rows], expected[["ci_lb", "median", "ci_ub"]], atol=1e-4
    )


def test_prediction_of_the_next_study(payload: Any) -> None:
    """Mean and spread of the prediction are those of the mean, the taus and the error together."""
    fragment = ""
    more = {"x": [0, 1], "vi": 0.09}
    asked = {"ask": "answer", "payload": payload, "fragment": fragment}
    summary, prediction = ask(
        [{**asked, "kind": "summary", "more": {}}, {**asked, "kind": "prediction", "more": more}]
    )
    row = summary["value"]["rows"][1]
    levels = summary["value"]["heterogeneity"]["rows"][:-1]
    variance = sum(level["tau"]["mean"] ** 2 + level["tau"]["sd"] ** 2 for level in levels)
    expected = [row["mean"], np.sqrt(row["sd"] ** 2 + variance + 0.09)]
    np.testing.assert_allclose(
        [prediction["value"]["mean"], prediction["value"]["sd"]], expected, rtol=1e-8
    )
    points = np.array(prediction["value"]["points"])
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("kind", ["positive", "negative", "above", "below", "inside"])
def test_a_conclusion_without_every_study_and_in_a_cell_of_the_map(
    payload: Any, inputs: Inputs, kind: str
) -> None:
    """P(conclusion) is that of Python's posterior without a study, and under another model."""
    conclusion = {"at": 1, "kind": kind}
    changes = {"rho": 0.4, "scale": 0.3}
    asked = {"ask": "answer", "payload": payload, "more": {"conclusion": conclusion}}
    cell = "#set=" + json.dumps(changes)
    deleted, mapped, all_in = ask(
        [
            {**asked, "kind": "deletion", "fragment": ""},
            {**asked, "kind": "cell", "fragment": cell},
            {**asked, "kind": "cell", "fragment": ""},
        ]
    )
    weights = np.array([0.0, 1.0])

    def p(spec: ModelSpec, without: list[str]) -> float:
        posterior = integrate_posterior(inputs.design, spec, without=without)
        low, middle, high = (combination(posterior, weights).above(x) for x in (-0.3, 0.0, 0.3))
        return {
            "positive": middle,
            "negative": 1 - middle,
            "above": high,
            "below": 1 - low,
            "inside": low - high,
        }[kind]

    names = [str(name) for name in inputs.design["study"].values]
    expected = [p(inputs.spec, [name]) for name in names]
    np.testing.assert_allclose(deleted["value"]["p"], expected, atol=2e-4)
    assert deleted["value"]["p0"] == pytest.approx(p(inputs.spec, []), abs=1e-5)
    terms = replace(inputs.spec.priors["terms"], parameters=(0.0, 0.3))
    changed = replace(inputs.spec, rho=0.4, priors={**inputs.spec.priors, "terms": terms})
    assert mapped["value"] == pytest.approx(p(changed, []), abs=1e-3)
    assert all_in["value"] == pytest.approx(p(inputs.spec, []), abs=1e-3)
    assert abs(mapped["value"] - all_in["value"]) > 0.002


def test_an_added_study_counts_as_a_row_of_the_table(payload: Any, inputs: Inputs) -> None:
    added = [{"label": "new", "yi": 1.2, "vi": 0.05, "x": [0, 1]}]
    answer = settings(payload, added=added)
    row = {"study": "new", "group": "new", "effect": "new", "yi": 1.2, "vi": 0.05, "kind": "b"}
    frame = pd.concat([inputs.frame, pd.DataFrame([row])], ignore_index=True)
    frame.attrs = {"dataset": "more"}
    content = live_content(select(frame, frame, parse_spec(MODEL, "toy")))
    np.testing.assert_allclose(answer["mean"], content.summaries["mean"], rtol=1e-6, atol=1e-7)


def test_numbers_are_written_as_everywhere() -> None:
    numbers = [[-0.001, 2], [0.005, 3], [-1.255, 2], [12.3456, 1], [0.0, 2]]
    intervals = [[-1.24, -0.65], [0.002, 0.0171], [-0.0004, 0.0003], [3.0, 12.0], [-40.0, 90.0]]
    probabilities = [0.0, 0.0004, 0.012, 0.05, 0.5, 0.9512, 0.9993, 1.0]
    asked = {"numbers": numbers, "intervals": intervals, "probabilities": probabilities}
    (answer,) = ask([{"ask": "texts", **asked}])
    assert answer["intervals"] == [text.interval_text(*ends) for ends in intervals]
    estimates = [text.estimate_text((low + high) / 2, low, high) for low, high in intervals]
    assert answer["estimates"] == estimates
    assert answer["probabilities"] == [text.probability_text(p) for p in probabilities]
    assert answer["numbers"][0] == text.number_text(-0.001)
    assert answer["numbers"][2:] == ["−1.25", "12.3", "0.00"]
    for (low, high), ticks in zip(intervals, answer["ticks"], strict=True):
        assert len(ticks) >= 2
        assert low <= min(ticks) < max(ticks) <= high


def test_numbers_on_the_scale_of_everymeasure_of(payload: Any) -> None:
    """The median and interval on the scale of a measure are those of Python's transformation."""
    quantiles = [0.21, 0.34, 0.42]
    asked = []
    expected = []
    for name, measure in MEASURES.items():
        frame = pd.DataFrame()
        frame.attrs = {"measure": name}
        changed = {**payload, "measure": measure_of(frame)}
        scale = measure.scale
        if scale.name:
            asked.append({"ask": "scaled", "payload": changed, "at": 0, "quantiles": quantiles})
            low, median, high = scale.back(np.array(quantiles))
            expected.append(text.estimate_text(median, low, high))
        if scale.difference:
            asked.append({"ask": "scaled", "payload": changed, "at": 2, "quantiles": quantiles})
            low, median, high = np.exp(quantiles)
            expected.append(f"{text.estimate_text(median, low, high)} ({scale.difference})")
    assert ask(asked) == expected
    assert len(expected) > 40


def test_hedges_g_of_a_new_study() -> None:
    rng = np.random.default_rng(2)
    rows = [
        dict(zip(("m1", "m2", "sd1", "sd2", "n1", "n2"), values, strict=True))
        for values in np.column_stack(
            [rng.normal(3, 1, (20, 2)), rng.uniform(0.5, 3, (20, 2)), rng.integers(3, 60, (20, 2))]
        ).tolist()
    ]
    (answer,) = ask([{"ask": "hedges", "rows": rows}])
    frame = pd.DataFrame(rows).add_suffix("i")
    yi, vi = MEASURES["SMD"](vtype="LS", rows=None, **{name: frame[name] for name in frame})
    np.testing.assert_allclose([row["yi"] for row in answer], yi, rtol=1e-12)
    np.testing.assert_allclose([row["vi"] for row in answer], vi, rtol=1e-12)
