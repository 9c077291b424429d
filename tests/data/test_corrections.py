"""Controls counted in full, the alternative that shares them, and its effect on a mean."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data import datasets
from bayesmeta.data.corrections import corrected, split_controls, with_full_controls
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.inference.quadrature import integrate_posterior, quadrature_posterior
from bayesmeta.inference.quadrature import terms_table as exact_terms
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.spec import ModelSpec, parse_spec, read_spec
from bayesmeta.robustness.multiverse import ALTERNATIVES, Analysis
from bayesmeta.robustness.multiverse.versions import model_changed

SPEC = parse_spec(
    """
    terms = "1"
    levels = ["study", "group", "effect"]
    shared_controls = true
    priors = { terms = "Normal(0, 1.5)", tau = "HalfNormal(1)" }
    """,
    "shared",
)


def test_which_effects_share_a_control_measurement() -> None:
    table = pd.DataFrame(
        {
            "study": list("aaaaaab"),
            "group": ["g1", "g2", "g1", "g1", "g2", "g2", "h"],
            "control": ["c", "c", "c", "c", "c", "", "d"],
            "m2i": [1.0, 1.0, 2.0, 0.0, 0.0, 1.0, 1.0],
            "sd2i": [0.5, 0.5, 0.5, 0.0, 0.0, 0.5, 0.5],
            "n1i": [6, 8, 6, 6, 8, 8, 5],
            "n2i": 10,
            "yi": 0.5,
            "vi": 0.3,
            "effect": list("pqrstuv"),
        }
    )
    design = build_design(table, SPEC)
    cluster = design["control_cluster"].values
    assert cluster[0] == cluster[1]
    assert (
        len(set(cluster)) == 6
    )  # another outcome, floors, a blank label and another study by themselves
    assert list(design["control_subjects"].values) == [24, 24, 16, 16, 18, 18, 15]


def split_table() -> pd.DataFrame:
    """Return two effects that share a control of 12, by a standard error and an SD, and a third."""
    frame = pd.DataFrame(
        {
            "study": ["a", "a", "b"],
            "group": ["g1", "g2", "h"],
            "control": ["c", "c", "d"],
            "effect": list("pqr"),
            "m1i": [5.0, 6.0, 3.0],
            "sd1i": [2.0, 2.0, 1.0],
            "n1i": [10.0, 10.0, 9.0],
            "m2i": [4.0, 4.0, 4.0],
            "sem2i": [0.5, np.nan, 0.5],
            "sd2i_source": ["SEM", "SD", "SEM"],
            "n2i": [6.0, 6.0, 8.0],
            "n2i_reported": [12.0, 12.0, 8.5],
            "control_used": [2, 2, 1],
            "direction": [-1, 1, 1],
        }
    )
    frame["sd2i"] = [0.5 * np.sqrt(6), 1.5, 0.5 * np.sqrt(8)]
    raw, frame["vi"] = MEASURES["SMD"](
        **{name: frame[name] for name in ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")}
    )
    frame["yi"] = raw * frame["direction"]
    frame.attrs = {"dataset": "split", "notes": ["kept"]}
    return frame


def test_controls_are_made_whole() -> None:
    frame = split_table()
    assert list(split_controls(frame)) == [True, True, False]
    full = with_full_controls(frame)
    assert list(full["n2i"]) == [12, 12, 8]
    np.testing.assert_allclose(full["sd2i"], [np.sqrt(3), 1.5, np.sqrt(2)])
    # pooled variances (9 * 4 + 11 * 3) / 20 and (9 * 4 + 11 * 2.25) / 20
    # J = 1 - 3 / (4 * 20 - 1) to 1e-3
    approximate = np.array([-1 / np.sqrt(3.45), 2 / np.sqrt(3.0375)]) * (1 - 3 / 79)
    np.testing.assert_allclose(full["yi"][:2], approximate, rtol=1e-3)
    np.testing.assert_allclose(full["vi"][:2], 1 / 10 + 1 / 12 + full["yi"][:2] ** 2 / 44)
    pd.testing.assert_series_equal(full.loc[2], frame.loc[2])
    pd.testing.assert_frame_equal(with_full_controls(full), full)
    assert full.attrs == frame.attrs
    plain = frame.drop(columns=["n2i_reported", "control_used"])
    assert with_full_controls(plain) is plain
    with pytest.raises(BadInput, match="sem2i"):
        with_full_controls(frame.drop(columns="sem2i"))


@pytest.mark.usefixtures("trace_data")
def test_controls_of_the_trace_data_are_made_whole() -> None:
    frame = datasets.read("preclinical")
    full = with_full_controls(frame)
    once = frame["control_used"] == 1
    pd.testing.assert_frame_equal(full[once], frame[once])
    again = full[~once]
    assert (again["n2i"] == again["n2i_reported"]).all()
    assert (again["n2i"] > frame.loc[~once, "n2i"]).all()
    assert (np.sign(again["yi"]) == np.sign(frame.loc[~once, "yi"])).all()
    assert (again["vi"] < frame.loc[~once, "vi"]).mean() > 0.9
    np.testing.assert_allclose(again["yi"], again["yi_raw"] * again["direction"])
    # the correction of SDs and that of controls may be in either order
    pd.testing.assert_frame_equal(corrected(full), with_full_controls(corrected(frame)))
    kept = build_design(full, replace(read_spec("three-level"), shared_controls=True))
    cluster = kept["control_cluster"].values
    assert 150 < int((np.bincount(cluster)[cluster] > 1).sum()) < 200


def crowded_table() -> pd.DataFrame:
    """Return thirty studies of six groups that share a control of 6, without heterogeneity."""
    rng = np.random.default_rng(11)
    rows = []
    for study in range(30):
        control = rng.normal(0, np.sqrt(1 / 6))
        for group in range(6):
            yi = rng.normal(0.4, np.sqrt(1 / 30)) - control
            rows.append(
                {
                    "study": f"s{study}",
                    "group": f"s{study}g{group}",
                    "control": f"s{study}c",
                    "yi": yi,
                }
            )
    table = pd.DataFrame(rows).assign(
        n1i=30, n2i=6, effect=lambda table: [f"e{i}" for i in range(len(table))]
    )
    return table.assign(vi=1 / 30 + 1 / 6 + table["yi"] ** 2 / 72)


def test_shared_controls_widen_the_interval_of_a_mean() -> None:
    spec = replace(SPEC, levels=("group",))
    table = crowded_table()
    design = build_design(table, spec)
    tree = quadrature_posterior(design, spec, draws=2000, chains=2, seed=3)
    beta = tree["posterior"]["beta"]
    alone = replace(spec, shared_controls=False)
    independent = float(
        exact_terms(integrate_posterior(build_design(table, alone), alone))["sd"].iloc[0]
    )
    # the mean of thirty independent controls is known to sqrt(1 / (30 * 6)) alone
    assert float(beta.std()) > np.sqrt(1 / 180) > 1.5 * independent
    # replicates of two effects with the same control covary as their errors do
    replicates = (
        tree["posterior_predictive"]["obs"]
        - beta.sel(term="intercept")
        - tree["posterior"]["w"].values
    ).values
    drawn = replicates.reshape(-1, len(table))
    got = np.mean([np.cov(drawn[:, i], drawn[:, i + 1])[0, 1] for i in range(0, 180, 6)])
    want = np.mean(
        [1 / 6 + table["yi"][i] * table["yi"][i + 1] / (2 * 186) for i in range(0, 180, 6)]
    )
    assert got == pytest.approx(want, rel=0.05)


def analysis(frame: pd.DataFrame, spec: ModelSpec) -> Analysis:
    return Analysis(frame, spec, contrast_weights({"mean": "intercept"}, ["intercept"]))


def test_the_alternative_applies_where_a_control_is_shared() -> None:
    change = next(known for known in ALTERNATIVES if known.name == "shared controls").change
    base = replace(SPEC, shared_controls=False)
    frame = split_table().assign(sd2i=[0.5 * np.sqrt(6)] * 3, sem2i=0.5)
    frame["sd2i_source"] = "SEM"
    version = change(analysis(frame, base))
    assert version is not None
    table, spec = version
    assert spec == SPEC
    assert list(table["n2i"]) == [12, 12, 8]
    assert model_changed(base, spec) == "errors of shared controls covary"
    assert change(analysis(frame, SPEC)) is None
    assert change(analysis(frame, replace(base, likelihood="student"))) is None
    assert change(analysis(frame, replace(base, bias="selection"))) is None
    assert change(analysis(frame.assign(control=list("xyz")), base)) is None
    assert change(analysis(frame.drop(columns="control"), base)) is None
    assert change(analysis(frame.drop(columns="sem2i"), base)) is None
