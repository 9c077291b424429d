"""Bias models beside the unadjusted model: contrasts, slopes and weights, unseen studies."""

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from bayesmeta.estimates.conventions import SETTLED
from bayesmeta.estimates.text import estimate_text
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.design.t_statistics import why_no_t_statistics
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.spec.reading import with_bias
from bayesmeta.robustness.influence import elpd_table

UNADJUSTED = "unadjusted"
TITLES = {"pet": "PET", "peese": "PEESE", "selection": "selection"}
MIN_CONTRACTION = 0.5  # of the prior variance of a slope or weight, for a verdict
NUMBERS = ["mean", "sd", "ci_lb", "ci_ub"]
Version = tuple[xr.Dataset, ModelSpec, xr.DataArray]


def versions(
    frame: pd.DataFrame, spec: ModelSpec, weights: xr.DataArray
) -> tuple[dict[str, Version], dict[str, str]]:
    """Return design, model and weights without and with every bias, and why others are missing.

    Both mappings are by title of the model. `frame`: effect table.
    `weights`: dims (contrast, term), over the terms of the unadjusted model.
    """
    made: dict[str, Version] = {UNADJUSTED: (build_design(frame, spec), spec, weights)}
    missing = {}
    exact = not why_no_t_statistics(frame)
    for bias, title in TITLES.items():
        changed = with_bias(spec, bias, exact=exact)
        if changed is None:
            missing[title] = f"model {spec.name} cannot have it"
            continue
        try:
            design = build_design(frame, changed)
        except BadInput as error:
            missing[title] = str(error)
            continue
        wider = weights.reindex(term=design["term"].values, fill_value=0.0)
        made[title] = (design, changed, wider)
    return made, missing


def cells_table(refits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return every contrast under every model.

    Columns: contrast, model, mean, sd, ci_lb, ci_ub, p_positive; shift: of the mean from the
    unadjusted, in its sds; toward_zero: the share of the unadjusted mean that disappears (above 1:
    the sign changes).
    """
    rows = _part(refits, "contrast")
    base = rows[rows["model"] == UNADJUSTED].set_index("contrast")
    mean, sd = (rows["contrast"].map(base[column]) for column in ("mean", "sd"))
    order = pd.Categorical(rows["contrast"], list(base.index))
    rows = rows.assign(shift=(rows["mean"] - mean) / sd, toward_zero=1 - rows["mean"] / mean)
    columns = ["contrast", "model", *NUMBERS, "p_positive", "shift", "toward_zero"]
    rows = rows.assign(order=order).sort_values("order", kind="stable")
    return rows[columns].reset_index(drop=True)


def parameters_table(refits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return slopes and weights.

    Columns: model, parameter, mean, sd, ci_lb, ci_ub; p: P(slope > 0) or P(weight < 1), towards
    bias; contraction: 1 - (sd / prior sd)^2, what the data add to the prior.
    """
    rows = _part(refits, "parameter")
    is_weight = rows["model"] == TITLES["selection"]
    p = rows["p_positive"].where(~is_weight, 1 - rows["p_positive"])
    columns = ["model", "parameter", *NUMBERS, "p", "contraction"]
    return rows.assign(p=p)[columns].reset_index(drop=True)


def models_table(refits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return `influence.elpd_table` of the models, compared with the unadjusted model."""
    studies = _part(refits, "study").groupby("model", sort=False)
    return elpd_table({str(model): rows for model, rows in studies}, UNADJUSTED)


def _part(refits: Mapping[str, pd.DataFrame], part: str) -> pd.DataFrame:
    """Return a part of all refits; the column `name` is called as the part."""
    tables = [table[table["part"] == part].assign(model=title) for title, table in refits.items()]
    return pd.concat(tables).rename(columns={"name": part})


def unsettled(cells: pd.DataFrame) -> list[str]:
    """Return the contrasts with a settled sign (P of .975) that a bias model unsettles or turns."""
    p = cells["p_positive"]
    base = cells.groupby("contrast")["p_positive"].transform("first")
    lost = _settled(base) & (~_settled(p) | ((p > 0.5) != (base > 0.5)))
    return list(dict.fromkeys(cells.loc[lost, "contrast"]))


def _settled(p: pd.Series) -> pd.Series:
    return (p <= 1 - SETTLED) | (p >= SETTLED)


def uninformed(parameters: pd.DataFrame) -> list[str]:
    """Return the models of which the data tell little: a slope or weight is nearly its prior's."""
    little = parameters["contraction"] < MIN_CONTRACTION
    return list(dict.fromkeys(parameters.loc[little, "model"]))


def verdict(cells: pd.DataFrame, parameters: pd.DataFrame, models: pd.DataFrame) -> str:
    """Return `review` if a bias model matters, `cannot tell` if the data inform one too little."""
    if matters(cells, models):
        return "review"
    return "cannot tell" if uninformed(parameters) else "passed"


def matters(cells: pd.DataFrame, models: pd.DataFrame) -> bool:
    """Return whether a conclusion changes, or the elpd improves by over two standard errors."""
    better = models["difference"] > 2 * models["difference_se"]
    return bool(unsettled(cells)) or bool(better.any())


def sentence(cells: pd.DataFrame, parameters: pd.DataFrame, models: pd.DataFrame) -> str:
    """Summarise the bias models in words."""
    estimates = [
        f"{'weight of' if row['model'] == TITLES['selection'] else 'slope'} {row['parameter']} "
        + estimate_text(row["mean"], row["ci_lb"], row["ci_ub"])
        for row in parameters.to_dict("records")
    ]
    best = models[models["model"] != UNADJUSTED].nlargest(1, "difference").iloc[0]
    gain = f"elpd {best['difference']:+.1f} (se {best['difference_se']:.1f}) against no bias"
    prediction = f"{best['model']} predicts unseen studies best, {gain}"
    if best["difference"] < 0:
        least = f"none of them predicts unseen studies better than no bias; {best['model']}"
        prediction = f"{least} {gain}"
    conclusions = "no conclusion changes"
    if lost := unsettled(cells):
        conclusions = f"no longer settled under some bias model: {', '.join(lost)}"
    if unknown := uninformed(parameters):
        little = f"the data hardly change the priors of the parameters of {', '.join(unknown)}"
        conclusions = f"{conclusions}; {little}"
    return "; ".join([", ".join(estimates), prediction, conclusions])
