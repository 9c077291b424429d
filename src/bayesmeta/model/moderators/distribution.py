r"""The joint distribution of moderators, of which some are unknown, and draws of these.

It is a sequence of conditional distributions (the general location model):

    combination of the incomplete categories | cell of the complete ones  ~  Categorical(pi_cell)
    number_j | 1, all categories, the numbers before it, w                ~  N(w gamma_j, s_j^2)

    pi_cell ~ Dirichlet(1/L, ..., 1/L)
    gamma_j | s_j ~ N(0, s_j^2 I),    s_j^2 ~ InvGamma(1/2, 1/2)

with numbers standardised. Each prior has the information of a single unit. Units are studies,
groups or effects (`design.blanks`); a regression of studies has the means of lower moderators over
a study's rows. Complete numbers come first; they are modelled if a category is incomplete, and else
conditioned on. Given the results, an unknown value is drawn from its exact distribution: a category
by the density of the results at every possible value, a number from a normal, whose exponent
is quadratic in it, known from three values.

Source: Olkin & Tate 1961, doi 10.1214/aoms/1177705052; Little & Schluchter 1985, doi
10.1093/biomet/72.3.497.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator

from bayesmeta.model.design.blanks import varies_within
from bayesmeta.model.moderators.table import Table

PRIOR_UNITS = 1.0  # weight of every prior
THREE = np.array([-1.0, 0.0, 1.0])  # steps, of a quadratic function
Density = Callable[[np.ndarray], np.ndarray]


class Drawn(NamedTuple):
    """Unknown moderators at draws, over the rows with blanks."""

    features: np.ndarray  # (draws, R, features)
    chosen: np.ndarray  # combinations (draws, R, combinations)

    def part(self, draws: slice) -> "Drawn":
        """Return some draws."""
        return Drawn(self.features[draws], self.chosen[draws])


class Parameters(NamedTuple):
    """Parameters of the distribution at draws."""

    gamma: list[np.ndarray]  # of every response (draws, predictors)
    s2: list[np.ndarray]  # (draws,)
    log_pi: list[np.ndarray]  # of every part of categories (draws, cells, combinations)

    def part(self, draws: slice) -> "Parameters":
        """Return some draws."""
        return Parameters(*([x[draws] for x in parts] for parts in self))


class Response(NamedTuple):
    """A regression of a number."""

    name: str
    column: int
    predictors: np.ndarray  # columns
    size: int  # units
    gram: np.ndarray  # of predictors and response of known units (q + 1, q + 1)
    fixed: np.ndarray  # part of the other units' means from known rows (A, features)
    share: np.ndarray  # part of the rows with blanks in them (A, R)


class Cells(NamedTuple):
    """Units of a part of the incomplete categories."""

    rows: list[np.ndarray]  # with blanks, of every unknown unit, by their place among R
    cell: np.ndarray  # of unknown units
    counts: np.ndarray  # of known units (cells, combinations)


class Unit(NamedTuple):
    """A unit with an unknown number, or an unknown combination."""

    at: int  # number or part of the categories
    is_number: bool
    rows: np.ndarray  # places among R
    responses: list[tuple[int, np.ndarray]]  # regressions in which it counts, and their units
    cell: int


class Distribution:
    """The distribution of the moderators of a table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.combinations = table.unknowns.combinations
        numbers = [number.name for number in table.numbers]
        modelled = [*(table.complete_numbers if self.combinations else []), *numbers]
        self.indicators = [self._indicators_of(at) for at in range(len(self.combinations))]
        self.responses = [self._response(name, modelled[:at]) for at, name in enumerate(modelled)]
        self.cells = [self._cells(at) for at in range(len(self.combinations))]
        self.units = self._units()

    @property
    def rows(self) -> np.ndarray:
        """Return the rows with blanks (R,)."""
        return self.table.rows

    def _response(self, name: str, before: list[str]) -> Response:
        table = self.table
        complete = [x for x in table.complete_numbers if x not in before and not self.combinations]
        first = min([feature.column for feature in table.features.values()], default=0)
        places = [table.features[x].column for x in (*complete, *before)]
        predictors = np.array([*range(first), *places], int)
        feature = table.features[name]
        unit = table.unit(feature.level)
        sizes = np.bincount(unit)
        affected = np.unique(unit[self.rows])
        in_row = np.isin(np.arange(len(unit)), self.rows)
        share = (unit[self.rows][None] == affected[:, None]) / sizes[affected][:, None]
        base = np.where(in_row[:, None], 0.0, table.base)
        means = np.zeros((len(sizes), base.shape[1]))
        np.add.at(means, unit, base)
        means /= sizes[:, None]
        known = np.delete(means, affected, axis=0)[:, [*predictors, feature.column]]
        return Response(
            name, feature.column, predictors, len(sizes), known.T @ known, means[affected], share
        )

    def _cells(self, at: int) -> Cells:
        """Return the units of a part of the categories, and the counts of those that are known."""
        part = self.combinations[at]
        table = self.table
        unit = table.unit(part.level)
        first = pd.DataFrame(table.frame).groupby(unit).first()
        complete = [
            name
            for name in table.categories
            if name not in table.blank and not varies_within(table.frame[name], unit)
        ]
        cell = np.zeros(len(first), int)
        if complete:
            cell = first.groupby(complete, observed=True, sort=True).ngroup().to_numpy()
        unknown = table.frame[list(part.names)].isna().any(axis=1).to_numpy()
        of_unknown = np.unique(unit[unknown])
        counts = np.zeros((cell.max() + 1, len(part.values)))
        for row, values in part.values.iterrows():
            fits = (first[list(part.names)] == values).all(axis=1).to_numpy().copy()
            fits[of_unknown] = False
            np.add.at(counts[:, int(str(row))], cell[fits], 1)
        rows = [np.flatnonzero(unit[self.rows] == code) for code in of_unknown]
        return Cells(rows, cell[of_unknown], counts)

    def _units(self) -> list[Unit]:
        every_unit = []
        for at, cells in enumerate(self.cells):
            for rows, cell in zip(cells.rows, cells.cell, strict=True):
                every_unit.append(Unit(at, False, rows, self._touched(rows), int(cell)))
        for at, number in enumerate(self.table.numbers):
            blank = self.table.blank[number.name]
            unit = self.table.unit(blank.level)[self.rows]
            for code in np.unique(unit[blank.rows[self.rows]]):
                rows = np.flatnonzero(unit == code)
                every_unit.append(Unit(at, True, rows, self._touched(rows), 0))
        return every_unit

    def _touched(self, rows: np.ndarray) -> list[tuple[int, np.ndarray]]:
        touched = [np.flatnonzero(part.share[:, rows].any(axis=1)) for part in self.responses]
        return [(at, units) for at, units in enumerate(touched) if len(units)]

    def start(self, draws: int, rng: Generator) -> Drawn:
        """Return values of the unknown moderators, drawn from the values of known units."""
        table = self.table
        features = np.repeat(table.base[self.rows][None], draws, axis=0)
        chosen = np.repeat(table.unknowns.chosen[None], draws, axis=0)
        drawn = Drawn(features, chosen)
        for unit in self.units:
            if not unit.is_number:
                self._set_combination(drawn, unit, chosen[:, unit.rows[0], unit.at])
                continue
            name = table.numbers[unit.at].name
            column = table.features[name].column
            known = table.base[~table.blank[name].rows, column]
            features[:, unit.rows, column] = rng.choice(known, draws)[:, None]
        return drawn

    def _set_combination(self, drawn: Drawn, unit: Unit, codes: np.ndarray) -> None:
        drawn.chosen[:, unit.rows, unit.at] = codes[:, None]
        columns, indicators = self.indicators[unit.at]
        drawn.features[:, unit.rows[:, None], columns] = indicators[codes][:, None]

    def _indicators_of(self, at: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns that combinations set, and their values (combinations, columns)."""
        part = self.combinations[at]
        values = [self.table.indicators(name, part.values[name]) for name in part.names]
        starts = [self.table.place[name] for name in part.names]
        pairs = zip(starts, values, strict=True)
        columns = [np.arange(start, start + x.shape[1]) for start, x in pairs]
        return np.concatenate(columns), np.concatenate(values, axis=1)

    def means_of(self, response: Response, features: np.ndarray) -> np.ndarray:
        """Return the features of units with unknown rows (draws, A, features)."""
        return response.fixed + response.share @ features

    def draw_parameters(self, drawn: Drawn, rng: Generator) -> Parameters:
        """Draw the parameters given all moderators."""
        gammas = []
        variances = []
        for response in self.responses:
            w = self.means_of(response, drawn.features)[
                ..., [*response.predictors, response.column]
            ]
            gram = response.gram + w.swapaxes(1, 2) @ w
            q = len(response.predictors)
            precision = gram[:, :q, :q] + PRIOR_UNITS * np.eye(q)
            factor = np.linalg.cholesky(precision)
            half = np.linalg.solve(factor, gram[:, :q, q:])[..., 0]
            left = np.maximum(gram[:, q, q] - (half**2).sum(1), 0.0)
            shape = (PRIOR_UNITS + response.size) / 2
            s2 = (PRIOR_UNITS + left) / 2 / rng.gamma(shape, size=len(left))
            noise = half + np.sqrt(s2)[:, None] * rng.standard_normal(half.shape)
            gammas.append(np.linalg.solve(factor.swapaxes(1, 2), noise[..., None])[..., 0])
            variances.append(s2)
        return Parameters(gammas, variances, [self._log_pi(drawn, at, rng) for at in self._parts])

    @property
    def _parts(self) -> range:
        return range(len(self.combinations))

    def _log_pi(self, drawn: Drawn, at: int, rng: Generator) -> np.ndarray:
        cells = self.cells[at]
        size = cells.counts.shape[1]
        counts = np.repeat(cells.counts[None], len(drawn.chosen), axis=0)
        draws = np.arange(len(counts))
        for rows, cell in zip(cells.rows, cells.cell, strict=True):
            counts[draws, cell, drawn.chosen[:, rows[0], at]] += 1
        log_gamma = _log_gamma(counts + PRIOR_UNITS / size, rng)
        return log_gamma - np.logaddexp.reduce(log_gamma, axis=-1, keepdims=True)

    def draw_unit(
        self, drawn: Drawn, unit: Unit, given: Parameters, density: Density, rng: Generator
    ) -> np.ndarray:
        """Draw the unknown value of a unit in place, and return it (draws,).

        density : the log density of the results at candidates (draws, n) of the value: numbers, or
        combinations.
        """
        if unit.is_number:
            return self._draw_number(drawn, unit, given, density, rng)
        count = len(self.combinations[unit.at].values)
        draws = len(drawn.chosen)
        candidates = np.broadcast_to(np.arange(count), (draws, count))
        log_p = density(candidates) + given.log_pi[unit.at][:, unit.cell]
        columns, indicators = self.indicators[unit.at]
        for candidate in range(count if unit.responses else 0):
            trial = drawn.features[:, unit.rows]
            trial[..., columns] = indicators[candidate]
            log_p[:, candidate] += self._log_density(drawn, trial, unit, given)
        gumbel = -np.log(-np.log(rng.random(log_p.shape)))
        codes = np.argmax(log_p + gumbel, axis=1)
        self._set_combination(drawn, unit, codes)
        return codes

    def _draw_number(
        self, drawn: Drawn, unit: Unit, given: Parameters, density: Density, rng: Generator
    ) -> np.ndarray:
        feature = self.table.features[self.table.numbers[unit.at].name]
        now = drawn.features[:, unit.rows[0], feature.column]
        candidates = now[:, None] + THREE
        log_p = density(feature.scale[0] + feature.scale[1] * candidates)
        for at in range(len(THREE)):
            trial = drawn.features[:, unit.rows]
            trial[..., feature.column] = candidates[:, at, None]
            log_p[:, at] += self._log_density(drawn, trial, unit, given)
        precision = 2 * log_p[:, 1] - log_p[:, 0] - log_p[:, 2]
        slope = (log_p[:, 2] - log_p[:, 0]) / 2
        noise = rng.standard_normal(len(now)) / np.sqrt(precision)
        value = now + slope / precision + noise
        drawn.features[:, unit.rows, feature.column] = value[:, None]
        return feature.scale[0] + feature.scale[1] * value

    def _log_density(
        self, drawn: Drawn, trial: np.ndarray, unit: Unit, given: Parameters
    ) -> np.ndarray:
        """Return the log density of numbers with other features of a unit's rows (draws,)."""
        total = np.zeros(len(trial))
        for at, units in unit.responses:
            response = self.responses[at]
            share = response.share[units]
            touched = share.any(axis=0)
            means = response.fixed[units] + share[:, touched] @ drawn.features[:, touched]
            change = trial - drawn.features[:, unit.rows]
            means = means + share[:, unit.rows] @ change
            fitted = (means[..., response.predictors] @ given.gamma[at][..., None])[..., 0]
            squares = (means[..., response.column] - fitted) ** 2
            total -= 0.5 * squares.sum(1) / given.s2[at]
        return total

    def steps_of(self, drawn: Drawn) -> np.ndarray:
        """Return t of the numbers: 0 at their low, 1 at their high ends (draws, R, numbers)."""
        parts = [
            self.step(at, drawn.features[..., self.table.features[number.name].column])
            for at, number in enumerate(self.table.numbers)
        ]
        shape = (*drawn.features.shape[:2], 0)
        return np.stack(parts, -1) if parts else np.zeros(shape)

    def step(self, at: int, feature: np.ndarray) -> np.ndarray:
        """Return t of a number, of its standardised values."""
        number = self.table.numbers[at]
        mean, sd = self.table.features[number.name].scale
        low, high = number.ends
        return (mean + sd * feature - low) / (high - low)


def _log_gamma(shape: np.ndarray, rng: Generator) -> np.ndarray:
    """Return logs of gamma draws; of small shapes they would be 0 without logs."""
    return np.log(rng.gamma(shape + 1)) + np.log(rng.random(shape.shape)) / shape
