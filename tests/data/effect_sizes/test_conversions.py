"""effects: means and SDs from other summaries, and effects from tests, by known answers."""

import numpy as np
import pytest
from scipy import stats

from bayesmeta.data.effect_sizes import MEASURES, conversions
from bayesmeta.infrastructure.errors import BadInput

EXPECTED_RANGE = {
    2: 1.128,
    5: 2.326,
    10: 3.078,
    25: 3.931,
}  # of normal samples, in SDs: the d2 of control charts
GROUPS = {"m1i": np.array([5.0, 3]), "sd1i": np.array([2.0, 1]), "n1i": np.array([10, 30])} | {
    "m2i": np.array([4.0, 4]), "sd2i": np.array([1.0, 2]), "n2i": np.array([12, 8])
}  # fmt: skip


def student(m1i, sd1i, n1i, m2i, sd2i, n2i):
    """Student's t of two groups by scipy, from their summaries."""
    return stats.ttest_ind_from_stats(m1i, sd1i, n1i, m2i, sd2i, n2i)


def test_t_f_and_p_of_the_same_groups_give_the_effect_of_their_means():
    wanted = MEASURES["SMD"](**GROUPS)
    t, p = student(**GROUPS)
    sizes = {"n1i": GROUPS["n1i"], "n2i": GROUPS["n2i"]}
    for column, values in {"ti": t, "fi": np.sign(t) * t**2, "pi": np.sign(t) * p}.items():
        np.testing.assert_allclose(MEASURES["SMD"](**{column: values}, **sizes), wanted, rtol=1e-10)


def test_impossible_tests_are_refused():
    sizes = {"n1i": 10, "n2i": 12}
    with pytest.raises(BadInput, match="a p-value other than 0"):
        MEASURES["SMD"](pi=0, **sizes)
    with pytest.raises(BadInput, match=r"pi must be from -1 to 1, got 1\.2"):
        MEASURES["SMD"](pi=1.2, **sizes)


def test_sd_from_sem():
    np.testing.assert_allclose(
        conversions.sd_from_sem(np.array([0.5, 2]), np.array([16, 9])), [2, 6]
    )


@pytest.mark.parametrize(("n", "wanted"), EXPECTED_RANGE.items())
def test_sd_from_range_divides_by_the_expected_range(n, wanted):
    assert conversions.sd_from_range(-1.0, wanted - 1.0, n) == pytest.approx(1, rel=0.05)


def test_sd_from_quartiles_divides_by_their_distance_in_large_samples():
    quartile = stats.norm.ppf(0.75)
    assert conversions.sd_from_quartiles(3 - 2 * quartile, 3 + 2 * quartile, 1e6) == pytest.approx(
        2, rel=1e-5
    )


def test_symmetric_summaries_have_their_median_as_mean():
    for n in (5, 50, 500):
        assert conversions.mean_from_range(1.0, 4.0, 7.0, n) == pytest.approx(4)
        assert conversions.mean_from_quartiles(3.0, 4.0, 5.0, n) == pytest.approx(4)
        assert conversions.mean_from_five(1.0, 3.0, 4.0, 5.0, 7.0, n) == pytest.approx(4)


@pytest.mark.parametrize("n", [9, 25, 101])
def test_normal_samples_get_their_own_mean_and_sd_back(n):
    sample = np.random.default_rng(n).normal(3, 2, (20_000, n))
    low, q1, median, q3, high = np.quantile(sample, [0, 0.25, 0.5, 0.75, 1], axis=1)
    means = {
        "range": conversions.mean_from_range(low, median, high, n),
        "quartiles": conversions.mean_from_quartiles(q1, median, q3, n),
        "five": conversions.mean_from_five(low, q1, median, q3, high, n),
    }
    sds = {
        "range": conversions.sd_from_range(low, high, n),
        "quartiles": conversions.sd_from_quartiles(q1, q3, n),
        "five": conversions.sd_from_five(low, q1, q3, high, n),
    }
    for name, values in means.items():
        assert values.mean() == pytest.approx(3, abs=0.03), name
        assert np.std(values - sample.mean(1)) <= np.std(median - sample.mean(1)), (
            f"{name}: no better than the median"
        )
    for name, values in sds.items():
        assert values.mean() == pytest.approx(2, rel=0.06 if n > 9 else 0.15), name
    assert np.std(sds["five"]) <= min(np.std(sds["range"]), np.std(sds["quartiles"]))
    assert np.std(means["five"]) <= min(np.std(means["range"]), np.std(means["quartiles"])) * 1.02


def test_the_weights_are_those_of_the_papers():
    # worked by hand: n = 16, so that n^.75 = 8; w = 4 / 12, and w1 = 2.2 / 10.2
    assert conversions.mean_from_range(0.0, 3.0, 12.0, 16) == pytest.approx(6 / 3 + 3 * 2 / 3)
    assert conversions.mean_from_quartiles(0.0, 3.0, 12.0, 39) == pytest.approx(0.71 * 6 + 0.29 * 3)
    inner = 0.7 - 0.72 / 16**0.55
    assert conversions.mean_from_five(0.0, 1.0, 3.0, 7.0, 12.0, 16) == pytest.approx(
        2.2 / 10.2 * 6 + inner * 4 + (1 - 2.2 / 10.2 - inner) * 3
    )
    weight = 1 / (1 + 0.07 * 32**0.6)  # 32^.6 = 8
    assert weight == pytest.approx(1 / 1.56)
    parts = conversions.sd_from_range(0.0, 12.0, 32), conversions.sd_from_quartiles(1.0, 7.0, 32)
    assert conversions.sd_from_five(0.0, 1.0, 7.0, 12.0, 32) == pytest.approx(
        parts[0] / 1.56 + parts[1] * 0.56 / 1.56
    )
