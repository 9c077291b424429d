"""Folds and resamples of entire studies: otherwise a study would predict its other effects."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput

FOLDS = 10
Clusters = Sequence[str] | pd.Series


def folds_of(clusters: Clusters, *, count: int = FOLDS, seed: int = 1) -> np.ndarray:
    """Return the fold of every effect (k,).

    A cluster (a study, or a group as published) is in a single fold; folds have equally many
    clusters. Raises BadInput: fewer clusters than folds, or fewer than two folds.
    """
    labels, place = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    if not 2 <= count <= len(labels):
        advice = f"choose from 2 to {len(labels)} folds"
        raise BadInput(f"{count} folds of {len(labels)} clusters are impossible; {advice}")
    fold: np.ndarray = np.random.default_rng(seed).permutation(len(labels)) % count
    return fold[place]


def held_out(folds: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows to train on and the rows to test on, fold by fold."""
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def resample(clusters: Clusters, seed: int | Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw as many clusters as exist, with repeats; return rows so repeated, and rows not drawn."""
    labels, place = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(labels), len(labels))
    times = np.bincount(drawn, minlength=len(labels))[place]
    return np.repeat(np.arange(len(place)), times), np.flatnonzero(times == 0)
