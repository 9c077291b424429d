"""Names, numbers, probabilities and intervals as text, in a single format everywhere.

The format is that of the APA: a probability has no leading zero (`.97`), an estimate has two
digits and its interval in brackets (`0.51 [0.24, 0.79]`), a negative number has a true minus sign.
"""

import math
import re

FINEST = 0.001  # nothing closer to 0 or 1 is written; about the error of 4000 draws near 0 and 1
TAIL = 0.05  # closer to 0 or 1 than this a third digit is written
MOST_DIGITS = 6
LARGE = 1e9  # a number from here on is written with its power of ten
MINUS = "−"


def words(name: object, separator: str = ", ") -> str:
    """Return the name of a term, contrast or parameter in words.

    `fear:memory` becomes `fear, memory`; an underscore becomes a space, a minus sign between terms
    a true minus sign. A colon before a space is punctuation and stays.
    """
    text = re.sub(r":(?! )", separator, str(name)).replace("_", " ")
    return " ".join(text.split()).replace(" - ", f" {MINUS} ")


def number_text(value: float, digits: int = 2) -> str:
    """Return a number with a fixed number of digits.

    A very large number, as some Bayes factors are, is written with its power of ten; so is a small
    number that would read as zero, if more than two digits are asked for. Zero never has a minus
    sign. A missing number is a dash.
    """
    if value != value:
        return "–"
    small = digits > 2 and 0 < abs(value) < 0.5 * 10**-digits
    large = LARGE <= abs(value) < math.inf
    text = f"{value:.1e}" if small or large else f"{value:z.{digits}f}"
    return text.replace("inf", "∞").replace("-", MINUS)


def signed_text(value: float, digits: int = 2) -> str:
    """Return a number with its sign: `+0.10`, `−0.10`, `0.00`."""
    text = number_text(value, digits)
    positive = value > 0 and any(digit in text for digit in "123456789")
    return f"+{text}" if positive else text


def fine_digits(lower: float, upper: float, digits: int = 2) -> int:
    """Return at least so many digits that the width of an interval has two digits.

    A narrow interval would read as a single number otherwise, `0.01 [0.00, 0.01]`.
    """
    width = upper - lower
    if not 0 < width < math.inf:
        return digits
    return max(digits, min(MOST_DIGITS, math.ceil(1 - math.log10(width))))


def interval_text(lower: float, upper: float, digits: int = 2) -> str:
    """Return an interval: `[−1.24, −0.65]`, a narrow one with more digits: `[0.002, 0.017]`."""
    digits = fine_digits(lower, upper, digits)
    return f"[{number_text(lower, digits)}, {number_text(upper, digits)}]"


def estimate_text(mean: float, lower: float, upper: float, digits: int = 2) -> str:
    """Return an estimate and its interval: `−0.94 [−1.24, −0.65]`."""
    digits = fine_digits(lower, upper, digits)
    return f"{number_text(mean, digits)} {interval_text(lower, upper, digits)}"


def scale_digits(scale: str) -> int:
    """Return the digits of numbers on the scale of a measure: proportions and rates are small."""
    return {"proportion": 3, "rate": 4, "percent": 1, "percentage points": 1}.get(scale, 2)


def probability_text(p: float, *, draws: int | None = None) -> str:
    """Return a probability that never reads as 0 or 1.

    It has two digits (`.93`), and three if it is below .05 or above .95 (`.973`). A probability
    closer than .001 to 0 or 1 is written as a bound: `< .001`, `> .999`. For fewer than 1000
    `draws` the bounds are 1 / draws and 1 - 1 / draws. A missing probability is a dash.
    """
    if p != p:
        return "–"
    finest = max(FINEST, 1 / draws) if draws else FINEST
    if p < finest:
        return f"< {finest:.3f}".replace("0.", ".")
    if p > 1 - finest:
        return f"> {1 - finest:.3f}".replace("0.", ".")
    return f"{p:.{2 if TAIL <= p <= 1 - TAIL else 3}f}".removeprefix("0")


def probability_statement(event: str, p: float, *, draws: int | None = None) -> str:
    """Return what a probability equals or exceeds: `P(> 0) = .93`, `P(> 0) > .999`."""
    text = probability_text(p, draws=draws)
    return f"{event} {text}" if text[0] in "<>" else f"{event} = {text}"
