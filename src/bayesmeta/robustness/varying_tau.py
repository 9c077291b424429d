r"""Whether heterogeneity depends on a moderator: a score test of `scale = "~ x"` against constant.

With log tau_u^2 = a + z_u' b for the units u of a level, at b = 0 and the REML estimates, P the
projection V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1, M the membership of results in units, and G = M'PM,

    U_b = tau^2 / 2 sum_u z_u ((M'P y)_u^2 - G_uu)
    I_bc = tau_b^2 tau_c^2 / 2 sum_uv z_u z_v G_uv^2

U' I^-1 U, with I less what the variances of all levels explain, is chi-squared with a degree of
freedom for each column of z, if true effects are normal. With heavy tails, or if tau depends on
another moderator, U varies more: p is the share of permutations of z over the units that have a
statistic as large. Nothing is refitted.

Source: Breusch & Pagan 1979, doi 10.2307/1911963; Lin 1997, doi 10.1093/biomet/84.2.309.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.inference.reml import Reml
from bayesmeta.inference.reml.fit import codes_of
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import moderator_columns
from bayesmeta.model.design.completing import moderator_names

ALPHA = 0.05  # of all tests together
FEWEST_UNITS = 10  # with fewer, nothing is clear
PERMUTATIONS = 1999
SEED = 1
MOST_EFFECTS = 3000  # of a dense matrix
MOST_LEVELS = 8  # of a category: more columns than that say nothing clear
COLUMNS = ["moderator", "level", "chi2", "df", "p", "p_bonferroni", "slope", "low", "high"]


def tau_tests(fit: Reml) -> pd.DataFrame:
    """Return a test for every moderator of the terms, at the highest level of a REML fit.

    Units of lower levels are no exchangeable units of a permutation.

    Columns: moderator, level, chi2, df, p (of permutations), p_bonferroni, slope: of log tau per sd
    of a number by a single step of Newton (missing for a category), low and high: tau at mean - sd
    and mean + sd by it. No rows without moderators or taus above 0, of fewer than 10 units, or of
    more than 3,000 results. Raise BadInput for a dependence structure.
    """
    design = fit.design
    if fit.spec.is_structured:
        raise BadInput("a test of constant heterogeneity needs levels from study, group and effect")
    levels = [level for level in fit.spec.levels if fit.tau[level] > 0]
    names = [
        x for x in moderator_names(fit.spec.terms) if x in design and x not in codes_of(design)
    ]
    if not levels or not names or design.sizes["effect"] > MOST_EFFECTS:
        return pd.DataFrame(columns=COLUMNS)
    codes = codes_of(design)
    projected, P = _projection(fit, codes)
    members = {level: np.eye(codes[level].max() + 1)[codes[level]] for level in levels}
    rows = []
    highest = fit.spec.levels[0]
    enough = highest in members and members[highest].shape[1] >= FEWEST_UNITS
    for name in names if enough else []:
        z = _unit_means(moderator_columns(design, [name])[name], codes[highest])
        if z is not None:
            rows.append(_test(fit, name, highest, z, members, projected, P))
    table = pd.DataFrame(rows, columns=[x for x in COLUMNS if x != "p_bonferroni"])
    corrected = np.minimum(1, table["p"] * max(1, len(table)))
    return table.assign(p_bonferroni=corrected)[COLUMNS]


def sentence(tests: pd.DataFrame) -> str:
    """Describe the tests."""
    if not len(tests):
        return "no moderator whose effect on heterogeneity can be tested"
    clear = tests[tests["p_bonferroni"] < ALPHA]
    if not len(clear):
        row = tests.sort_values("p").iloc[0]
        return (
            "heterogeneity does not clearly depend on a moderator "
            f"(smallest p {row['p']:.2g}, {row['moderator']}, of {len(tests)} tests)"
        )
    return "; ".join(map(in_words, clear.to_dict("records")))


def in_words(row: Mapping[Any, Any]) -> str:
    """Describe a dependence, and the model that has it."""
    taus = ""
    if not np.isnan(float(str(row["low"]))):
        taus = f", about {row['low']:.2g} and {row['high']:.2g} a sd below and above its mean"
    scale = f'scale = {{{row["level"]} = "~ {row["moderator"]}"}}'
    return (
        f"tau of {row['level']} depends on {row['moderator']} (p {row['p_bonferroni']:.2g}, "
        f"corrected for all tests{taus}): {scale} in the model file"
    )


def _projection(fit: Reml, codes: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return P y (k,) and P (k, k)."""
    design = fit.design
    V = np.diag(design["vi"].values)
    if fit.spec.rho:
        same = codes["group"][:, None] == codes["group"]
        sei = np.sqrt(design["vi"].values)
        V += fit.spec.rho * np.where(same, np.outer(sei, sei), 0.0) * (1 - np.eye(len(V)))
    for level, tau in fit.tau.items():
        V += tau**2 * (codes[str(level)][:, None] == codes[str(level)])
    W = np.linalg.inv(V)
    x = design["X"].values
    WX = W @ x
    P = W - WX @ np.linalg.solve(x.T @ WX, WX.T)
    return P @ design["yi"].values, P


