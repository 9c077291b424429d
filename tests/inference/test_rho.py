"""A correlation of the sampling errors that is estimated.

NUTS against a grid of exact posteriors.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from bayesmeta.estimates.convergence import diagnose
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import integrate_posterior, terms_table
from bayesmeta.inference.reml import fit_reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import parse_spec

FIXED = """
terms = "1"
levels = ["study"]
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""
TEXT = (
    FIXED
    + """
[priors.rho]
prior = "Beta(2, 2)"
"""
)


def correlated(rho: float) -> pd.DataFrame:
    """60 studies, a group of 4 effects each, whose errors correlate."""
    rng = np.random.default_rng(8)
    study = np.repeat(np.arange(60), 4)
    vi = rng.uniform(0.05, 0.3, 240)
    noise = np.sqrt(rho) * rng.normal(size=60)[study] + np.sqrt(1 - rho) * rng.normal(size=240)
    yi = 0.4 + rng.normal(0, 0.3, 60)[study] + np.sqrt(vi) * noise
    names = {"study": [f"s{i}" for i in study], "group": [f"g{i}" for i in study]}
    return pd.DataFrame({**names, "effect": [f"e{i}" for i in range(240)], "yi": yi, "vi": vi})


@pytest.mark.slow
def test_an_estimated_rho_is_that_of_a_grid() -> None:
    """Mean and sd of rho, mean and sd of the term; the truth is inside."""
    frame, spec = correlated(0.6), parse_spec(TEXT, "rho")
    design = build_design(frame, spec)
    tree = sample_posterior(design, spec, chains=2, seed=1)
    assert diagnose(tree)["divergences"] == 0
    grid, fixed = (np.arange(30) + 0.5) / 30, parse_spec(FIXED, "fixed")
    each = [integrate_posterior(design, replace(fixed, rho=rho)) for rho in grid]
    evidence = np.array([one.log_marginal_likelihood for one in each]) + stats.beta(2, 2).logpdf(
        grid
    )
    probability, drawn = special.softmax(evidence), tree["posterior"]["rho"].values
    mean = probability @ grid
    assert drawn.mean() == pytest.approx(mean, abs=0.01)
    assert drawn.std() == pytest.approx(np.sqrt(probability @ (grid - mean) ** 2), rel=0.1)
    assert np.quantile(drawn, 0.01) < 0.6 < np.quantile(drawn, 0.99)
    exact, beta = (
        terms_table(integrate_posterior(design, spec)).iloc[0],
        tree["posterior"]["beta"].values,
    )
    by_hand = probability @ [terms_table(one)["mean"].iloc[0] for one in each]
    assert exact["mean"] == pytest.approx(by_hand, abs=1e-3)
    assert beta.mean() == pytest.approx(exact["mean"], abs=0.01)
    assert beta.std() == pytest.approx(exact["sd"], rel=0.1)


def test_what_cannot_be_is_said() -> None:
    design = build_design(correlated(0.2), parse_spec(TEXT, "rho"))
    with pytest.raises(
        BadInput, match="REML estimates only terms and taus, but model rho also has rho"
    ):
        fit_reml(design, parse_spec(TEXT, "rho"))
    with pytest.raises(BadInput, match="both fixes rho and gives it a prior"):
        parse_spec(TEXT.replace('levels = ["study"]', 'levels = ["study"]\nrho = 0.2'), "rho")
    with pytest.raises(BadInput, match=r"Beta\(a, b\)"):
        parse_spec(TEXT.replace("Beta(2, 2)", "HalfNormal(1)"), "rho")
