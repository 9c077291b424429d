"""Bias models beside the unadjusted one: cells and contrasts, slopes and weights, prediction of unseen studies."""

from collections.abc import Hashable, Mapping

import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import SETTLED
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.spec.bias_models import with_bias
from bayesmeta.robustness.influence import elpd_table

UNADJUSTED = "unadjusted"
TITLES = {"pet": "PET", "peese": "PEESE", "selection": "selection"}


def versions(
    frame: pd.DataFrame, spec: ModelSpec, weights: xr.DataArray
) -> tuple[dict[str, tuple[xr.Dataset, ModelSpec, xr.DataArray]], dict[str, str]]:
    """Design, model and weights of the analysis without and with each bias, by title; and why others are not there.

    Parameters
    ----------
    frame : DataFrame
        Effect table; PET and PEESE need n1i and n2i.
    weights : DataArray
        Dims (contrast, term), over the terms of the unadjusted model.
    """
    made, missing = {UNADJUSTED: (build_design(frame, spec), spec, weights)}, {}
    for bias, title in TITLES.items():
        changed = with_bias(spec, bias)
        if changed is None:
            missing[title] = f"model {spec.name} cannot have it"
            continue
        try:
            design = build_design(frame, changed)
        except BadInput as error:
            missing[title] = str(error)
            continue
        made[title] = design, changed, weights.reindex(term=design["term"].values, fill_value=0.0)
    return made, missing


def cells_table(refits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Each contrast under each model: contrast, model, mean, sd, ci_lb, ci_ub, p_positive, shift, toward_zero.

    shift is that of the mean from the unadjusted model's, in its sds; toward_zero the share of the unadjusted mean
    that is gone (above 1: the sign has turned).
    """
    parts = [table[table["part"] == "contrast"].assign(model=title) for title, table in refits.items()]
    rows = pd.concat(parts).rename(columns={"name": "contrast"})
    base = refits[UNADJUSTED].query("part == 'contrast'").set_index("name")
    mean, sd = (rows["contrast"].map(base[column]) for column in ("mean", "sd"))
    rows = rows.assign(shift=(rows["mean"] - mean) / sd, toward_zero=1 - rows["mean"] / mean)
    order = pd.Categorical(rows["contrast"], list(base.index))
    columns = ["contrast", "model", "mean", "sd", "ci_lb", "ci_ub", "p_positive", "shift", "toward_zero"]
    return rows.assign(order=order).sort_values("order", kind="stable")[columns].reset_index(drop=True)


def parameters_table(refits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Slopes and weights: model, parameter, mean, sd, ci_lb, ci_ub, p = P(slope > 0), P(weight < 1): towards bias."""
    parts = [table[table["part"] == "parameter"].assign(model=title) for title, table in refits.items()]
    rows = pd.concat(parts).rename(columns={"name": "parameter"})
    of_weights = rows["model"] == TITLES["selection"]
    p = rows["p_positive"].where(~of_weights, 1 - rows["p_positive"])
    return rows.assign(p=p)[["model", "parameter", "mean", "sd", "ci_lb", "ci_ub", "p"]].reset_index(drop=True)


def models_table(refits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """`influence.elpd_table` of the models, against the unadjusted one."""
    studies = {
        title: table[table["part"] == "study"].rename(columns={"name": "study"}) for title, table in refits.items()
    }
    return elpd_table(studies, UNADJUSTED)


def unsettled(cells: pd.DataFrame) -> list[str]:
    """Contrasts whose sign is settled without a bias model (P of .975), and is not, or is another, under one."""
    base = cells.groupby("contrast")["p_positive"].transform("first")
    lost = _settled(base) & (~_settled(cells["p_positive"]) | ((cells["p_positive"] > 0.5) != (base > 0.5)))
    return list(dict.fromkeys(cells.loc[lost, "contrast"]))


def matters(cells: pd.DataFrame, models: pd.DataFrame) -> bool:
    """Whether a conclusion is unsettled, or a bias model predicts unseen studies better by two standard errors."""
    return bool(unsettled(cells)) or bool((models["difference"] > 2 * models["difference_se"]).any())


def sentence(cells: pd.DataFrame, parameters: pd.DataFrame, models: pd.DataFrame) -> str:
    """What the bias models say together, in words."""
    found = [
        f"{_what(row)} {row['mean']:.2f} [{row['ci_lb']:.2f}, {row['ci_ub']:.2f}]"
        for row in parameters.to_dict("records")
    ]
    best = models[models["model"] != UNADJUSTED].nlargest(1, "difference").iloc[0]
    gain = f"elpd {best['difference']:+.1f} (se {best['difference_se']:.1f}) against none"
    said = f"{best['model']} predicts unseen studies best of them, {gain}"
    lost = unsettled(cells)
    changed = f"no longer settled under some bias model: {', '.join(lost)}" if lost else "every conclusion stays"
    return "; ".join([", ".join(found), said, changed])


def _what(row: Mapping[Hashable, object]) -> str:
    kind = "weight of" if row["model"] == TITLES["selection"] else "slope"
    return f"{kind} {row['parameter']}"


def _settled(p: pd.Series) -> pd.Series:
    return (p <= 1 - SETTLED) | (p >= SETTLED)
