"""The header of a table: titles above it, two rows of names, names that are repeated per group."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median

from bayesmeta.data.table.numerals import NUMBER

LOOKED_AT = 30  # filled rows among which the header is
FILLED = 0.6  # of the cells of the rows below, as many must a header have
Row = Sequence[str]


def find_header(rows: Mapping[int, Row]) -> tuple[int, list[int]]:
    """Return the number of the row with the names, and of rows of names that belong above it.

    `rows` are the filled rows by their numbers. Rows with few cells above the names are titles.
    """
    numbers = list(rows)[:LOOKED_AT]
    filled = [[cell for cell in rows[number] if cell] for number in numbers]
    place = next((at for at in range(len(numbers)) if _may_be_header(filled, at)), 0)
    below = place + 1
    if below < len(numbers) and _completes(rows[numbers[place]], rows[numbers[below]]):
        return numbers[below], [numbers[place]]
    above = place - 1
    if above >= 0 and _completes(rows[numbers[above]], rows[numbers[place]]):
        return numbers[place], [numbers[above]]
    return numbers[place], []


def joined_names(upper: Row, names: Row) -> list[str]:
    """Return names with the name of the group above them: Control over Mean is Control Mean."""
    width = max(len(upper), len(names))
    group = ""
    joined = []
    for place in range(width):
        above = upper[place] if place < len(upper) else ""
        name = names[place] if place < len(names) else ""
        group = above or group
        joined.append(f"{group} {name}".strip() if name else above)
    return joined


def numbered_names(names: Row) -> tuple[list[str], bool]:
    """Return names with 1 and 2 behind those that occur twice, if all of two groups do so.

    Events, Total, Events, Total are Events 1, Total 1, Events 2, Total 2. The second value is
    whether any name was changed.
    """
    counts = Counter(name for name in names if name)
    twice = [name for name, count in counts.items() if count == 2]
    places = {name: [at for at, other in enumerate(names) if other == name] for name in twice}
    first = [place for place, _ in places.values()] if twice else []
    second = [place for _, place in places.values()] if twice else []
    in_blocks = len(twice) > 1 and max(first) < min(second) and max(counts.values()) == 2
    if not in_blocks or sorted(second) != second:
        return list(names), False
    number = dict.fromkeys(first, 1) | dict.fromkeys(second, 2)
    return [f"{name} {number[at]}" if at in number else name for at, name in enumerate(names)], True


def _may_be_header(rows: Sequence[Row], place: int) -> bool:
    """Return whether a row has enough cells, and no row with more words follows it."""
    count = len(rows[place])
    below = rows[place + 1 : place + 11]
    if count < 2 or not below:
        return count > 1
    names_follow = len(below[0]) > count and not any(map(NUMBER.fullmatch, below[0]))
    return not names_follow and count >= FILLED * median(map(len, below))


def _completes(upper: Row, lower: Row) -> bool:
    """Return whether a row of words names columns that the row above leaves blank or groups."""
    words = [cell for cell in lower if cell]
    if sum(map(bool, upper)) < 2 or len(words) < 2 or any(map(NUMBER.fullmatch, words)):
        return False
    places = [at for at, cell in enumerate(lower) if cell]
    below_blank = [at for at in places if not _cell(upper, at)]
    in_groups = all(not _cell(upper, at) or not _cell(upper, at + 1) for at in places)
    repeated = len({*words}) < len(words)
    alone = any(not _cell(lower, at) for at in range(len(upper)))
    return bool(below_blank) and in_groups and (repeated or alone)


def _cell(row: Row, place: int) -> str:
    return row[place] if place < len(row) else ""
