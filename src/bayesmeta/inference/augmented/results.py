"""The results given unknown moderators: columns of every draw, and densities at candidates."""

from typing import NamedTuple

import numpy as np

from bayesmeta.model.moderators.distribution import Distribution, Drawn, Parameters, Unit
from bayesmeta.model.structure import Structured
from bayesmeta.model.structure.parameters import Values
from bayesmeta.model.structure.small_blocks import inverted


class Block(NamedTuple):
    """A block of results that has rows with blanks."""

    rows: np.ndarray  # of the table (m,)
    inverse: np.ndarray  # V^-1 (draws, m, m)
    weighted: np.ndarray  # V^-1 (y - mean) (draws, m), changed in place


class Results:
    """What the results say about unknown moderators."""

    def __init__(self, likelihood: Structured, distribution: Distribution) -> None:
        self.likelihood = likelihood
        self.distribution = distribution
        self.states = distribution.table.unknowns.states
        rows = self.states.rows
        self.chosen = [
            np.flatnonzero(np.isin(of_size, rows).any(axis=1)) for of_size in likelihood.blocks
        ]
        kept = zip(likelihood.blocks, self.chosen, strict=True)
        of_blocks = [of_block for of_size, some in kept for of_block in of_size[some]]
        self.places = [_places(rows[unit.rows], of_blocks) for unit in distribution.units]
        self.strides = self.states.strides()

    @property
    def numbers(self) -> int:
        """Return the size of the arrays of a draw."""
        k, q = self.likelihood.columns.shape
        sizes = (rows.shape[1] for rows in self.likelihood.blocks)
        blocks = sum(
            len(rows) * size**2 for rows, size in zip(self.likelihood.blocks, sizes, strict=True)
        )
        return int(3 * (k * q + blocks) + 3 * (q + self.likelihood.units) ** 2)

    def columns(self, drawn: Drawn) -> np.ndarray:
        """Return [X, y] of every draw (draws, k, p + 1)."""
        draws = len(drawn.chosen)
        columns = np.repeat(self.likelihood.columns[None], draws, axis=0)
        weights = self._weights(drawn)
        state = self._state(drawn)
        for place, row in enumerate(self.states.rows):
            x = self.states.x[place][state[:, place]]
            columns[:, row, :-1] = np.einsum("dc,dcp->dp", weights[place], x)
        return columns

    def _state(self, drawn: Drawn) -> np.ndarray:
        return np.asarray(drawn.chosen @ self.strides, int)

    def _weights(self, drawn: Drawn) -> list[np.ndarray]:
        """Return the weights of the corners of every row with blanks (draws, corners)."""
        steps = self.distribution.steps_of(drawn)
        return [
            _corners(steps[:, place, of_row]) for place, of_row in enumerate(self.states.numbers)
        ]

    def blocks(self, values: Values, gap: np.ndarray) -> list[Block]:
        """Return the blocks with blanks, at a gap of the results from their means (draws, k)."""
        with_blanks = []
        covariances = self.likelihood.covariances(values, self.chosen)
        for of_size, chosen, V in zip(
            self.likelihood.blocks, self.chosen, covariances, strict=True
        ):
            inverse = inverted(V)
            for at, rows in enumerate(of_size[chosen]):
                here = np.broadcast_to(inverse[:, at], (len(gap), *inverse.shape[2:]))
                weighted = (here @ gap[:, rows, None])[..., 0]
                with_blanks.append(Block(rows, here, weighted))
        return with_blanks

    def draw(
        self,
        drawn: Drawn,
        values: Values,
        coefficients: np.ndarray,
        given: Parameters,
        rng: np.random.Generator,
    ) -> None:
        """Draw all unknown moderators in place, each given the others and (a, beta)."""
        likelihood = self.likelihood
        beta = coefficients[:, -likelihood.terms :]
        columns = self.columns(drawn)
        mean = (columns[..., :-1] @ beta[..., None])[..., 0]
        for place, group in zip(likelihood.crossed.slices, likelihood.crossed.groups, strict=True):
            mean = mean + coefficients[:, place][:, group.unit]
        blocks = self.blocks(values, likelihood.columns[:, -1] - mean)
        of_corners = [np.einsum("scp,dp->dsc", x, beta) for x in self.states.x]
        for unit, places in zip(self.distribution.units, self.places, strict=True):
            concerned = [(blocks[at], mine, theirs) for at, mine, theirs in places]
            self._draw_unit(drawn, unit, concerned, of_corners, given, rng)

    def _draw_unit(
        self,
        drawn: Drawn,
        unit: Unit,
        concerned: list[tuple[Block, np.ndarray, np.ndarray]],
        of_corners: list[np.ndarray],
        given: Parameters,
        rng: np.random.Generator,
    ) -> None:
        before = self._means(drawn, unit, of_corners, None)[:, 0]

        def density(candidates: np.ndarray) -> np.ndarray:
            change = self._means(drawn, unit, of_corners, candidates) - before[:, None]
            log_p = np.zeros(candidates.shape)
            for block, mine, theirs in concerned:
                d = change[..., mine]
                inverse = block.inverse[:, theirs[:, None], theirs]
                log_p += (d @ block.weighted[:, theirs, None])[..., 0]
                log_p -= 0.5 * ((d @ inverse) * d).sum(-1)
            return np.where(np.isnan(log_p), -np.inf, log_p)

        self.distribution.draw_unit(drawn, unit, given, density, rng)
        change = self._means(drawn, unit, of_corners, None)[:, 0] - before
        for block, mine, theirs in concerned:
            block.weighted[:] -= (block.inverse[:, :, theirs] @ change[:, mine, None])[..., 0]

    def _means(
        self,
        drawn: Drawn,
        unit: Unit,
        of_corners: list[np.ndarray],
        candidates: np.ndarray | None,
    ) -> np.ndarray:
        """Return the means of a unit's rows at candidates of its value (draws, n, rows).

        Without candidates, n is 1, and the value is that which is drawn.
        """
        some = Drawn(drawn.features[:, unit.rows], drawn.chosen[:, unit.rows])
        steps = self.distribution.steps_of(some)
        draws = np.arange(len(steps))[:, None]
        parts = []
        for at, place in enumerate(unit.rows):
            of_row = self.states.numbers[place]
            state = np.asarray(some.chosen[:, at] @ self.strides, int)[:, None]
            step = steps[:, None, at, of_row]
            if candidates is not None and unit.is_number:
                count = candidates.shape[1]
                step = np.repeat(step, count, axis=1)
                number = self.distribution.table.numbers[unit.at]
                low, high = number.ends
                step[..., of_row.index(unit.at)] = (candidates - low) / (high - low)
                state = np.repeat(state, count, axis=1)
            elif candidates is not None:
                stride = self.strides[unit.at]
                now = some.chosen[:, at, unit.at][:, None]
                state = state + (candidates - now) * stride
                step = np.repeat(step, candidates.shape[1], axis=1)
            means = of_corners[place][draws, state]
            parts.append((_corners(step) * means).sum(-1))
        return np.stack(parts, -1)


def _places(rows: np.ndarray, blocks: list[np.ndarray]) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Return the blocks that have some of the rows: number, places in rows, places in the block."""
    with_blanks = []
    for at, block in enumerate(blocks):
        mine, theirs = np.nonzero(rows[:, None] == block)
        if len(mine):
            with_blanks.append((at, mine, theirs))
    return with_blanks


def _corners(steps: np.ndarray) -> np.ndarray:
    """Return the weights of the corners (..., 2^n) at steps from low to high (..., n)."""
    weights = np.ones((*steps.shape[:-1], 1))
    for at in range(steps.shape[-1]):
        step = steps[..., at, None]
        pair = np.concatenate([1 - step, step], axis=-1)
        weights = (weights[..., :, None] * pair[..., None, :]).reshape(*steps.shape[:-1], -1)
    return weights
