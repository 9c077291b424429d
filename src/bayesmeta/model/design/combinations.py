"""Text of linear combinations of terms: `CBT + SSRI - 0.5 * "wait-list"`.

The names of terms are those of a table and may hold any sign, so a text is read by the names that
exist: every way to divide it into known names, quoted or not, at signs with spaces around them is a
reading.
"""

import re
from collections.abc import Callable, Iterator

from bayesmeta.infrastructure.errors import BadInput

Known = Callable[[str], bool]
Reading = tuple[tuple[float, str], ...]  # weights and names, in the order of the text

EXAMPLE = "'fear:memory - 0.5 * neutral:memory'"
QUOTES = "\"`'"
_SIGN = re.compile(r"(?:^|\s+)([+-])\s+")
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_WEIGHTED = re.compile(rf"({_NUMBER})\s*\*\s*(\S.*)", re.DOTALL)


def parse_combination(name: str, text: str, known: Known) -> dict[str, float]:
    """Return the weights by term of a contrast's text, by the names that are `known`.

    If there are several readings, the one with the fewest, and so the longest, names is
    taken. Text without a reading is divided at its spaced signs, so that an error can name what is
    unknown. Raise BadInput if it is no text, empty, or has several readings of which none is
    longest.
    """
    if not isinstance(text, str):
        raise BadInput(f"contrast '{name}' is {text!r}; it should be text like {EXAMPLE}")
    possible = readings(text, known)
    if len(possible) > 1 and (len(possible[0]) == 1 or len(possible[0]) == len(possible[1])):
        choices = " or ".join(written(reading) for reading in possible[:4])
        problem = f"contrast '{name}' has several readings: '{text}'"
        raise BadInput(f"{problem}; names in quotes show which is meant: write {choices}")
    weights: dict[str, float] = {}
    for weight, term in possible[0] if possible else _divided(name, text):
        weights[term] = weights.get(term, 0.0) + weight
    return weights


def readings(text: str, known: Known) -> list[Reading]:
    """Return every way to read a text as a combination of known names, the longest names first."""
    signs = [(sign.start(), sign.end(), float(f"{sign[1]}1")) for sign in _SIGN.finditer(text)]
    possible = [*_from(text, 0, 1.0, signs, known)]
    if signs and not text[: signs[0][0]].strip():
        _, after, sign = signs[0]
        possible += _from(text, after, sign, signs, known)
    return sorted(dict.fromkeys(possible), key=len)


def quoted(name: str) -> str:
    """Return a name in quotes that it does not contain itself."""
    mark = next((mark for mark in QUOTES if mark not in name), QUOTES[0])
    return f"{mark}{name}{mark}"


def unquoted(text: str) -> str:
    """Return what stands between quotes, or the text without blanks around it."""
    text = text.strip()
    in_quotes = len(text) > 2 and text[0] in QUOTES and text[0] == text[-1]
    return text[1:-1] if in_quotes else text


def written(reading: Reading) -> str:
    """Return a reading with every name in quotes: `"CBT + SSRI" - 0.5 * "CBT"`."""
    text = ""
    for weight, name in reading:
        sign = "-" if weight < 0 else "+"
        factor = "" if abs(weight) == 1 else f"{abs(weight):g} * "
        lead = f" {sign} " if text else "- " * (sign == "-")
        text += f"{lead}{factor}{quoted(name)}"
    return text


def _from(
    text: str, start: int, sign: float, signs: list[tuple[int, int, float]], known: Known
) -> Iterator[Reading]:
    """Yield the readings of a text from `start`, where a name with this sign begins."""
    later = [mark for mark in signs if mark[0] >= start]
    for stop, after, next_sign in [*later, (len(text), len(text), 0.0)]:
        for weight, name in _names(text[start:stop], known):
            part = (sign * weight, name)
            if not next_sign:
                yield (part,)
                continue
            yield from ((part, *rest) for rest in _from(text, after, next_sign, signs, known))


def _names(text: str, known: Known) -> Iterator[tuple[float, str]]:
    """Yield a weight and a known name for every way to read a part of a text as these."""
    match = _WEIGHTED.fullmatch(text.strip())
    for weight, rest in [(1.0, text), *([(float(match[1]), match[2])] if match else [])]:
        for name in dict.fromkeys((rest.strip(), unquoted(rest))):
            if known(name):
                yield weight, name


def _divided(name: str, text: str) -> Reading:
    """Return the weights and names between signs, whether the names are known or not."""
    first, *rest = _SIGN.split(text.strip())
    parts = [("+", first), *zip(rest[::2], rest[1::2], strict=True)]
    weighted = [(sign, _WEIGHTED.fullmatch(part.strip()), part) for sign, part in parts if part]
    if not weighted or not all(part.strip() for _, _, part in weighted):
        raise BadInput(f"contrast '{name}' cannot be read: '{text}'; write it like {EXAMPLE}")
    return tuple(
        (float(f"{sign}1") * float(match[1] if match else 1), unquoted(match[2] if match else part))
        for sign, match, part in weighted
    )
