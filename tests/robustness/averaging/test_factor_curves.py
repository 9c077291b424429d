"""Bayes factors under scaled priors: by draws, against quadrature and sums over grids."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from averaging_tables import spec_of, table_of
from scipy.special import logsumexp
from scipy.stats import halfnorm, norm

from bayesmeta.commands.console.averages import missing_scales
from bayesmeta.model.spec import Prior
from bayesmeta.robustness import averaging
from bayesmeta.robustness.averaging.evidence import DOUBTFUL, reweighted
from bayesmeta.robustness.averaging.scaled import SCALES, ratio_name
from bayesmeta.robustness.averaging.sensitivity import at_scale

pytestmark = pytest.mark.wide

YI = np.array([0.62, 0.15, 0.81, 0.48])
VI = np.array([0.05, 0.08, 0.1, 0.04])
LEVELS = '"study", "effect"'


def by_draws(member: averaging.Member, seed: int = 1) -> averaging.Evaluated:
    """Evaluate a model by importance."""
    heterogeneity = member.present.get("heterogeneity", True)
    table = averaging.drawn(member.design, member.spec, heterogeneity, seed)
    assert averaging.why_uncertain(table) == ""
    return averaging.of_draws(member, table)


@pytest.mark.parametrize("of_taus", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize(
    ("levels", "prior"), [(LEVELS, "Normal(0, 1)"), ('"study"', "StudentT(4, 0, 0.7)")]
)
def test_draws_give_the_evidence_of_quadrature_under_other_priors(
    levels: str, prior: str, of_taus: bool
) -> None:
    """Of models without selection, whose evidence is exact under every prior."""
    frame = table_of(YI, VI, dose=[1.0, 2.0, 2.5, 4.0])
    spec = spec_of("1 + dose", levels=levels)
    spec = replace(spec, priors={**spec.priors, "intercept": Prior.parse("intercept", prior)})
    compared = 0
    members = averaging.members_of(frame, spec, ["effect", "heterogeneity"])
    for member in members:
        drawn = by_draws(member)
        for scale in SCALES:
            found = reweighted(drawn, ratio_name(scale, of_taus=of_taus))
            _, want = at_scale(member, averaging.exact(member), scale, of_taus=of_taus)
            if found.error < DOUBTFUL:
                compared += 1
                distance = abs(found.log_evidence - want.log_evidence)
                assert distance < 4 * found.error, (member.name, scale)
    assert compared > 0.75 * len(members) * len(SCALES)


def test_a_selection_model_has_the_evidence_of_a_sum_over_a_grid_under_other_priors() -> None:
    """Weights 1 and w ~ Uniform(0, 1) of one-sided p, at scales of the prior of mean and of tau."""
    members = averaging.members_of(table_of(YI, VI), spec_of(), ["effect", "bias"])
    (chosen,) = [m for m in members if m.bias == "one-sided p .05" and m.present["effect"]]
    limit = norm.isf(0.05)
    mu = np.linspace(-8, 8, 641)[:, None, None]
    tau = (6 * (np.arange(150) + 0.5) / 150)[None, :, None]
    w = ((np.arange(50) + 0.5) / 50)[None, None, :]
    log_likelihood = np.zeros(np.broadcast_shapes(mu.shape, tau.shape, w.shape))
    for y, v in zip(YI, VI, strict=True):
        sd = np.sqrt(v + tau**2)
        above = norm.sf(limit * np.sqrt(v), mu, sd)
        log_likelihood += norm.logpdf(y, mu, sd) - np.log(above + w * (1 - above))
        log_likelihood += 0.0 if y / np.sqrt(v) > limit else np.log(w)
    cell = (16 / 640) * (6 / 150) / 50

    def want(sd: float, scale: float) -> float:
        log_prior = norm.logpdf(mu, 0, sd) + halfnorm(scale=scale).logpdf(tau)
        return float(logsumexp(log_likelihood + log_prior) + np.log(cell))

    drawn = by_draws(chosen)
    for scale in (0.5, 1.0, 2.0):
        of_terms, of_taus = (
            reweighted(drawn, ratio_name(scale, of_taus=taus)) for taus in (False, True)
        )
        for found, at in ((of_terms, (scale, 0.5)), (of_taus, (1.0, 0.5 * scale))):
            assert found.error < 0.15
            assert found.log_evidence == pytest.approx(want(*at), abs=3.5 * found.error + 1e-3)


@pytest.fixture(scope="module")
def over_bias() -> list[tuple[averaging.Member, averaging.Evaluated]]:
    """Models of a strong effect, with and without effect and bias."""
    members = averaging.members_of(table_of(YI + 1.5, VI), spec_of(), ["effect", "bias"])
    return [
        (member, averaging.exact(member) if averaging.is_exact(member) else by_draws(member))
        for member in members
    ]


def test_the_curve_meets_the_bayes_factor_of_the_model(
    over_bias: list[tuple[averaging.Member, averaging.Evaluated]],
) -> None:
    curves = averaging.sensitivity_table(over_bias)
    at_one = curves[curves["scale"] == 1].set_index("component")
    wanted = averaging.inclusion_table(over_bias).set_index("component")
    for column in ("log_bayes_factor", "error"):
        np.testing.assert_allclose(at_one.loc[wanted.index, column], wanted[column])
    assert (curves["error"] <= 0.2).all()


def test_scales_that_draws_do_not_cover_are_left_out_and_named(
    over_bias: list[tuple[averaging.Member, averaging.Evaluated]],
) -> None:
    """Ratios with a heavy tail matter in models that are probable, and in no others."""
    spoilt_scale = 1.41
    name = ratio_name(spoilt_scale, of_taus=False)
    heavy = np.log(np.random.default_rng(1).standard_cauchy(500) ** 2)

    def with_heavy(chosen: set[str], less: float = 0.0) -> pd.DataFrame:
        changed = {
            m.name: replace(e, ratios={**e.ratios, name: heavy}, log_evidence=e.log_evidence - less)
            for m, e in over_bias
        }
        pairs = [(m, changed[m.name] if m.name in chosen else e) for m, e in over_bias]
        return averaging.sensitivity_table(pairs)

    selected = {m.name for m, e in over_bias if e.ratios}
    whole = averaging.sensitivity_table(over_bias)
    curves = with_heavy({name for name in selected if name.startswith("effect")})
    missing = (whole["scale"] == spoilt_scale) & (whole["component"].isin(["effect", "bias"]))
    pd.testing.assert_frame_equal(curves, whole[~missing].reset_index(drop=True))
    inclusion = averaging.inclusion_table(over_bias)
    sentences = missing_scales({"inclusion": inclusion, "bayes_factors": curves})
    assert any(x.startswith("no Bayes factor of effect at ") and "1.41" in x for x in sentences)
    assert missing_scales({"inclusion": inclusion, "bayes_factors": curves[:0]}) == []
    least = {min((e.log_evidence, m.name) for m, e in over_bias if m.name in selected)[1]}
    assert len(with_heavy(least)) < len(whole)
    assert len(with_heavy(least, less=20.0)) == len(whole)
