"""The average over models as an alternative to the one model of an analysis."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp

from bayesmeta.estimates.text import probability_text
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness import averaging
from bayesmeta.robustness.averaging import Member
from bayesmeta.robustness.multiverse.changes import Analysis, Change
from bayesmeta.robustness.multiverse.refits import COLUMNS

MOST = 64  # models: a moment of work, beside the other refits
NOTED = 0.005  # probability that a contrast is 0


def averaged_over_models(analysis: Analysis) -> Change | None:
    """Return effect table and model if few models without selection can be averaged exactly."""
    try:
        members = _members(analysis.frame, analysis.spec)
    except BadInput:
        return None
    few = 1 < len(members) <= MOST
    possible = few and all(averaging.is_exact(member) for member in members)
    return (analysis.frame, analysis.spec) if possible else None


def average(frame: pd.DataFrame, spec: ModelSpec, weights: xr.DataArray) -> pd.DataFrame:
    """Average over models with and without effect, heterogeneity and moderators.

    `weights`: dims (contrast, term).
    Columns: as from `refits.integrated`, p_negative (a contrast may be 0), and note, P(0).
    """
    pairs = [(member, averaging.exact(member)) for member in _members(frame, spec)]
    contrasts = {str(row["contrast"].item()): row.values for row in weights}
    table = averaging.averaged_table(pairs, contrasts, set()).rename(columns={"name": "contrast"})
    at_zero = table["p_zero"]
    notes = [f"0 with probability {probability_text(p)}" if p > NOTED else "" for p in at_zero]
    log_mass = [np.log(member.prior) + evaluated.log_evidence for member, evaluated in pairs]
    evidence = float(logsumexp(log_mass))
    return table[[*COLUMNS, "p_negative"]].assign(log_evidence=evidence, note=notes)


def _members(frame: pd.DataFrame, spec: ModelSpec) -> list[Member]:
    return averaging.members_of(frame, spec, averaging.parts_of(frame, spec))
