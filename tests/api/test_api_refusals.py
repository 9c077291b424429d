"""What the interface from Python refuses, and in which words."""

import re
from collections.abc import Callable

import jax
import pandas as pd
import pytest
import xarray as xr

import bayesmeta
from bayesmeta.api import requests
from bayesmeta.infrastructure.errors import BadInput


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as error:
        call()
    return str(error.value)


EXAMPLE = bayesmeta.example()
BAD: dict[str, tuple[Callable[[], object], str]] = {
    "a list": (lambda: bayesmeta.fit([1, 2]), r"frame is a list; it should be a pandas DataFrame"),
    "a name": (lambda: bayesmeta.fit("preclinical"), r"bayesmeta.read\('preclinical'\) reads it"),
    "no rows": (
        lambda: bayesmeta.fit(EXAMPLE.head(0)),
        "the frame has no rows; its columns are study",
    ),
    "no yi": (lambda: bayesmeta.fit(EXAMPLE.drop(columns="yi")), "its columns are|it needs"),
    "twice": (
        lambda: bayesmeta.fit(pd.concat([EXAMPLE, EXAMPLE[["yi"]]], axis=1)),
        "more than one column named yi",
    ),
    "vi": (
        lambda: bayesmeta.reml(EXAMPLE.replace({"vi": {EXAMPLE["vi"][5]: -1}})),
        "vi must be .* got -1 at row 5",
    ),
    "model": (
        lambda: bayesmeta.fit(EXAMPLE, "tree-level"),
        "no model file 'tree-level'; the project's models are",
    ),
    "model type": (
        lambda: bayesmeta.fit(EXAMPLE, 3),
        "model is a int; it should be a model's name",
    ),
    "moderator": (
        lambda: bayesmeta.fit(EXAMPLE, moderators="valance"),
        r"did you mean 'valence'\?",
    ),
    "moderators": (
        lambda: bayesmeta.fit(EXAMPLE, moderators=["valence"]),
        "moderators is a list; it should be text",
    ),
    "where": (lambda: bayesmeta.reml(EXAMPLE, where="dose > 99"), "keeps none of the 96 effects"),
    "sampler": (lambda: bayesmeta.fit(EXAMPLE, sampler="stan"), "unknown sampler 'stan'"),
    "draws": (
        lambda: bayesmeta.fit(EXAMPLE, draws=5),
        "draws is 5; it should be a whole number of at least 10",
    ),
    "test": (lambda: bayesmeta.reml(EXAMPLE, test="F"), "unknown test 'F'"),
    "method": (lambda: bayesmeta.reml(EXAMPLE, method="DL"), "unknown method 'DL'"),
    "source": (lambda: bayesmeta.read(3), "source is a int"),
    "dataset": (lambda: bayesmeta.read("preclincal"), r"did you mean 'preclinical'\?"),
    "tree": (lambda: bayesmeta.terms(EXAMPLE), "tree is a DataFrame; it should be a DataTree"),
    "groups": (
        lambda: bayesmeta.plot(xr.DataTree()),
        "tree lacks the groups posterior, constant_data",
    ),
    "measure": (
        lambda: bayesmeta.effects("smd", EXAMPLE),
        r"unknown measure 'smd' \(did you mean 'SMD'\?\)",
    ),
    "form": (
        lambda: bayesmeta.effects("MD", EXAMPLE),
        "MD takes m1i, sd1i, n1i, m2i, sd2i, n2i; got no columns",
    ),
    "column": (
        lambda: bayesmeta.effects("ZCOR", EXAMPLE, ri="r"),
        "ri is given as 'r', which is not a column",
    ),
    "lengths": (lambda: bayesmeta.effects("ZCOR", ri=[0.1, 0.2], ni=[9, 9, 9]), "as many in each"),
    "vtype": (lambda: bayesmeta.effects("MD", vtype="UB"), "unknown vtype 'UB'; MD has LS"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_said(case: str) -> None:
    call, message = BAD[case]
    assert re.search(message, refused(call))


def test_questions_and_kinds_that_are_none_are_refused(handmade: xr.DataTree) -> None:
    assert "names unknown term 'fear:memry'" in refused(
        lambda: bayesmeta.contrasts(handmade, "fear:memry")
    )
    assert refused(lambda: bayesmeta.contrasts(handmade, 3)).startswith(
        "question is 3; it should be text like"
    )
    assert refused(lambda: bayesmeta.contrasts(handmade, rope=-1)).startswith(
        "rope is -1; it should be"
    )
    directions = handmade.copy()
    directions["constant_data"] = handmade["constant_data"].to_dataset().drop_vars(["yi", "vi"])
    for show in (bayesmeta.heterogeneity, bayesmeta.prediction, bayesmeta.plot):
        assert refused(lambda show=show: show(directions)).startswith(
            "the tree is one of directions, without effect"
        )
    assert "(did you mean 'forest'?)" in refused(lambda: bayesmeta.plot(handmade, "forrest"))


def test_predictions_that_cannot_be_made_are_refused() -> None:
    tree = bayesmeta.fit(EXAMPLE, moderators="~ dose + phase", sampler="quadrature", draws=250)
    rows = pd.DataFrame({"dose": [1.0], "phase": ["memory"]})
    for call, message in (
        (lambda: bayesmeta.predict(tree, rows, at={"dose": 1}), "give one of them"),
        (lambda: bayesmeta.predict(tree, rows[["dose"]]), "the rows lack phase"),
        (
            lambda: bayesmeta.predict(tree, rows.assign(phase="recall")),
            "has the levels learning, memory; got 'recall'",
        ),
        (lambda: bayesmeta.predict(tree, "rows.csv"), "frame is a str"),
        (lambda: bayesmeta.predict(tree, at={"doze": 1}), "doze are not moderators"),
        (lambda: bayesmeta.predict(tree, at="dose=1"), "at is 'dose=1'; it should be a mapping"),
        (lambda: bayesmeta.predict(EXAMPLE), "tree is a DataFrame"),
        (
            lambda: bayesmeta.marginal_means(tree, "phase", weights="size"),
            "unknown weights 'size'; choose one of: equal, frequency",
        ),
        (lambda: bayesmeta.marginal_means(tree, "valence"), "are not moderators of this model"),
        (
            lambda: bayesmeta.marginal_contrasts(tree, "dose"),
            "a difference needs two means; dose has one",
        ),
    ):
        assert message in refused(call)
    cells = bayesmeta.fit(EXAMPLE, moderators="phase", sampler="quadrature", draws=250)
    assert "along a moderator that is a number" in refused(lambda: bayesmeta.plot(cells, "bubble"))


def test_jax_that_runs_with_too_few_devices_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax, "local_device_count", lambda: 1)
    message = refused(lambda: bayesmeta.fit(bayesmeta.example(), chains=4))
    assert message.startswith(
        "JAX is running already, with 1 device, and 4 chains need 4; restart Python"
    )
    requests.start_devices(1)
