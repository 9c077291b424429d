"""Malformed trees, correlations and covariances, with the matrices that well-formed ones mean."""

import random
from typing import NamedTuple

Matrix = list[list[float]]


class File(NamedTuple):
    """A file of a matrix; `meant` is None if it was damaged."""

    name: str
    ending: str
    text: str
    labels: list[str]
    meant: Matrix | None


def matrix_files(count: int, seed: int) -> list[File]:
    """Return so many files, the same for the same seed."""
    return [_file(random.Random(f"{seed} {number}"), number) for number in range(count)]


def _file(rng: random.Random, number: int) -> File:
    labels = [f"t{at}" for at in range(rng.randrange(2, 9))]
    if number % 2:
        text, meant = _tree(labels, rng)
        kind, ending = "tree", rng.choice(["nwk", "tre", "newick"])
    else:
        meant = _correlations(len(labels), rng)
        text, kind, ending = _table(labels, meant, rng), "matrix", "csv"
    name = f"{number}: {kind}"
    if rng.random() < 0.75:
        text, how = _damaged(text, rng)
        return File(f"{name}, {how}", ending, text, labels, None)
    return File(name, ending, text, labels, meant)


def _tree(labels: list[str], rng: random.Random) -> tuple[str, Matrix]:
    """Return a Newick tree, and for every two tips the share of their path from the root."""
    nodes = [([at], label) for at, label in enumerate(labels)]
    shared = [[0.0] * len(labels) for _ in labels]
    while len(nodes) > 1:
        rng.shuffle(nodes)
        joined = [nodes.pop() for _ in range(min(len(nodes), rng.choice([2, 2, 3])))]
        parts = []
        for tips, text in joined:
            length = round(rng.uniform(0.1, 2), 3)
            parts.append(f"{text}:{length}")
            for first in tips:
                for second in tips:
                    shared[first][second] += length
        tips = [tip for below, _ in joined for tip in below]
        nodes.append((tips, f"({','.join(parts)})"))
    heights = [shared[at][at] ** 0.5 for at in range(len(labels))]
    meant = [
        [shared[i][j] / (heights[i] * heights[j]) for j in range(len(labels))]
        for i in range(len(labels))
    ]
    return f"{nodes[0][1]};", meant


def _correlations(size: int, rng: random.Random) -> Matrix:
    """Return correlations of sums with a common part: r_ij = a_i a_j."""
    shares = [rng.uniform(0.1, 0.9) for _ in range(size)]
    rows = range(size)
    return [[1.0 if i == j else round(shares[i] * shares[j], 3) for j in rows] for i in rows]


def _table(labels: list[str], matrix: Matrix, rng: random.Random) -> str:
    separator = rng.choice([",", ";", "\t"])
    lines = [separator.join(["", *labels])]
    lines += [
        separator.join([label, *map(str, row)]) for label, row in zip(labels, matrix, strict=True)
    ]
    return "\n".join(lines) + "\n"


INSERTED = [*"()[],:;'\"", "\n", "\0", "-1", "1e999", "nan", "inf", "é", "((((", ":0", "t0", "=1+1"]


def _damaged(text: str, rng: random.Random) -> tuple[str, str]:
    at = rng.randrange(len(text))
    how = rng.randrange(5)
    if how == 0:
        return text[:at], "cut"
    if how == 1:
        return text[:at] + text[at + 1 :], "a character less"
    if how == 2:
        return text * rng.randrange(2, 4), "twice"
    if how == 3:
        return "(" * rng.choice([10, 5000]) + text, "opened"
    inserted = rng.choice(INSERTED)
    return text[:at] + inserted + text[at:], f"{inserted!r} inserted"
