"""The analysis under every alternative: what is refitted, and which contrasts lack the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.multiverse.changes import Analysis
from bayesmeta.robustness.multiverse.registry import Alternative, alternatives_to

MIN_STUDIES = 2  # a single study does not inform the variance between studies


@dataclass(frozen=True)
class Version:
    """The analysis under an alternative."""

    alternative: Alternative
    data: str  # in words, what differs from the base; "" for nothing
    model: str  # the same
    k: int
    studies: int
    spec: ModelSpec
    design: xr.Dataset | None
    weights: xr.DataArray | None  # (contrast, term), of contrasts with existing terms, if any
    missing: dict[str, str]  # the reasons by name of the other contrasts
    frame: pd.DataFrame | None = None  # effect table, of a refit that takes it

    @property
    def arguments(self) -> tuple[Any, ModelSpec, xr.DataArray | None]:
        """Return the arguments of the refit."""
        of_table = self.alternative.of_frame
        return (self.frame if of_table else self.design, self.spec, self.weights)


def versions_of(analysis: Analysis) -> list[Version]:
    """Return the analysis under every alternative that applies, the base first."""
    changes = ((item, item.change(analysis)) for item in alternatives_to(analysis))
    return [version_of(analysis, item, *change) for item, change in changes if change is not None]


def version_of(
    analysis: Analysis, alternative: Alternative, frame: pd.DataFrame, spec: ModelSpec
) -> Version:
    """Code a changed table and select the contrasts that it informs."""
    design = None
    weights = None
    studies = int(frame["study"].nunique())
    try:
        design = build_design(frame, spec)
    except BadInput as error:
        few = studies < MIN_STUDIES
        reason = "no data: fewer than two studies" if few else f"cannot be fitted: {error}"
        missing = dict.fromkeys(map(str, analysis.contrasts["contrast"].values), reason)
    else:
        terms = [str(term) for term in design["term"].values]
        weights, missing = answerable(analysis.contrasts, terms)
    data = data_changed(analysis.frame, frame)
    if alternative.kind == "deletion":
        data = alternative.label
    model = model_changed(analysis.spec, spec)
    sizes = (len(frame), studies)
    if design is not None:  # which has no rows with blank moderators, if these are left out
        sizes = (design.sizes["effect"], design.sizes["study"])
    if alternative.of_frame:
        model = alternative.label
    of_table = frame if alternative.of_frame else None
    return Version(alternative, data, model, *sizes, spec, design, weights, missing, of_table)


def with_refusals(versions: Sequence[Version], refused: Mapping[str, str]) -> list[Version]:
    """Add the reasons of failed refits, by alternative; raise BadInput if the base failed."""
    if reason := refused.get(versions[0].alternative.name):
        problem = f"the base analysis cannot be fitted: {reason}"
        raise BadInput(f"{problem}; name a --model that quadrature takes")
    explained = []
    for version in versions:
        reason = refused.get(version.alternative.name)
        contrasts = [] if version.weights is None else map(str, version.weights["contrast"].values)
        reasons = dict.fromkeys(contrasts, f"cannot be fitted: {reason}") if reason else {}
        explained.append(replace(version, missing=version.missing | reasons))
    return explained


def answerable(
    contrasts: xr.DataArray, terms: list[str]
) -> tuple[xr.DataArray | None, dict[str, str]]:
    """Return the weights of the contrasts with existing terms, and why the others are missing."""
    absent = contrasts.sel(term=~contrasts["term"].isin(terms))
    missing = {}
    for row in absent[(absent != 0).any("term").values]:
        lost = ", ".join(absent["term"].values[row.values != 0])
        missing[str(row["contrast"].item())] = f"no data: {lost}"
    present = [name for name in contrasts["contrast"].values if name not in missing]
    weights = contrasts.sel(contrast=present).reindex(term=terms, fill_value=0.0)
    return (weights if weights.size else None), missing


def data_changed(old: pd.DataFrame, new: pd.DataFrame) -> str:
    """Describe the differences of an effect table from the base's; "" for none."""
    before = old.set_index("effect")
    after = new.set_index("effect")
    shared = before.index.intersection(after.index)
    was, now = (table.loc[shared] for table in (before, after))
    factors = [name for name in old.select_dtypes("category") if name in new]
    recomputed = (was[["yi", "vi"]] != now[["yi", "vi"]]).any(axis=1)
    recoded = (was[factors].astype(str) != now[factors].astype(str)).any(axis=1)
    counts = {
        "effects left out": len(before) - len(shared),
        "effects added": len(after) - len(shared),
        "effects with another yi or vi": int(recomputed.sum()),
        "effects coded otherwise": int(recoded.sum()),
    }
    return "; ".join(f"{count} {what}" for what, count in counts.items() if count)


def model_changed(old: ModelSpec, new: ModelSpec) -> str:
    """Describe the differences of a model from the base's; "" for none."""
    if new.name != old.name:
        return f"model {new.name}"
    differences = {
        f"levels {', '.join(new.levels)}": new.levels != old.levels,
        f"likelihood {new.likelihood}": new.likelihood != old.likelihood,
        f"bias {new.bias}": new.bias != old.bias,
        f"blank moderators: {new.missing}": new.missing != old.missing,
        f"rho = {new.rho:g}": new.rho != old.rho,
        "errors of shared controls covary": new.shared_controls != old.shared_controls,
    } | {
        f"{key} ~ {prior}": str(prior) != str(old.priors.get(key))
        for key, prior in new.priors.items()
    }
    return "; ".join(words for words, differs in differences.items() if differs)
