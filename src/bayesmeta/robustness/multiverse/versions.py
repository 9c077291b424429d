"""An analysis in each version: what is refitted, and what each version cannot answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import build_design
from bayesmeta.model.spec import ModelSpec
from bayesmeta.robustness.multiverse.changes import Question
from bayesmeta.robustness.multiverse.registry import Alternative, alternatives_to


@dataclass(frozen=True)
class Version:
    """The analysis as an alternative has it.

    Attributes
    ----------
    data, model : in words, what differs from the base; "" for nothing.
    k, studies : sizes of the effect table.
    spec, design, weights : what is refitted; weights over (contrast, term) of the contrasts whose terms are there;
        None where there are none.
    missing : by name of the other contrasts, why they are not there.
    """

    alternative: Alternative
    data: str
    model: str
    k: int
    studies: int
    spec: ModelSpec
    design: xr.Dataset | None
    weights: xr.DataArray | None
    missing: dict[str, str]


def versions_of(question: Question) -> list[Version]:
    """The analysis in every version that applies, the base first."""
    changes = [(alternative, alternative.change(question)) for alternative in alternatives_to(question)]
    return [version_of(question, alternative, *change) for alternative, change in changes if change is not None]


def version_of(question: Question, alternative: Alternative, frame: pd.DataFrame, spec: ModelSpec) -> Version:
    """Code a changed table, and find the contrasts that it can answer."""
    design, weights, missing = None, None, {}
    sizes = len(frame), int(frame["study"].nunique())
    try:
        design = build_design(frame, spec)
    except BadInput as error:
        why = "no data: fewer than two studies" if sizes[1] < 2 else f"cannot be fitted: {error}"
        missing = dict.fromkeys(map(str, question.contrasts["contrast"].values), why)
    else:
        weights, missing = answerable(question.contrasts, [str(term) for term in design["term"].values])
    data = alternative.label if alternative.kind == "deletion" else data_changed(question.frame, frame)
    return Version(alternative, data, model_changed(question.spec, spec), *sizes, spec, design, weights, missing)


def with_refusals(versions: Sequence[Version], refused: Mapping[str, str]) -> list[Version]:
    """The versions, with what a refit said when it refused, by name of the alternative.

    Raises
    ------
    BadInput
        It is the base that cannot be refitted.
    """
    if (base := versions[0].alternative.name) in refused:
        raise BadInput(f"the base analysis cannot be integrated: {refused[base]}; name a --model that quadrature takes")
    return [_refused(each, refused.get(each.alternative.name)) for each in versions]


def _refused(version: Version, why: str | None) -> Version:
    if why is None or version.weights is None:
        return version
    asked = map(str, version.weights["contrast"].values)
    return replace(version, missing=version.missing | dict.fromkeys(asked, f"cannot be fitted: {why}"))


def answerable(contrasts: xr.DataArray, terms: list[str]) -> tuple[xr.DataArray | None, dict[str, str]]:
    """Weights over other terms of the contrasts that need no others, and by name of the rest which they lack."""
    gone = contrasts.sel(term=~contrasts["term"].isin(terms))
    lost = {str(row["contrast"].item()): gone["term"].values[row.values != 0] for row in gone}
    missing = {name: f"no data: {', '.join(lacking)}" for name, lacking in lost.items() if len(lacking)}
    there = contrasts.sel(contrast=[name for name in lost if name not in missing]).reindex(term=terms, fill_value=0.0)
    return (there if there.size else None), missing


def data_changed(old: pd.DataFrame, new: pd.DataFrame) -> str:
    """In words, how an effect table differs from the base's; "" where it does not."""
    before, after = (table.set_index("effect") for table in (old, new))
    shared = before.index.intersection(after.index)
    factors = [name for name in old if name in new and isinstance(old[name].dtype, pd.CategoricalDtype)]
    was, now = (table.loc[shared] for table in (before, after))
    counts = {
        "effects left out": len(before) - len(shared),
        "effects added": len(after) - len(shared),
        "effects with another yi or vi": int((was[["yi", "vi"]] != now[["yi", "vi"]]).any(axis=1).sum()),
        "effects coded otherwise": int((was[factors].astype(str) != now[factors].astype(str)).any(axis=1).sum()),
    }
    return "; ".join(f"{count} {what}" for what, count in counts.items() if count)


def model_changed(old: ModelSpec, new: ModelSpec) -> str:
    """In words, how a model differs from the base's; "" where it does not."""
    if new.name != old.name:
        return f"model {new.name}"
    said = [f"levels {', '.join(new.levels)}"] * (new.levels != old.levels)
    said += [f"likelihood {new.likelihood}"] * (new.likelihood != old.likelihood)
    said += [f"bias {new.bias}"] * (new.bias != old.bias)
    said += [f"rho = {new.rho:g}"] * (new.rho != old.rho)
    said += ["errors of shared controls covary"] * (new.shared_controls != old.shared_controls)
    said += [f"{key} ~ {prior}" for key, prior in new.priors.items() if str(prior) != str(old.priors.get(key))]
    return "; ".join(said)
