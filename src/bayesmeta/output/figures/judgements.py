"""Judgements of the risk of bias: their signs and colours, and the words of tables for them."""

from typing import NamedTuple

from bayesmeta.output.figures.style import BLUE, VERMILLION

DOT = 0.2  # inches of a column of dots


class Judgement(NamedTuple):
    """A sign, its colours, and the words that tables have for it."""

    sign: str
    colour: str
    ink: str
    meaning: str
    words: frozenset[str]


JUDGEMENTS = (  # from the worst; a study of several effects has the worst
    Judgement(
        "–",
        VERMILLION,
        "black",
        "high",
        frozenset({"no", "high", "high risk", "serious", "critical", "-", "–", "−"}),
    ),
    Judgement(
        "?",
        "#E8E8E8",
        "black",
        "unclear",
        frozenset(
            {"unclear", "some concerns", "some", "moderate", "?", "unclear risk", "no information"}
        ),
    ),
    Judgement("+", BLUE, "white", "low", frozenset({"yes", "low", "low risk", "+"})),
)


def judgement_of(text: str) -> Judgement | None:
    """Return the worst judgement that a text names; None if it names none."""
    named = {part.strip().casefold() for part in str(text).split(",")}
    return next((judgement for judgement in JUDGEMENTS if judgement.words & named), None)


def legend_of(domains: list[str]) -> str:
    """Return what the letters and signs mean: `Risk of bias: A blinding; + low ...`."""
    letters = ", ".join(f"{letter_of(at)} {name}" for at, name in enumerate(domains))
    signs = ", ".join(f"{judgement.sign} {judgement.meaning}" for judgement in JUDGEMENTS[::-1])
    return f"Risk of bias: {letters}; {signs}"


def letter_of(position: int) -> str:
    """Return the letter of a domain: A, B, ..."""
    return chr(ord("A") + position % 26)
