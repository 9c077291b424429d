"""Cholesky factors of very many small matrices, entry by entry over all of them at once.

LAPACK takes a matrix after the other, and a call takes longer than the arithmetic of a few rows.
"""

import numpy as np

LARGEST = 10  # rows; of more, LAPACK is quicker


class Factors:
    """The lower Cholesky factors L of matrices V (..., m, m), nan where V has none."""

    def __init__(self, V: np.ndarray) -> None:
        self.size = V.shape[-1]
        self.entries: dict[tuple[int, int], np.ndarray] = {}
        L = self.entries
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            for j in range(self.size):
                pivot = V[..., j, j].copy()
                for i in range(j):
                    pivot -= L[j, i] ** 2
                L[j, j] = np.sqrt(pivot)
                for row in range(j + 1, self.size):
                    entry = V[..., row, j].copy()
                    for i in range(j):
                        entry -= L[row, i] * L[j, i]
                    L[row, j] = entry / L[j, j]

    @property
    def log_det(self) -> np.ndarray:
        """Return log|V| (...)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = [np.log(self.entries[j, j]) for j in range(self.size)]
        return 2 * np.sum(logs, axis=0)

    def halved(self, z: np.ndarray) -> np.ndarray:
        """Return L^-1 z, of z (..., m, q), with the leading axes of both."""
        lead = np.broadcast_shapes(self.entries[0, 0].shape, z.shape[:-2])
        u = np.empty((*lead, *z.shape[-2:]))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            for j in range(self.size):
                row = np.broadcast_to(z[..., j, :], (*lead, z.shape[-1])).copy()
                for i in range(j):
                    row -= self.entries[j, i][..., None] * u[..., i, :]
                u[..., j, :] = row / self.entries[j, j][..., None]
        return u

    def inverse(self) -> np.ndarray:
        """Return V^-1 (..., m, m)."""
        if self.size == 1:
            return (1 / self.entries[0, 0] ** 2)[..., None, None]
        half = self.halved(np.eye(self.size))
        return half.swapaxes(-1, -2) @ half


def inverted(V: np.ndarray) -> np.ndarray:
    """Return the inverses of matrices (..., m, m)."""
    return Factors(V).inverse() if V.shape[-1] <= LARGEST else np.linalg.inv(V)