def _unit_means(column: pd.Series, unit: np.ndarray) -> np.ndarray | None:
    """Return columns of a moderator by unit (units, n), standardised numbers or indicators."""
    is_number = pd.api.types.is_numeric_dtype(column) and column.nunique() > 2
    levels = sorted(column.dropna().astype(str).unique())
    if not is_number and not 1 < len(levels) <= MOST_LEVELS:
        return None
    parts = [column.astype(float)] if is_number else []
    parts += [] if is_number else [(column.astype(str) == x).astype(float) for x in levels[1:]]
    z = np.column_stack([part.groupby(unit).mean().to_numpy() for part in parts])
    sd = z.std(0)
    if (sd == 0).any():
        return None
    return (z - z.mean(0)) / (sd if is_number else 1.0)


def _test(
    fit: Reml,
    name: str,
    level: str,
    z: np.ndarray,
    members: dict[str, np.ndarray],
    projected: np.ndarray,
    P: np.ndarray,
) -> tuple[object, ...]:
    directions = [(level, column) for column in z.T]
    directions += [(other, np.ones(M.shape[1])) for other, M in members.items()]
    n = len(directions)
    information = np.zeros((n, n))
    PM = {other: P @ M for other, M in members.items()}
    for i, (first, a) in enumerate(directions):
        for j, (other, b) in enumerate(directions):
            G = members[first].T @ PM[other]
            size = float(fit.tau[first] ** 2 * fit.tau[other] ** 2)
            information[i, j] = 0.5 * size * a @ (G**2) @ b
    M = members[level]
    q = M.T @ projected
    of_units = 0.5 * fit.tau[level] ** 2 * (q**2 - np.diag(M.T @ PM[level]))
    score = z.T @ of_units
    m = z.shape[1]
    explained = np.linalg.solve(information[m:, m:], information[m:, :m])
    inner = information[:m, :m] - information[:m, m:] @ explained
    step = np.linalg.solve(inner, score)
    statistic = float(score @ step)
    rng = np.random.default_rng(SEED)
    shuffled = rng.permuted(np.repeat(of_units[None], PERMUTATIONS, axis=0), axis=1) @ z
    as_large = (shuffled @ np.linalg.inv(inner) * shuffled).sum(1) >= statistic
    p = (1 + as_large.sum()) / (1 + PERMUTATIONS)
    slope = step[0] / 2 if m == 1 and not np.isin(z, np.unique(z)[:2]).all() else np.nan
    tau = float(fit.tau[level])
    ends = tau * np.exp(-slope), tau * np.exp(slope)
    return (name, level, statistic, m, float(p), slope, *ends)
