"""Small-study effects and the file drawer: Egger's regression and the fail-safe N."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import norm

from bayesmeta.data.effect_sizes import size_error
from bayesmeta.inference.reml import Reml, fit_reml
from bayesmeta.inference.reml.single_level import Floats, fit_single
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import nesting_of
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.funnel.cells import cells_of

ALPHA = 0.05
WALD = ["slope", "se", "zval", "pval", "ci_lb", "ci_ub"]
FAIL_SAFE = ["term", "k", "studies", "fsn", "pval", "sumz", "threshold", "robust", "method"]
PUBLISHED = "single-level, as published"
NOTE = "Rosenthal; a sum of z over all effects, as if every effect were a study: nesting is ignored"


def size_precision(design: xr.Dataset) -> Floats:
    """Return sqrt(1/n1 + 1/n2): the part of an SMD's standard error that is free of the SMD.

    Raises BadInput: the table has no n1i or n2i, or they are not above 0.
    Source: Pustejovsky & Rodgers 2019, doi 10.1002/jrsm.1332.
    """
    needs = "the precision sqrt(1/n1 + 1/n2) needs group sizes"
    if missing := [name for name in ("n1i", "n2i") if name not in design]:
        raise BadInput(f"{needs}; the table has no column {missing}")
    precision = size_error(design["n1i"].values, design["n2i"].values)
    if np.isnan(precision).any():
        raise BadInput(f"{needs} n1i and n2i above 0 in every row")
    return precision


def egger_table(design: xr.Dataset, spec: ModelSpec) -> pd.DataFrame:
    """Fit Egger's regression: the precision as a further moderator, single-level and nested.

    With sei a slope can be the effect size itself: the variance of an SMD grows with its square, so
    that a few very large effects of the same sign cause it, especially in a nested model;
    sqrt(1/n1 + 1/n2), which needs n1i and n2i, is free of that. `design`: from
    `design.build_design`. `spec`: levels and rho of the nested model. Raises BadInput: the
    precision is a linear combination of the terms, for example the same for every effect.
    Columns: model, precision, slope, se, zval, pval (two-sided, normal), ci_lb, ci_ub, tau2 (sum
    over the levels), tau2_without (the same without the precision), QE, k.
    Source: Egger et al. 1997, doi 10.1136/bmj.315.7109.629; as published: metafor's `regtest` of an
    `rma.uni` with moderators, predictor "sei"; nested: Fernandez-Castilla et al. 2021, doi
    10.1080/00220973.2019.1582470.
    """
    without = fit_reml(design, spec)
    rows = [egger_single(design), egger_nested(without, "sei", np.sqrt(design["vi"].values))]
    if {"n1i", "n2i"} <= set(design.data_vars):
        rows.append(egger_nested(without, "sqrt(1/n1 + 1/n2)", size_precision(design)))
    return pd.DataFrame(rows)


def egger_single(design: xr.Dataset) -> dict[str, object]:
    """Fit the published test; return a row of `egger_table`."""
    x, y, v = (design[name].values for name in ("X", "yi", "vi"))
    wider = with_term(design, "sei", np.sqrt(v))["X"].values
    fit = fit_single(wider, y, v)
    slope = _slope(fit.beta[-1], np.sqrt(fit.covariance[-1, -1]))
    tau2 = {"tau2": float(fit.tau2), "tau2_without": float(fit_single(x, y, v).tau2)}
    labels = {"model": PUBLISHED, "precision": "sei"}
    return {**labels, **slope, **tau2, "QE": float(fit.qe), "k": len(y)}


def egger_nested(without: Reml, name: str, precision: Floats) -> dict[str, object]:
    """Add a named precision (k,) to the nested fit without it; return a row of `egger_table`."""
    fit = fit_reml(with_term(without.design, name, precision), without.spec)
    slope = _slope(fit.beta.to_numpy()[-1], np.sqrt(fit.covariance.to_numpy()[-1, -1]))
    tau2 = {"tau2": float((fit.tau**2).sum()), "tau2_without": float((without.tau**2).sum())}
    labels = {"model": f"nested: {', '.join(without.spec.levels)}", "precision": name}
    return {**labels, **slope, **tau2, "QE": fit.QE, "k": len(precision)}


def with_term(design: xr.Dataset, term: str, values: Floats) -> xr.Dataset:
    """Return the design with a further term (k,); raise BadInput if others combine to it."""
    x = np.column_stack([design["X"].values, values])
    terms = design["term"].values
    if np.linalg.matrix_rank(x / np.linalg.norm(x, axis=0)) < x.shape[1]:
        raise BadInput(f"{term} cannot be distinguished from the terms {list(terms)}")
    wider = design.drop_dims("term").assign_coords(term=np.append(terms, term))
    return wider.assign(X=(("effect", "term"), x))


def _slope(estimate: float, se: float) -> dict[str, float]:
    z = float(estimate / se)
    lower, upper = norm.interval(0.95, float(estimate), float(se))
    values = (estimate, se, z, 2 * norm.sf(abs(z)), lower, upper)
    return dict(zip(WALD, map(float, values), strict=True))


def fail_safe_table(design: xr.Dataset) -> pd.DataFrame:
    """Return Rosenthal's fail-safe N of every cell: the null effects that cancel significance.

    N = k ((|sum z| / sqrt(k)) / 1.645)^2 - k, rounded up, at least 0, with z = yi / sqrt(vi):
    so many effects of 0 would make the sum of z insignificant, one-sided 5 %.
    Columns: term, k, studies, fsn, pval (one-sided, of the sum), sumz, threshold (5 k + 10), robust
    (fsn above it), method.
    Raises BadInput: the terms are not cells: an effect must belong to a single term, coded 1.
    Source: Rosenthal 1979, doi 10.1037/0033-2909.86.3.638; metafor's `fsn(type = "Rosenthal")`.
    """
    cells = cells_of(design, "the fail-safe N")
    z = design["yi"].values / np.sqrt(design["vi"].values)
    study = nesting_of(design).study_of_effect
    rows = [
        (term, int(cell.sum()), len(np.unique(study[cell])), float(z[cell].sum()))
        for term, cell in cells.items()
    ]
    table = pd.DataFrame(rows, columns=["term", "k", "studies", "sumz"])
    mean = table["sumz"].abs() / np.sqrt(table["k"])
    missing = np.ceil(table["k"] * (mean / norm.isf(ALPHA)) ** 2 - table["k"])
    table = table.assign(fsn=missing.clip(lower=0).astype(int), threshold=5 * table["k"] + 10)
    robust = table["fsn"] > table["threshold"]
    return table.assign(pval=norm.sf(mean), robust=robust, method=NOTE)[FAIL_SAFE]
