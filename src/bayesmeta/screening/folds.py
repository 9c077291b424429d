"""Whole studies are held out, whole studies are resampled: else an effect is predicted from its own study."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput

FOLDS = 10
Clusters = Sequence[str] | pd.Series


def folds_of(clusters: Clusters, *, count: int = FOLDS, seed: int = 1) -> np.ndarray:
    """Fold of each effect (k,); a cluster (a study; a group, as published) is in one fold, equally many in each.

    Raises
    ------
    BadInput
        Fewer clusters than folds, or fewer than two folds.
    """
    labels, place = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    if not 2 <= count <= len(labels):
        raise BadInput(f"{count} folds of {len(labels)} clusters cannot be; from 2 to {len(labels)} can")
    fold: np.ndarray = np.random.default_rng(seed).permutation(len(labels)) % count
    return fold[place]


def held_out(folds: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to train on and rows to test on, fold by fold."""
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def resample(clusters: Clusters, seed: int | Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of as many clusters drawn with replacement, each as often as it is drawn; rows of those never drawn."""
    labels, place = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(labels), len(labels))
    times = np.bincount(drawn, minlength=len(labels))[place]
    return np.repeat(np.arange(len(place)), times), np.flatnonzero(times == 0)
