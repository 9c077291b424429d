"""Slopes of small studies: column, direction and prior; planted slopes are recovered."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesmeta.inference.quadrature import integrate_posterior, terms_table
from bayesmeta.inference.reml import fit_reml
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design, caution, double_use, is_small_study
from bayesmeta.model.design.contrasts import contrast_weights
from bayesmeta.model.priors import term_prior
from bayesmeta.model.spec import ModelSpec, parse_spec, read_spec

TEXT = """
terms = "0 + valence:phase"
levels = ["study", "group"]
bias = "pet"
[priors.terms]
prior = "Normal(0.3, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[priors.slope]
prior = "Normal(0.2, 0.7)"
"""


def spec_of(old: str = "", new: str = "") -> ModelSpec:
    assert old in TEXT
    return parse_spec(TEXT.replace(old, new, 1), "m")


@pytest.fixture
def frame() -> pd.DataFrame:
    """Cells with the means -.5 (but +1.5 weighted by precision), .4 and .9; sizes differ."""
    table = pd.DataFrame({"study": list("aabbcc"), "valence": ["neutral"] * 2 + ["fear"] * 4})
    table["phase"] = ["memory"] * 4 + ["learning"] * 2
    table = table.assign(group=table.index.astype(str), effect=[f"e{row}" for row in range(6)])
    table = table.assign(organism=["human"] * 4 + ["animal"] * 2)
    return table.assign(
        yi=[-3.0, 2.0, 0.5, 0.3, 0.8, 1.0],
        vi=[4.0, 0.1, 0.2, 0.2, 0.2, 0.2],
        n1i=[4, 5, 10, 20, 8, 16],
        n2i=[4, 20, 10, 30, 8, 48],
    )


S = np.sqrt(
    [
        1 / 4 + 1 / 4,
        1 / 5 + 1 / 20,
        1 / 10 + 1 / 10,
        1 / 20 + 1 / 30,
        1 / 8 + 1 / 8,
        1 / 16 + 1 / 48,
    ]
)


@pytest.mark.parametrize(("bias", "power"), [("pet", 1), ("peese", 2)])
@pytest.mark.parametrize(
    ("directions", "lower"),
    [
        ("", [1, 1, 0, 0, 0, 0]),
        ("neutral = 'higher'", [0, 0, 0, 0, 0, 0]),
        ("fear = 'lower'", [1, 1, 1, 1, 1, 1]),
        ("'fear:learning' = 'lower'", [1, 1, 0, 0, 1, 1]),
        ("fear = 'lower', 'fear:memory' = 'higher'", [1, 1, 0, 0, 1, 1]),
    ],
)
def test_the_column_is_signed_by_the_cell(
    frame: pd.DataFrame, bias: str, power: int, directions: str, lower: list[int]
) -> None:
    spec = spec_of('bias = "pet"', f'bias = "{bias}"\ndirections = {{{directions}}}')
    design = build_design(frame, spec)
    sign = 1 - 2 * np.array(lower)
    np.testing.assert_array_equal(design["published"], sign)
    np.testing.assert_allclose(design["X"].sel(term=bias), sign * S**power)
    assert design["term"].values.tolist() == [
        "fear:learning",
        "fear:memory",
        "neutral:memory",
        bias,
    ]
    assert is_small_study(design).tolist() == [False, False, False, True]
    assert design["term_valence"].values.tolist() == ["fear", "fear", "neutral", ""]


def test_each_stratum_has_a_slope_of_its_own(frame: pd.DataFrame) -> None:
    design = build_design(frame, spec_of('bias = "pet"', 'bias = "pet"\ntau_by = "organism"'))
    assert design["term"].values[is_small_study(design)].tolist() == ["animal:pet", "human:pet"]
    np.testing.assert_allclose(design["X"].sel(term="human:pet"), np.r_[-S[:2], S[2:4], 0, 0])
    np.testing.assert_allclose(design["X"].sel(term="animal:pet"), np.r_[0, 0, 0, 0, S[4:]])


@pytest.mark.parametrize(
    ("change", "spec", "message"),
    [
        (
            lambda t: t.drop(columns="n2i"),
            spec_of(),
            r"pet needs both group sizes, .* no column \['n2i'\]",
        ),
        (lambda t: t.assign(n1i=[4, 5, None, 20, 8, 16]), spec_of(), "1 effects lack them: e2;"),
        (lambda t: t.assign(n2i=[4, 0, 10, -1, 8, 48]), spec_of(), "2 effects lack them: e1, e3;"),
        (lambda t: t.assign(n1i=[4, 5, "ten", 20, 8, 16]), spec_of(), "1 effects lack them: e2;"),
        (lambda t: t.assign(n1i=9, n2i=7), spec_of(), r"cannot be distinguished .*\['pet'\]"),
        (
            lambda t: t,
            spec_of('bias = "pet"', 'bias = "pet"\ndirections = {feer = "lower"}'),
            "name 'feer', not a level of a term",
        ),
        (
            lambda t: t.replace({"valence": {"fear": "pet"}}),
            spec_of("valence:phase", "valence"),
            "name of the slope",
        ),
    ],
)
def test_a_slope_that_cannot_be_estimated_is_refused(
    frame: pd.DataFrame,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    spec: ModelSpec,
    message: str,
) -> None:
    with pytest.raises(BadInput, match=message):
        build_design(change(frame), spec)


def test_without_sizes_of_groups_the_standard_error_is_the_size(frame: pd.DataFrame) -> None:
    bare = frame.drop(columns=["n1i", "n2i"])
    sign = build_design(bare, spec_of())["published"].values
    pet = build_design(bare, spec_of())["X"].sel(term="pet").values
    np.testing.assert_allclose(pet, sign * np.sqrt(frame["vi"]))
    assert "contains the difference" in caution(bare)
    bare.attrs["measure"] = "OR"
    assert caution(bare).endswith("PEESE on vi")
    n = np.array([8.0, 25, 20, 50, 16, 64])
    assert not caution(frame) + caution(bare.assign(ni=n))
    slope = build_design(bare.assign(ni=n), spec_of())["X"].sel(term="pet").values
    np.testing.assert_allclose((slope * sign) ** 2 * n, np.median(frame["vi"] * n))
    with pytest.raises(BadInput, match="pet needs the size ni, above 0; 1 effects lack them: e3"):
        build_design(bare.assign(ni=[8, 25, 20, 0, 16, 64]), spec_of())


def test_a_cell_may_have_the_name_of_a_slope_that_is_not_there(frame: pd.DataFrame) -> None:
    text = (
        TEXT.replace('bias = "pet"', "")
        .replace("valence:phase", "valence")
        .split("[priors.slope]")[0]
    )
    design = build_design(
        frame.replace({"valence": {"fear": "pet"}}), spec := parse_spec(text, "m")
    )
    assert not is_small_study(design).any()
    np.testing.assert_allclose(term_prior(design, spec).fixed, 1.5**2 * np.eye(2))


def test_the_slope_has_a_prior_of_its_own(frame: pd.DataFrame) -> None:
    prior = term_prior(build_design(frame, spec := spec_of()), spec)
    np.testing.assert_allclose(prior.mean, [0.3, 0.3, 0.3, 0.2])
    np.testing.assert_allclose(prior.fixed, np.diag([2.25, 2.25, 2.25, 0.49]))


def test_the_slope_shares_no_part_of_a_prior(frame: pd.DataFrame) -> None:
    """The fear cells share .4; a pooling sd gives a cell without effects a term: no alias."""
    parts = '[priors.valence]\nprior = "Normal(0.1, 0.4)"\n[priors."valence:phase"]\n'
    parts += 'prior = "Normal(0, pooling_sd)"\npooling_sd = "HalfNormal(1)"'
    spec = spec_of('[priors.terms]\nprior = "Normal(0.3, 1.5)"', parts)
    design = build_design(frame, spec)
    assert design["term"].values.tolist() == [
        "fear:learning",
        "neutral:learning",
        "fear:memory",
        "neutral:memory",
        "pet",
    ]
    prior = term_prior(design, spec)
    np.testing.assert_allclose(prior.mean, [0.1] * 4 + [0.2])
    same = np.array(
        [[1, 0, 1, 0, 0], [0, 1, 0, 1, 0], [1, 0, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]
    )
    expected = 0.16 * same + np.diag([0.25] * 4 + [0.49])
    np.testing.assert_allclose(prior.covariance({"valence:phase": 0.5}), expected)


def test_no_contrast_of_all_cells_counts_a_slope() -> None:
    terms = ["human:fear", "animal:fear", "human:loss", "animal:loss", "human:pet", "animal:pet"]
    definitions = {
        "{cell}: human - animal": "human:{cell} - animal:{cell}",
        "mean": "human:{cell} - animal:{cell}",
    }
    weights = contrast_weights(definitions, terms)
    assert weights["contrast"].values.tolist() == [
        "fear: human - animal",
        "loss: human - animal",
        "mean",
    ]
    np.testing.assert_allclose(weights.sel(contrast="mean"), [0.5, -0.5, 0.5, -0.5, 0, 0])


# metafor 3.8-1, R 4.2.2, on `small`:
# rma.mv(yi, vi, mods = ~ 0 + cell + x, random = list(~ 1 | study, ~ 1 | group))
# x = d s (PET), d s^2 (PEESE); coefficients of high, low, x, their standard errors, taus,
# logLik, QE
METAFOR = {
    "pet": [
        (0.2600041247, -0.2538111242, 0.9343597751),
        (0.7434786130, 0.8439213654, 1.7534176208),
        (0.7023885259, 0.3094761856),
        (-10.1200074063, 35.5362026084),
    ],
    "peese": [
        (0.4451631869, -0.4443770132, 1.1110752611),
        (0.4748177871, 0.5526157731, 2.1570320545),
        (0.6975618091, 0.3127428188),
        (-10.0987529406, 35.7498171625),
    ],
}


def small() -> pd.DataFrame:
    """Twelve made-up effects of two cells."""
    table = pd.DataFrame(
        {"group": ["a1", "a1", "a2", "b1", "b2", "c1", "c1", "d1", "d2", "e1", "f1", "f1"]}
    )
    table["valence"] = [
        "low",
        "high",
        "low",
        "low",
        "high",
        "low",
        "high",
        "low",
        "high",
        "high",
        "low",
        "high",
    ]
    table = table.assign(study=table["group"].str[0], effect=table.index.astype(str))
    return table.assign(
        n1i=[8, 8, 10, 12, 9, 20, 20, 6, 15, 30, 11, 7],
        n2i=[8, 9, 10, 14, 9, 18, 22, 6, 12, 28, 10, 8],
        yi=[-0.31, 1.02, 0.45, -0.62, 1.45, -0.90, -0.02, -0.55, 0.39, 1.31, -2.27, -0.38],
        vi=[0.276, 0.252, 0.208, 0.162, 0.249, 0.106, 0.096, 0.409, 0.153, 0.069, 0.205, 0.310],
    )


@pytest.mark.parametrize("bias", METAFOR)
def test_reml_equals_metafor(bias: str) -> None:
    spec = replace(read_spec(bias), terms="0 + valence")
    fit = fit_reml(build_design(small(), spec), spec)
    beta, se, taus, whole = METAFOR[bias]
    assert fit.beta.index.tolist() == ["high", "low", bias]
    np.testing.assert_allclose(fit.beta, beta, rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), se, rtol=1e-5)
    np.testing.assert_allclose(fit.tau, taus, rtol=1e-4)
    np.testing.assert_allclose([fit.log_lik, fit.QE], whole, rtol=1e-7)


TRUTH = {"high": 0.4, "low": -0.3}


def planted(seed: int, power: int) -> pd.DataFrame:
    """50 studies of 2 groups of 2 effects; taus .3 and .2; results grow by s^power from zero."""
    rng = np.random.default_rng(seed)
    study, group = np.repeat(np.arange(50), 4), np.repeat(np.arange(100), 2)
    n1, n2 = (rng.integers(3, 60 if power == 1 else 16, 100)[group] for _ in range(2))
    valence = rng.choice(["high", "low"], 200)
    s, sign = np.sqrt(1 / n1 + 1 / n2), np.where(valence == "low", -1, 1)
    theta = (
        pd.Series(valence).map(TRUTH)
        + rng.normal(0, 0.3, 50)[study]
        + rng.normal(0, 0.2, 100)[group]
    )
    table = pd.DataFrame(
        {
            "study": study.astype(str),
            "group": group.astype(str),
            "effect": np.arange(200).astype(str),
        }
    )
    yi = theta + sign * s**power + rng.normal(0, s)
    return table.assign(yi=yi, vi=s**2, n1i=n1, n2i=n2, valence=valence)


@pytest.mark.slow
@pytest.mark.parametrize(("bias", "power"), [("pet", 1), ("peese", 2)])
def test_planted_slopes_are_recovered(bias: str, power: int) -> None:
    """20 tables: 16 or more intervals hold the truth (P of fewer .003), only with the slope."""
    spec = replace(read_spec(bias), terms="0 + valence")
    plain = replace(read_spec("three-level"), terms="0 + valence")
    truth = pd.Series(TRUTH | {bias: 1.0})
    held: dict[str, list[pd.Series]] = {"with": [], "without": []}
    z = []
    for seed in range(20):
        frame = planted(seed, power)
        for key, model in (("with", spec), ("without", plain)):
            table = terms_table(integrate_posterior(build_design(frame, model), model)).set_index(
                "term"
            )
            own = truth[table.index]
            held[key].append((table["ci_lb"] <= own) & (own <= table["ci_ub"]))
            if key == "with":
                z.append((table["mean"] - own) / table["sd"])
    assert pd.concat(held["with"], axis=1).sum(axis=1).ge(16).all()
    assert pd.concat(held["without"], axis=1).sum(axis=1).le(6).all()
    each = pd.concat(z, axis=1)
    assert stats.chi2.sf(np.square(each.loc[bias]).sum(), 20) > 0.005
    assert abs(each.loc[bias].mean()) < 3 / np.sqrt(20)


@pytest.mark.parametrize(
    ("directions", "prior", "said"),
    [
        ("", "Gamma(2, 2)", ["of every term is", "P(weight < 1) = 0.59"]),
        ("", "Gamma(2, 1.5)", ["of every term is the sign that these data give"]),
        ('directions = {neutral = "lower"}', "Gamma(2, 1.5)", ["of fear:learning, fear:memory is"]),
        ('directions = {neutral = "lower", fear = "higher"}', "Gamma(2, 2)", []),
        ("two_sided = true", "Gamma(2, 2)", []),
    ],
)
def test_directions_from_the_data_are_named(
    frame: pd.DataFrame, directions: str, prior: str, said: list[str]
) -> None:
    weights = f'[priors.weights]\nprior = "{prior}"'
    slope = '[priors.slope]\nprior = "Normal(0.2, 0.7)"'
    text = TEXT.replace('bias = "pet"', f'bias = "selection"\n{directions}')
    spec = parse_spec(text.replace(slope, weights), "m")
    advice = double_use(build_design(frame, spec), spec)
    assert all(part in advice for part in said)
    assert ("P(weight < 1)" in advice) == (len(said) == 2)
    assert bool(advice) == bool(said)
