"""Heavy-tailed study effects.

One far study moves the mean less, and the tree has what the model estimates.
"""

import numpy as np
import pandas as pd
import pytest

from bayesmeta.estimates.convergence import diagnose
from bayesmeta.estimates.summaries import terms_table
from bayesmeta.inference.nuts import sample_posterior
from bayesmeta.inference.quadrature import integrate_posterior
from bayesmeta.inference.quadrature import terms_table as exact_terms
from bayesmeta.inference.reml import fit_reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import parse_spec, read_spec

TEXT = """
terms = "1"
levels = ["study", "group"]
likelihood = "student"
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[priors.nu]
prior = "Gamma(2, 0.1)"
"""


@pytest.mark.slow
def test_one_far_study_moves_the_mean_less(simulated: pd.DataFrame) -> None:
    kept = simulated[simulated["valence"] == "neutral"]
    far = kept.assign(yi=kept["yi"].where(kept["study"] != "s1", kept["yi"] - 12))
    assert (far["yi"] != kept["yi"]).any()
    student = parse_spec(TEXT, "student")
    normal = parse_spec(TEXT.split("[priors.nu]")[0].replace("student", "normal"), "normal")
    tree = sample_posterior(
        build_design(far, student), student, draws=500, tune=500, chains=2, seed=2
    )
    assert diagnose(tree)["passed"]
    robust = float(terms_table(tree)["mean"].iloc[0])
    clean, moved = (
        float(exact_terms(integrate_posterior(build_design(frame, normal), normal))["mean"].iloc[0])
        for frame in (kept, far)
    )
    assert abs(robust - clean) < 0.5 * abs(moved - clean)
    assert float(tree["posterior"]["nu"].mean()) < 8  # under the prior alone 20
    # the far study's own effect is not shrunk towards the others
    u = tree["posterior"]["u"].mean(("chain", "draw")).sel(study="s1")
    assert float(u) < -8


@pytest.mark.slow
def test_without_heavy_tails_it_agrees_with_the_normal_model(simulated: pd.DataFrame) -> None:
    spec = parse_spec(
        TEXT.replace('"1"', '"0 + valence"').replace("Gamma(2, 0.1)", "Gamma(400, 1)"), "student"
    )
    normal = parse_spec(
        TEXT.split("[priors.nu]")[0].replace("student", "normal").replace('"1"', '"0 + valence"'),
        "n",
    )
    design = build_design(simulated, spec)
    got = terms_table(sample_posterior(design, spec, seed=1))
    want = exact_terms(integrate_posterior(design, normal))
    np.testing.assert_allclose(got["mean"], want["mean"], atol=0.01)
    np.testing.assert_allclose(got["sd"], want["sd"], rtol=0.1)


def test_what_the_model_needs_is_said(simulated: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match=r"gives no prior for \['nu'\]"):
        parse_spec(TEXT.split("[priors.nu]")[0], "m")
    with pytest.raises(BadInput, match=r"heavy tails \(nu\) need study effects"):
        parse_spec(TEXT.replace('["study", "group"]', '["group"]'), "m")
    with pytest.raises(BadInput, match="unknown keys"):
        parse_spec(TEXT.replace("student", "normal"), "m")
    spec = read_spec("robust")
    design = build_design(simulated, spec)
    with pytest.raises(BadInput, match="estimates nu, which quadrature cannot do"):
        integrate_posterior(design, spec)
    with pytest.raises(BadInput, match="REML estimates only terms and taus"):
        fit_reml(design, spec)
