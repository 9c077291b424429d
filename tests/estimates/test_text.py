"""A probability never reads as 0 or 1; numbers have true minus signs and no negative zero."""

import math

import pytest

from bayesmeta.estimates.text import (
    estimate_text,
    interval_text,
    number_text,
    probability_statement,
    probability_text,
    words,
)


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "< .001"),
        (-0.0, "< .001"),
        (0.000999, "< .001"),
        (0.001, ".001"),
        (0.0123, ".012"),
        (0.0499, ".050"),
        (0.05, ".05"),
        (0.5, ".50"),
        (0.7, ".70"),
        (0.95, ".95"),
        (0.9734, ".973"),
        (0.999, ".999"),
        (0.9994, "> .999"),
        (0.9995, "> .999"),
        (1.0, "> .999"),
        (1.0000001, "> .999"),
        (math.nan, "–"),
    ],
)
def test_a_probability_never_reads_as_certain(p: float, text: str) -> None:
    assert probability_text(p) == text


@pytest.mark.parametrize(
    ("p", "draws", "text"),
    [
        (0.0, 300, "< .003"),
        (1 / 300, 300, ".003"),
        (1.0, 300, "> .997"),
        (299 / 300, 300, ".997"),
        (1.0, 40, "> .975"),
        (0.0, 40_000, "< .001"),
    ],
)
def test_a_share_of_few_draws_is_no_finer_than_one_draw(p: float, draws: int, text: str) -> None:
    assert probability_text(p, draws=draws) == text


def test_a_statement_has_a_sign_between_event_and_probability() -> None:
    assert probability_statement("P(> 0)", 0.93) == "P(> 0) = .93"
    assert probability_statement("P(> 0)", 1.0) == "P(> 0) > .999"
    assert probability_statement("p", 0.0, draws=200) == "p < .005"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-0.9449, 2, "−0.94"),
        (-0.0, 2, "0.00"),
        (-0.004, 2, "0.00"),
        (0.00004, 2, "0.00"),
        (0.00004, 3, "4.0e−05"),
        (-0.00004, 3, "−4.0e−05"),
        (0.0, 3, "0.000"),
        (1086.0, 0, "1086"),
        (math.nan, 2, "–"),
    ],
)
def test_a_number_as_text(value: float, digits: int, text: str) -> None:
    assert number_text(value, digits) == text


def test_an_estimate_with_its_interval() -> None:
    assert estimate_text(0.514, 0.236, 0.786) == "0.51 [0.24, 0.79]"
    assert estimate_text(-0.001, -1.2, 0.5, 3) == "−0.001 [−1.200, 0.500]"
    assert interval_text(math.nan, -0.65) == "[–, −0.65]"


def test_names_in_words() -> None:
    assert words("fear:long_term:memory") == "fear, long term, memory"
    assert words("memory: fear - neutral:rat") == "memory: fear − neutral, rat"
    assert words("fear:memory - neutral:memory", " ") == "fear memory − neutral memory"


def test_a_narrow_interval_has_the_digits_that_its_width_needs() -> None:
    assert estimate_text(0.00756, -0.0021, 0.0171) == "0.008 [−0.002, 0.017]"
    assert estimate_text(0.98, 0.948, 1.015) == "0.980 [0.948, 1.015]"
    assert estimate_text(-0.94, -1.24, -0.65) == "−0.94 [−1.24, −0.65]"
    assert number_text(3.27e253) == "3.3e+253"
    assert number_text(-1e9) == "−1.0e+09"
    assert number_text(123456789.0, 0) == "123456789"
    assert number_text(-float("inf")) == "−∞"
    assert interval_text(1e-9, 2e-9) == "[1.0e−09, 2.0e−09]"
    assert interval_text(0.5, 0.5) == "[0.50, 0.50]"
