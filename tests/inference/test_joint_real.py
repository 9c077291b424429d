"""The joint model on the real data and its nesting.

One species' own model, the headline, coverage.
"""

import numpy as np
import pytest
import xarray as xr

from bayesmeta.commands.request import Request, read_inputs
from bayesmeta.inference import quadrature
from bayesmeta.model.design.contrasts import contrast_weights


@pytest.mark.usefixtures("trace_data")
def test_rows_of_one_species_give_that_species_own_model() -> None:
    joint = read_inputs(Request("translational", where="organism == 'human'"))
    alone = read_inputs(Request("clinical-all"))
    assert all(
        "animal" in name or "human - animal" in name or "organism" in name
        for name in joint.left_out
    )
    ours = quadrature.integrate_posterior(joint.design, joint.spec)
    theirs = quadrature.integrate_posterior(alone.design, alone.spec)
    assert ours.log_marginal_likelihood == pytest.approx(theirs.log_marginal_likelihood, abs=1e-6)
    one, other = quadrature.terms_table(ours), quadrature.terms_table(theirs)
    one = (
        one.assign(term=one["term"].str.removeprefix("human:")).set_index("term").loc[other["term"]]
    )
    np.testing.assert_allclose(
        one[["mean", "sd", "ci_lb", "ci_ub"]], other[["mean", "sd", "ci_lb", "ci_ub"]], atol=1e-6
    )


@pytest.mark.usefixtures("trace_data")
def test_the_headline_on_the_real_data() -> None:
    inputs = read_inputs(Request("translational"))
    weights = contrast_weights(
        inputs.spec.contrasts_of("translational"), list(inputs.design["term"].values)
    )
    table = quadrature.contrasts_table(
        quadrature.integrate_posterior(inputs.design, inputs.spec), weights
    )
    row = table.set_index("contrast").loc["human emotional - animal fear memory"]
    assert row["ci_ub"] < -1  # the paper's open question: persons impaired, animals enhanced


def simulate(
    design: xr.Dataset, truth: np.ndarray, taus: dict[str, tuple[float, float]], seed: int
) -> xr.Dataset:
    """The same design with new yi."""
    rng = np.random.default_rng(seed)
    group, of_group = design["effect_group"].values, design["group_study"].values
    own = np.array([taus[name] for name in design["stratum"].values])[
        design["study_stratum"].values
    ]
    u, w = rng.normal(0, own[:, 0]), rng.normal(0, own[of_group, 1])
    noise = rng.normal(0, np.sqrt(design["vi"].values))
    return design.assign(
        yi=("effect", design["X"].values @ truth + u[of_group[group]] + w[group] + noise)
    )


@pytest.mark.slow
@pytest.mark.usefixtures("trace_data")
def test_coverage_of_known_discrepancies_with_the_real_nesting() -> None:
    inputs = read_inputs(Request("translational"))
    terms = list(inputs.design["term"].values)
    truth = {"neutral": -0.7, "fear": 0.4, "trauma": 1.2, "emotional": -0.5}
    beta = np.array(
        [truth[term.split(":")[1]] + 0.8 * (term == "human:fear:learning") for term in terms]
    )
    weights = contrast_weights(inputs.spec.contrasts_of("translational"), terms)
    wanted, covered = weights.values @ beta, []
    assert (wanted == 0).sum() >= 3
    for seed in range(200):
        design = simulate(inputs.design, beta, {"animal": (1.2, 0.5), "human": (0.7, 0.3)}, seed)
        found = quadrature.contrasts_table(
            quadrature.integrate_posterior(design, inputs.spec), weights
        )
        covered.append((found["ci_lb"] < wanted) & (wanted < found["ci_ub"]))
    assert 0.93 <= np.mean(covered) <= 0.97
    # 200 refits bound a single contrast's coverage only to about +-.05
    assert (np.mean(covered, axis=0) > 0.89).all()
