"""Rules over pooling sds reach the tails of their prior, where data of a few studies may be."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate
from scipy.stats import halfnorm

from bayesmeta.inference.quadrature import integrate_posterior
from bayesmeta.inference.quadrature.outer import Box, outer_nodes
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import Prior, parse_spec

POOLED = """
title = "Pooled"
terms = "0 + species"
levels = ["study"]
[priors.species]
prior = "Normal(0, pooling_sd)"
pooling_sd = "HalfNormal(0.5)"
reason = "pooled"
[priors.tau]
prior = "HalfNormal(1)"
reason = "wide"
"""
PRIORS = {"species": Prior("HalfNormal", (0.5,))}


def test_weights_are_those_of_the_prior() -> None:
    nodes = outer_nodes(PRIORS, 48, Box.of(PRIORS))
    assert nodes.weight.sum() == pytest.approx(1, abs=1e-5)
    sd = nodes.values["species"]
    assert nodes.weight @ sd == pytest.approx(halfnorm(scale=0.5).mean(), abs=1e-5)
    assert sd.max() > 10 * 0.5


@pytest.mark.parametrize("mean", [0.0, 4.0])
def test_a_pooling_sd_far_in_the_tail_of_its_prior(mean: float) -> None:
    """Two species with one mean each, of 0 or of -4 and 4: eight prior sds."""
    rng = np.random.default_rng(3)
    y = np.repeat([-mean, mean], 3) + rng.normal(0, 0.3, 6)
    frame = pd.DataFrame({"study": list("abcdef"), "yi": y, "vi": 0.05})
    frame = frame.assign(species=np.repeat(["rat", "mouse"], 3), group=frame["study"])
    frame["effect"] = frame["study"]
    spec = parse_spec(POOLED, "pooled")
    posterior = integrate_posterior(build_design(frame, spec), spec)
    assert posterior.converged

    tau, sd = np.meshgrid(np.linspace(0, 6, 301), np.linspace(0, 14, 601), indexing="ij")
    own = tau**2 + 0.05
    shared = own + 3 * sd**2
    log_density = halfnorm.logpdf(sd, scale=0.5) + halfnorm.logpdf(tau) - 3 * np.log(2 * np.pi)
    for part in (y[:3], y[3:]):  # the mean of three values, and their deviations from it
        deviations = ((part - part.mean()) ** 2).sum()
        log_density -= 0.5 * (np.log(shared) + 3 * part.mean() ** 2 / shared)
        log_density -= 0.5 * (2 * np.log(own) + deviations / own)
    inner = integrate.simpson(np.exp(log_density), x=sd[0])
    want = np.log(integrate.simpson(inner, x=tau[:, 0]))
    assert posterior.log_marginal_likelihood == pytest.approx(want, abs=1e-3)
