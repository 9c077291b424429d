"""Replicates have the theory's moments, statistics equal a computation by hand."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayesmeta.data import datasets
from bayesmeta.data.effect_sizes import MEASURES, correction, smd
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design, with_model
from bayesmeta.model.spec import parse_spec, read_spec
from bayesmeta.robustness.funnel import (
    TITLES,
    DrawnEffects,
    FunnelData,
    Replicate,
    draw_effects,
    draws,
    funnel_checks,
    funnel_data,
    funnel_statistics,
    replicate,
)

MODEL = """
terms = "0 + cell"
levels = ["study", "group"]
rho = {rho}
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""


def tree_of(
    k: int = 60, draws: int = 200, *, vtype: str = "LS", rho: float = 0.0, **posterior: Any
) -> xr.DataTree:
    """Two cells at 1 and -2, two effects per group, two groups per study; data of the model."""
    rng = np.random.default_rng(4)
    group, x = np.arange(k) // 2, np.eye(2)[np.arange(k) % 2]
    n1, n2 = rng.integers(4, 12, k).astype(float), rng.integers(4, 12, k) + 0.5
    yi, vi = smd(
        x @ [1.0, -2.0] + rng.normal(0, 0.6, k),
        np.ones(1),
        n1,
        np.zeros(1),
        np.ones(1),
        n2,
        vtype=vtype,
    )
    labels = {
        "term": ["one", "other"],
        "study": range(k // 4),
        "group": range(k // 2),
        "effect": range(k),
    }
    sizes = {name: len(values) for name, values in labels.items()}
    found = {
        "beta": (
            ("chain", "draw", "term"),
            np.array([1.0, -2.0]) + rng.normal(0, 0.05, (1, draws, 2)),
        ),
        "u": (("chain", "draw", "study"), rng.normal(0, 1, (1, draws, sizes["study"]))),
        "w": (("chain", "draw", "group"), rng.normal(0, 1, (1, draws, sizes["group"]))),
        "tau_study": (("chain", "draw"), np.full((1, draws), 0.4)),
        "tau_group": (("chain", "draw"), np.full((1, draws), 0.3)),
    }
    columns = {"yi": yi, "vi": vi, "n1i": n1, "n2i": n2, "effect_group": group}
    design = xr.Dataset(
        {name: ("effect", values) for name, values in columns.items()}
        | {"X": (("effect", "term"), x), "group_study": ("group", np.arange(k // 2) // 2)}
        | {"kind_of_term": ("term", ["mean", "mean"])},
        labels,
    )
    design = with_model(design, parse_spec(MODEL.format(rho=rho), "funnel"))
    return xr.DataTree.from_dict(
        {"posterior": xr.Dataset(found | posterior), "constant_data": design}
    )


def at(theta: np.ndarray, rho: float = 0.0) -> DrawnEffects:
    return DrawnEffects(theta, theta, np.full_like(theta, 0.25), np.full((len(theta), 1), rho))


def test_simulated_effects_have_the_moments_of_theory_and_the_law_of_raw_data() -> None:
    rows, rng = funnel_data(tree_of()), np.random.default_rng(1)
    theta = np.tile(rows.x @ [0.7, -1.5], (40_000, 1))
    made = replicate(at(theta), rows, rng).linked
    df, n = rows.n1 + rows.n2 - 2, rows.n1 * rows.n2 / (rows.n1 + rows.n2)
    variance = correction(df) ** 2 * df / (df - 2) * (1 / n + theta[0] ** 2) - theta[0] ** 2
    error = np.sqrt(variance / len(theta))
    assert np.abs((made.yi.mean(0) - theta[0]) / error).max() < 4.5
    assert made.yi.var(0) == pytest.approx(variance, rel=0.12)
    raw = [rng.normal(mean, 1, (5000, size)) for mean, size in ((0.7, int(rows.n1[0])), (0.0, 8))]
    (m1, sd1), (m2, sd2) = ((each.mean(1), each.std(1, ddof=1)) for each in raw)
    g, v = MEASURES["SMD"](m1i=m1, sd1i=sd1, n1i=rows.n1[0], m2i=m2, sd2i=sd2, n2i=8.0)
    same = FunnelData(**{**vars(rows), "n2": np.full(60, 8.0)})
    other = replicate(at(theta[:5000]), same, rng).linked
    assert stats.ks_2samp(g, other.yi[:, 0]).pvalue > 0.001
    assert stats.ks_2samp(v, other.vi[:, 0]).pvalue > 0.001


@pytest.mark.parametrize("vtype", ["LS", "UB"])
def test_variances_of_replicates_follow_the_formula_of_the_table(vtype: str) -> None:
    rows = funnel_data(tree_of(vtype=vtype))
    assert rows.vtype == vtype
    assert rows.linked.all()
    made = replicate(at(np.tile(rows.mean, (3, 1))), rows, np.random.default_rng(1))
    n, df = rows.n1 + rows.n2, rows.n1 + rows.n2 - 2
    factor = 1 / (2 * n) if vtype == "LS" else 1 - (df - 2) / (df * correction(df) ** 2)
    assert made.linked.vi == pytest.approx(
        1 / rows.n1 + 1 / rows.n2 + factor * made.linked.yi**2, rel=1e-12
    )
    assert (made.naive.vi == rows.vi).all()


def test_naive_replicates_are_normal_with_the_observed_variance() -> None:
    rows = funnel_data(tree_of())
    made = replicate(at(np.zeros((20_000, 60))), rows, np.random.default_rng(1)).naive
    assert made.yi.var(0) == pytest.approx(rows.vi, rel=0.06)


def test_rho_correlates_errors_within_a_group_alone() -> None:
    tree = tree_of(rho=0.6)
    (drawn,) = draw_effects(tree, funnel_data(tree), draws=150, rng=np.random.default_rng(1))
    assert (drawn.rho == 0.6).all()
    made = replicate(
        at(np.zeros((4000, 60)), 0.6), funnel_data(tree), np.random.default_rng(1)
    ).naive.yi
    assert np.corrcoef(made[:, 0], made[:, 1])[0, 1] == pytest.approx(0.6, abs=0.05)
    assert np.corrcoef(made[:, 1], made[:, 2])[0, 1] == pytest.approx(0, abs=0.06)


def test_true_effects_of_fitted_and_of_new_studies() -> None:
    tree = tree_of()
    rows, posterior = funnel_data(tree), tree["posterior"].to_dataset().isel(chain=0)
    for studies_, spread in (("fitted", 2.0), ("new", 0.25)):
        (drawn,) = draw_effects(
            tree, rows, draws=200, rng=np.random.default_rng(1), studies=studies_
        )
        extra = drawn.theta - drawn.fitted
        assert extra.var() == pytest.approx(spread, rel=0.15)
        assert extra[:, 0] == pytest.approx(extra[:, 1])
        assert np.corrcoef(extra[:, 0], extra[:, 2])[0, 1] > 0.3
        assert drawn.tau2 == pytest.approx(0.25)
    chosen = np.random.default_rng(1).permutation(200)
    (drawn,) = draw_effects(tree, rows, draws=200, rng=np.random.default_rng(1), studies="fitted")
    by_hand = posterior["u"].values[chosen, 14] + posterior["w"].values[chosen, 29]
    assert (drawn.theta - drawn.fitted)[:, 59] == pytest.approx(by_hand)


def test_fitted_studies_need_their_random_effects() -> None:
    tree = tree_of()
    tree["posterior"] = tree["posterior"].to_dataset().drop_vars(["u", "w"])
    assert len(funnel_checks(tree, draws=100).statistics) == 15
    with pytest.raises(BadInput, match=r"no draws of \['u', 'w'\]"):
        funnel_checks(tree, draws=100, studies="fitted")


def test_taus_by_stratum_and_heavy_tails_of_studies() -> None:
    tau = xr.DataArray(np.tile([0.1, 3.0], (1, 200, 1)), dims=("chain", "draw", "stratum"))
    tree = tree_of(tau_study=tau, nu=(("chain", "draw"), np.full((1, 200), 2.0)))
    tree["constant_data"] = (
        tree["constant_data"].to_dataset().assign(study_stratum=("study", [0] * 8 + [1] * 7))
    )
    tree["posterior"] = tree["posterior"].to_dataset().assign(tau_group=tau * 0)
    (drawn,) = draw_effects(tree, funnel_data(tree), draws=200, rng=np.random.default_rng(1))
    assert drawn.tau2[:, [0, 59]] == pytest.approx(np.tile([0.01, 9.0], (200, 1)))
    extra = (drawn.theta - drawn.fitted)[:, ::4] / np.repeat([0.1, 3.0], [8, 7])
    assert stats.kstest(extra.ravel(), stats.t(2).cdf).pvalue > 0.001


def test_statistics_equal_a_computation_by_hand() -> None:
    rows, tau2 = funnel_data(tree_of()), 0.25
    rows.yi[:6] *= np.array([-9, -9, 1, 1, 1, 1])  # significant against the direction
    drawn = at(np.tile(rows.x @ [0.9, -1.8], (2, 1)))
    found = funnel_statistics(Replicate(rows.yi[None], rows.vi[None]), drawn, rows)
    assert list(rows.cells) == ["all", "one", "other"]
    for place, cell in enumerate((slice(None), slice(0, None, 2), slice(1, None, 2))):
        sign = np.where(np.arange(60) % 2, -1, 1)[cell]
        y, v, n1, n2 = (values[cell] for values in (rows.yi, rows.vi, rows.n1, rows.n2))
        r, z, size = sign * (y - drawn.fitted[0, cell]), sign * y / np.sqrt(v), 1 / n1 + 1 / n2
        by_hand = {
            "egger": np.polyfit(np.sqrt(v), r, 1, w=1 / np.sqrt(v + tau2))[0],
            "egger_size": np.polyfit(np.sqrt(size), r, 1, w=1 / np.sqrt(size + tau2))[0],
            "skewness": stats.skew(r / np.sqrt(v + tau2)),
            "significant": np.mean([abs(one) > 1.96 for one in z]),
            "step": sum(1.96 < one <= 2.46 for one in z) / sum(1.46 <= one <= 2.46 for one in z),
        }
        assert found[1, place] == pytest.approx([by_hand[name] for name in TITLES], rel=1e-9)


def test_chunks_leave_out_no_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    tree, rows = tree_of(), funnel_data(tree_of())
    whole = next(
        draw_effects(tree, rows, draws=200, rng=np.random.default_rng(1), studies="fitted")
    )
    monkeypatch.setattr(draws, "MAX_VALUES", 60 * 7)
    parts = list(
        draw_effects(tree, rows, draws=200, rng=np.random.default_rng(1), studies="fitted")
    )
    assert max(len(part.theta) for part in parts) == 7
    assert (np.concatenate([part.theta for part in parts]) == whole.theta).all()


@pytest.mark.usefixtures("trace_data")
@pytest.mark.parametrize("name", ["preclinical", "clinical-all"])
def test_variances_of_the_real_tables_follow_from_their_effects(name: str) -> None:
    design, spec = (
        build_design(datasets.read(name), read_spec("three-level")),
        read_spec("three-level"),
    )
    beta = xr.DataArray(np.zeros((1, 1, design.sizes["term"])), dims=("chain", "draw", "term"))
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"beta": beta}), "constant_data": with_model(design, spec)}
    )
    assert spec.levels == ("study", "group")
    rows = funnel_data(tree)
    assert rows.vtype == "LS"
    assert rows.linked.all()
