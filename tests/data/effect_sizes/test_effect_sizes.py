"""effects: equal to metafor, laws that hold for any numbers, refusals by name."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesmeta.data.effect_sizes import MEASURES, correction
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root

REFERENCE = json.loads((root() / "tests" / "reference" / "escalc.json").read_text())
IDS = [f"{c['measure']}-{c['vtype']}-{i}" for i, c in enumerate(REFERENCE["cases"])]
GROUPS = {"m1i": 5.0, "sd1i": 2.0, "n1i": 10, "m2i": 4.0, "sd2i": 1.0, "n2i": 12}
PAIRS = {"m1i": 5.0, "sd1i": 2.0, "m2i": 4.0, "sd2i": 1.0, "ri": 0.3, "ni": 10}
CELLS = {"ai": 3, "bi": 2, "ci": 1, "di": 4}
BY_GROUPS = ["SMD", "SMDH", "MD", "ROM"]
BY_PAIRS = ["SMCC", "SMCRP"]


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=IDS)
def test_equals_metafor(case):
    yi, vi = MEASURES[case["measure"]](vtype=case["vtype"], **case["columns"])
    # UB subtracts second numbers near 1 and multiplies by g^2: metafor loses its last digits there
    lost = 1e-12 * np.square(case["yi"]) if case["vtype"] == "UB" else 0
    np.testing.assert_allclose(yi, case["yi"], rtol=1e-12, atol=0)
    assert np.all(np.abs(vi - case["vi"]) <= 1e-12 * np.abs(case["vi"]) + lost)


def test_the_reference_reaches_every_form_and_variance():
    seen = {(c["measure"], c["vtype"], frozenset(c["columns"])) for c in REFERENCE["cases"]}
    forms = {
        (m.name, v, frozenset(f)) for m in MEASURES.values() for v in m.vtypes for f in m.forms
    }
    assert seen == forms


means = st.integers(-50, 50)
sds = st.floats(0.1, 10)
sizes = st.floats(2, 300)
scales = st.floats(1e-3, 1e3)
groups = st.fixed_dictionaries(
    {"m1i": means, "sd1i": sds, "n1i": sizes, "m2i": means, "sd2i": sds, "n2i": sizes}
)
pairs = st.fixed_dictionaries(
    {
        "m1i": means,
        "sd1i": sds,
        "m2i": means,
        "sd2i": sds,
        "ri": st.floats(-0.95, 0.95),
        "ni": st.floats(3, 300),
    }
)
inputs = st.one_of(
    st.tuples(st.sampled_from(BY_GROUPS[:3]), groups),
    st.tuples(st.sampled_from(BY_PAIRS), pairs),
)


def swapped(columns):
    return {name.translate(str.maketrans("12", "21")): value for name, value in columns.items()}


@given(inputs)
def test_swapping_groups_flips_the_sign_and_keeps_the_variance(drawn):
    name, columns = drawn
    yi, vi = MEASURES[name](**columns)
    np.testing.assert_allclose(MEASURES[name](**swapped(columns)), (-yi, vi), rtol=1e-12)


@given(inputs, scales)
def test_a_change_of_unit_leaves_standardised_effects_alone_and_scales_the_mean_difference(
    drawn, c
):
    name, columns = drawn
    rescaled = {k: v * c if k[0] in "ms" else v for k, v in columns.items()}
    factor = c if name == "MD" else 1
    yi, vi = MEASURES[name](**columns)
    np.testing.assert_allclose(MEASURES[name](**rescaled), (factor * yi, factor**2 * vi), rtol=1e-9)


@given(inputs, st.integers(-100, 100))
def test_shifting_both_means_changes_nothing(drawn, shift):
    name, columns = drawn
    shifted = columns | {"m1i": columns["m1i"] + shift, "m2i": columns["m2i"] + shift}
    np.testing.assert_array_equal(MEASURES[name](**shifted), MEASURES[name](**columns))


@given(st.integers(1, 50), st.integers(1, 50), sds, scales)
def test_ratio_of_means_is_free_of_units_and_flips_on_swapping(m1, m2, sd, c):
    columns = GROUPS | {"m1i": m1, "sd1i": sd, "m2i": m2}
    yi, vi = MEASURES["ROM"](**columns)
    rescaled = {k: v * c if k[0] in "ms" else v for k, v in columns.items()}
    np.testing.assert_allclose(MEASURES["ROM"](**rescaled), (yi, vi), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        MEASURES["ROM"](**swapped(columns)), (-yi, vi), rtol=1e-12, atol=1e-15
    )


@given(st.lists(st.integers(0, 30), min_size=4, max_size=4))
def test_odds_ratio_flips_when_rows_or_columns_swap(cells):
    a, b, c, d = cells
    yi, vi = MEASURES["OR"](ai=a, bi=b, ci=c, di=d)
    for swap in ({"ai": c, "bi": d, "ci": a, "di": b}, {"ai": b, "bi": a, "ci": d, "di": c}):
        np.testing.assert_allclose(MEASURES["OR"](**swap), (-yi, vi), rtol=1e-12, atol=1e-12)
    totals = MEASURES["OR"](ai=a, n1i=a + b, ci=c, n2i=c + d)
    np.testing.assert_array_equal(totals, (yi, vi))


@given(pairs)
def test_paired_t_gives_the_same_effect_as_the_means(columns):
    change = (
        columns["sd1i"] ** 2
        + columns["sd2i"] ** 2
        - 2 * columns["ri"] * columns["sd1i"] * columns["sd2i"]
    )
    t = (columns["m1i"] - columns["m2i"]) / np.sqrt(change / columns["ni"])
    np.testing.assert_allclose(
        MEASURES["SMCC"](ti=t, ni=columns["ni"]), MEASURES["SMCC"](**columns), rtol=1e-9, atol=1e-12
    )


@given(st.floats(1.001, 1e4))
def test_correction_shrinks_and_less_so_with_more_data(df):
    assert 0 < correction(df) < correction(df + 0.5) < 1


def test_correction_has_its_known_values():
    np.testing.assert_allclose(
        correction([2, 3, 4]), [np.pi**-0.5, (2 / 3) ** 0.5 * np.pi**0.5 / 2, (2 / np.pi) ** 0.5]
    )
    assert np.isnan(correction([1, 0.5])).all()


@pytest.mark.parametrize("name", ["SMD", "SMDH"])
def test_unbiased_with_the_stated_variance_in_simulated_groups(name):
    rng = np.random.default_rng(1)
    n = 20
    first = rng.normal(0.8, 1, (n, 40_000))
    second = rng.normal(0, 1, (n, 40_000))
    assert_unbiased(MEASURES[name](**described(first, second), n1i=n, n2i=n), 0.8)


def test_d_av_is_unbiased_with_the_stated_variance_in_simulated_pairs():
    rng = np.random.default_rng(2)
    n = 20
    r = 0.6
    first = rng.normal(0.8, 1, (n, 40_000))
    second = r * (first - 0.8) + np.sqrt(1 - r**2) * rng.normal(0, 1, (n, 40_000))
    observed = (
        ((first - first.mean(0)) * (second - second.mean(0))).sum(0)
        / (n - 1)
        / first.std(0, ddof=1)
        / second.std(0, ddof=1)
    )
    assert_unbiased(MEASURES["SMCRP"](**described(first, second), ri=observed, ni=n), 0.8)


def described(first, second):
    return {
        "m1i": first.mean(0),
        "sd1i": first.std(0, ddof=1),
        "m2i": second.mean(0),
        "sd2i": second.std(0, ddof=1),
    }


def assert_unbiased(effects, truth):
    yi, vi = effects
    assert abs(yi.mean() - truth) < 4 * yi.std() / np.sqrt(yi.size)
    assert vi.mean() == pytest.approx(yi.var(), rel=0.08)


def test_arrays_and_scalars_broadcast():
    yi, vi = MEASURES["SMD"](**GROUPS | {"m1i": [[5.0], [6.0]], "n1i": [10, 20, 30]})
    assert yi.shape == vi.shape == (2, 3)
    assert yi[0, 0] == MEASURES["SMD"](**GROUPS)[0]


REFUSED = [
    ("SMD", GROUPS | {"sd1i": [1, -3, 2]}, r"SMD: sd1i must be at least 0, got -3 at position 1$"),
    (
        "SMD",
        GROUPS | {"n2i": [1, 9, 1.5]},
        r"n2i must be at least 2, got 1 at position 0, 1.5 at position 2",
    ),
    ("SMD", GROUPS | {"m1i": [1, np.nan]}, r"m1i must be a finite number, got nan at position 1"),
    ("SMD", GROUPS | {"sd2i": np.inf}, r"sd2i must be at least 0, got inf at position 0"),
    (
        "SMD",
        GROUPS | {"sd1i": 0, "sd2i": [1, 0]},
        r"no effect size follows at position 1; it needs a standard",
    ),
    ("MD", GROUPS | {"sd1i": 0, "sd2i": 0}, r"it needs a standard deviation above 0"),
    (
        "ROM",
        GROUPS | {"m1i": [-1, 1]},
        r"follows at position 0; it needs two means of the same sign",
    ),
    ("ZCOR", {"ri": [0.1, 1.2], "ni": 9}, r"ri must be from -1 to 1, got 1.2 at position 1"),
    (
        "ZCOR",
        {"ri": [1, 0, 0], "ni": [9, 3, 9]},
        r"at position 0, at position 1; it needs \|ri\| < 1 and ni > 3",
    ),
    ("OR", CELLS | {"bi": -1}, r"bi must be at least 0, got -1"),
    ("OR", {"ai": 5, "n1i": 4, "ci": 9, "n2i": 8}, r"it needs ai <= n1i"),
    ("OR", {"ai": 4.3, "n1i": 4, "ci": 0, "n2i": 8}, r"it needs ai <= n1i"),
    ("SMCC", PAIRS | {"ni": 2}, r"it needs ni > 2"),
    ("SMCC", PAIRS | {"ri": 1, "sd2i": 2}, r"a change that varies"),
    ("SMCRP", PAIRS | {"ri": -1.01}, r"ri must be from -1 to 1"),
]


@pytest.mark.parametrize(("name", "columns", "message"), REFUSED)
def test_impossible_values_are_refused_by_name_and_position(name, columns, message):
    with pytest.raises(BadInput, match=message):
        MEASURES[name](**columns)


def test_every_problem_is_named_at_once_by_the_given_rows_and_long_lists_are_cut():
    with pytest.raises(BadInput) as error:
        MEASURES["SMD"](**GROUPS | {"sd1i": -np.ones(12), "n1i": [1] + 11 * [9]}, rows=range(2, 14))
    sd, n = str(error.value).splitlines()
    assert sd.startswith("SMD: sd1i must be at least 0, got -1 at row 2,")
    assert sd.endswith("-1 at row 11 and 2 more")
    assert n == "SMD: n1i must be at least 2, got 1 at row 2"


def test_unknown_columns_and_variances_are_a_usage_error():
    with pytest.raises(TypeError, match="SMD takes"):
        MEASURES["SMD"](m1i=1)
    with pytest.raises(TypeError, match="vtyp"):
        MEASURES["SMD"](**GROUPS, vtyp="UB")
    with pytest.raises(TypeError, match="'XX'"):
        MEASURES["SMD"](**GROUPS, vtype="XX")


def test_the_first_complete_form_is_found():
    assert MEASURES["OR"].form(["x", "n1i", "n2i", "ci", "ai"]) == ("ai", "n1i", "ci", "n2i")
    assert MEASURES["OR"].form(["ai"]) is None
