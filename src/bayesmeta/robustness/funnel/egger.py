"""Small-study effects and the file drawer: Egger's regression, as published and nested, and the fail-safe N."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import norm

from bayesmeta.inference.reml import Reml, fit_reml
from bayesmeta.inference.reml.single_level import Floats, fit_single
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec

ALPHA = 0.05
PUBLISHED = "single-level, as published"
FILE_DRAWER = "Rosenthal; one sum of z over all effects, as if each were a study of its own: nesting is ignored"


def standard_error(design: xr.Dataset) -> Floats:
    """sqrt(vi), metafor's predictor "sei"; for an SMD it holds yi itself, so a slope arises without any bias."""
    return np.sqrt(design["vi"].values)


def size_precision(design: xr.Dataset) -> Floats:
    """sqrt(1/n1 + 1/n2): the part of the standard error of an SMD that does not depend on the SMD.

    Raises
    ------
    BadInput
        The table has no n1i or n2i, or they are not above 0.

    Source: Pustejovsky & Rodgers 2019, doi 10.1002/jrsm.1332.
    """
    if missing := [name for name in ("n1i", "n2i") if name not in design]:
        raise BadInput(f"the precision sqrt(1/n1 + 1/n2) needs the group sizes; the table has no column {missing}")
    sizes = np.array([design["n1i"].values, design["n2i"].values], float)
    if not (sizes > 0).all():
        raise BadInput("the precision sqrt(1/n1 + 1/n2) needs group sizes n1i and n2i above 0 in every row")
    return np.sqrt((1 / sizes).sum(axis=0))


PRECISIONS: dict[str, Callable[[xr.Dataset], Floats]] = {"sei": standard_error, "sqrt(1/n1 + 1/n2)": size_precision}


def egger_table(design: xr.Dataset, spec: ModelSpec) -> pd.DataFrame:
    """Egger's regression: the precision as one more moderator, in the published single-level model and nested.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`; the nested version with sqrt(1/n1 + 1/n2) is there where it has n1i and n2i.
    spec : ModelSpec
        Levels and rho of the nested model.

    Returns
    -------
    DataFrame
        model, precision, slope, se, zval, pval (two-sided, normal), ci_lb, ci_ub, tau2 (sum over the levels),
        tau2_without (the same without the precision), QE, k.

    Raises
    ------
    BadInput
        The precision cannot be told from the terms: every effect has the same, say.

    Notes
    -----
    With sei a slope can be the effect size itself: the variance of an SMD grows with its square, so that a few very
    large effects of one sign make it, inside a nested model above all. sqrt(1/n1 + 1/n2) is free of that.

    Source: Egger et al. 1997, doi 10.1136/bmj.315.7109.629; as published: metafor's `regtest` of an `rma.uni` with
    moderators, predictor "sei"; nested: Fernandez-Castilla et al. 2021, doi 10.1080/00220973.2019.1582470.
    """
    rows = [egger_single(design)]
    without = fit_reml(design, spec)
    sized = {"n1i", "n2i"} <= set(design.data_vars)
    rows += [egger_nested(without, name) for name in PRECISIONS if name == "sei" or sized]
    return pd.DataFrame(rows)


def egger_single(design: xr.Dataset) -> dict[str, object]:
    """The published test; a row of `egger_table`."""
    x, y, v = (design[name].values for name in ("X", "yi", "vi"))
    wider = with_term(design, "sei", standard_error(design))["X"].values
    fit = fit_single(wider, y, v)
    test = _wald(fit.beta[-1], np.sqrt(fit.covariance[-1, -1]))
    spread = {"tau2": float(fit.tau2), "tau2_without": float(fit_single(x, y, v).tau2)}
    return {"model": PUBLISHED, "precision": "sei", **test, **spread, "QE": float(fit.qe), "k": len(y)}


def egger_nested(without: Reml, precision: str) -> dict[str, object]:
    """The test inside a nested model, given its fit without the precision of `PRECISIONS`; a row of `egger_table`."""
    design, spec = without.design, without.spec
    fit = fit_reml(with_term(design, precision, PRECISIONS[precision](design)), spec)
    test = _wald(fit.beta.to_numpy()[-1], np.sqrt(fit.covariance.to_numpy()[-1, -1]))
    spread = {"tau2": float((fit.tau**2).sum()), "tau2_without": float((without.tau**2).sum())}
    model = f"nested: {', '.join(spec.levels)}"
    return {"model": model, "precision": precision, **test, **spread, "QE": fit.QE, "k": design.sizes["effect"]}


def with_term(design: xr.Dataset, term: str, values: Floats) -> xr.Dataset:
    """The design with one more term; values (k,).

    Raises
    ------
    BadInput
        The values are a linear combination of the terms.
    """
    x = np.column_stack([design["X"].values, values])
    if np.linalg.matrix_rank(x / np.linalg.norm(x, axis=0)) < x.shape[1]:
        raise BadInput(f"{term} cannot be told from the terms {list(design['term'].values)} in these effects")
    labels = np.append(design["term"].values, term)
    return design.drop_dims("term").assign_coords(term=labels).assign(X=(("effect", "term"), x))


def _wald(estimate: float, se: float) -> dict[str, float]:
    z, reach = float(estimate / se), norm.ppf(0.975) * float(se)
    ends = {"ci_lb": float(estimate) - reach, "ci_ub": float(estimate) + reach}
    return {"slope": float(estimate), "se": float(se), "zval": z, "pval": 2 * float(norm.sf(abs(z)))} | ends


def fail_safe_table(design: xr.Dataset) -> pd.DataFrame:
    """Rosenthal's fail-safe N per cell: how many null effects would make the sum of z insignificant, one-sided 5 %.

    N = k ((|sum z| / sqrt(k)) / 1.645)^2 - k, rounded up, at least 0, with z = yi / sqrt(vi)

    Returns
    -------
    DataFrame
        term, k, studies, fsn, pval (one-sided, of the sum), sumz, threshold (5 k + 10), robust (fsn above it), method.

    Raises
    ------
    BadInput
        The terms are not cells: an effect must belong to exactly one, coded 1.

    Source: Rosenthal 1979, doi 10.1037/0033-2909.86.3.638; metafor's `fsn(type = "Rosenthal")`.
    """
    x, terms = design["X"].values, design["term"].values
    if not (np.isin(x, (0, 1)).all() and (x.sum(axis=1) == 1).all()):
        raise BadInput(f"the fail-safe N needs cells, each effect in one; the terms are {list(terms)}")
    z = design["yi"].values / np.sqrt(design["vi"].values)
    study = design["group_study"].values[design["effect_group"].values]
    rows = []
    for term, cell in zip(terms, x.T == 1, strict=True):
        k, total = int(cell.sum()), float(z[cell].sum())
        mean = abs(total) / np.sqrt(k)
        missing = max(0, int(np.ceil(k * (mean / norm.isf(ALPHA)) ** 2 - k)))
        threshold = 5 * k + 10
        test = {"fsn": missing, "pval": float(norm.sf(mean)), "sumz": total, "threshold": threshold}
        sizes = {"k": k, "studies": len(np.unique(study[cell]))}
        rows.append({"term": term, **sizes, **test, "robust": missing > threshold, "method": FILE_DRAWER})
    return pd.DataFrame(rows)
