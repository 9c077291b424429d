"""Labels that differ only in case, spaces, leading zeros or typography."""

import re
import unicodedata
from collections.abc import Iterable

from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.requests import command
from bayesmeta.infrastructure.errors import BadInput

INTEGER = re.compile(r"0*(\d+)(?:\.0+)?")
WORDS = re.compile(r"[^\w.]+|_+|\.(?!\d)")
SHOWN = 5  # sets of labels that a message lists


def join_alike(reading: Reading) -> Reading:
    """Return the reading with a message about study labels that differ by typography alone.

    They stay different, unless the columns have alike=join, which gives them the spelling that
    comes first.
    """
    asked = reading.asked.get("alike", "")
    if asked not in ("", "join"):
        raise BadInput(f"columns give alike={asked!r}; it should be 'join', or not be given")
    study = reading.named["study"]
    sets = alike(study.unique())
    if not sets:
        return reading
    shown = "; ".join(", ".join(map(repr, labels)) for labels in sets[:SHOWN])
    more = f" and {len(sets) - SHOWN} more sets" if len(sets) > SHOWN else ""
    if asked or reading.propose:
        first = {label: labels[0] for labels in sets for label in labels}
        named = reading.named.assign(study=study.replace(first))
        joined = f"studies with labels that differ by typography alone are joined: {shown}{more}"
        settings = dict(reading.asked) | {"alike": "join"}
        return reading.updated(named=named, asked=settings, messages=[joined])
    remedy = f"if they are the same studies: {command(reading, {'alike': 'join'})}"
    differ = "labels of studies that differ only in case, spaces, zeros or typography"
    return reading.updated(messages=[f"{differ}: {shown}{more}; {remedy}"])


def alike(labels: Iterable[str]) -> list[list[str]]:
    """Return the sets of labels that are the same without case, spaces, accents and zeros."""
    sets: dict[str, list[str]] = {}
    for label in filter(None, labels):
        sets.setdefault(_bare(label), []).append(label)
    return [same for same in sets.values() if len(same) > 1]


def _bare(label: str) -> str:
    folded = unicodedata.normalize("NFKD", label.casefold())
    letters = "".join(letter for letter in folded if not unicodedata.combining(letter))
    words = [word for word in WORDS.split(letters.replace("&", " and ")) if word]
    return " ".join(integer[1] if (integer := INTEGER.fullmatch(word)) else word for word in words)
