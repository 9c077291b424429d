"""Planted truth at preclinical size: quiet without selection, where a naive check is not."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.data.datasets.twin import simulate
from bayesmeta.data.effect_sizes import smd
from bayesmeta.inference.quadrature.draws import draw
from bayesmeta.inference.quadrature.integral import integrate
from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import with_model
from bayesmeta.model.spec import read_spec
from bayesmeta.robustness.funnel import FunnelChecks, funnel_checks

SETS = 100


def planted(rng: np.random.Generator, kept: float = 1.0) -> pd.DataFrame:
    """The twin's studies, groups, cells and sizes, with effects drawn anew.

    A result that is not significant in its cell's direction is published with probability `kept`;
    published results fill a table of the same size.
    """
    twin, found = simulate("preclinical-twin"), []
    truth = twin.attrs["truth"]
    beta = (
        (twin["valence"].astype(str) + ":" + twin["phase"].astype(str))
        .map(truth["beta"])
        .to_numpy()
    )
    n1, n2 = (twin[name].to_numpy(float) for name in ("n1i", "n2i"))
    df, one = n1 + n2 - 2, np.ones(1)
    while sum(map(len, found)) < len(twin):
        theta = beta.copy()
        for level in ("study", "group"):
            codes = pd.factorize(twin[level])[0]
            theta += rng.normal(0, truth[f"tau_{level}"], codes.max() + 1)[codes]
        t = (theta + np.sqrt(1 / n1 + 1 / n2) * rng.normal(size=len(df))) / np.sqrt(
            rng.chisquare(df) / df
        )
        yi, vi = smd(t, one, n1, 0 * one, one, n2)
        labels = {name: twin[name] + f"/{len(found)}" for name in ("study", "group", "effect")}
        published = (np.sign(beta) * yi / np.sqrt(vi) > 1.959964) | (rng.random(len(df)) < kept)
        found.append(twin.assign(yi=yi, vi=vi, **labels)[published])
    frame = pd.concat(found, ignore_index=True).iloc[: len(twin)]
    frame.attrs = twin.attrs
    return frame


def checked(frame: pd.DataFrame, seed: int) -> FunnelChecks:
    """The check of a quadrature fit; new studies need no draws of the random effects."""
    spec = read_spec("three-level")
    design = build_design(frame, spec)
    found = draw(integrate(design, spec, tolerance=1e-4), spec, count=300, seed=seed)
    posterior = {"beta": (("chain", "draw", "term"), found.beta[None])}
    posterior |= {
        f"tau_{level}": (("chain", "draw"), tau[None])
        for level, tau in zip(spec.levels, found.tau.T, strict=True)
    }
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset(posterior), "constant_data": with_model(design, spec)}
    )
    return funnel_checks(tree, seed=seed)


@pytest.mark.slow
def test_without_selection_the_check_is_quiet_and_a_naive_one_is_not() -> None:
    rng = np.random.default_rng(2024)
    found = [checked(planted(rng), seed) for seed in range(SETS)]
    whole = pd.concat(
        one.statistics.query("cell == 'all'").assign(at=at) for at, one in enumerate(found)
    )
    p = whole.pivot_table(index="at", columns="statistic", values="p")
    assert np.mean([one.flagged for one in found]) <= 0.1
    assert ((p < 0.01).mean() <= 0.05).all()
    assert ((p < 0.05).mean() <= 0.14).all()
    # below .5 more often: inverse variances shrink fitted means and with them the replicates
    assert ((p < 0.5).mean() <= 0.8).all()
    naive = whole.query("statistic == 'egger'")
    assert (naive["naive_p"] < 0.01).mean() > 0.9
    assert naive["observed"].mean() == pytest.approx(naive["replicate_mean"].mean(), rel=0.15)
    assert abs(naive["naive_mean"].mean()) < 0.1 * naive["observed"].mean()


@pytest.mark.slow
def test_selection_is_found() -> None:
    rng = np.random.default_rng(12)
    found = [checked(planted(rng, 0.3), seed) for seed in range(8)]
    flags = pd.concat(one.statistics.query("cell == 'all' and flag == 'high'") for one in found)
    assert np.mean([one.flagged for one in found]) > 0.8
    assert {"significant", "step"} <= set(flags["statistic"])
