"""The model in a tree: its fields as JSON, so that what was fitted is what readers read."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec.model import ModelSpec
from bayesmeta.model.spec.prior import Prior


def spec_to_json(spec: ModelSpec) -> str:
    """Return the fields of a model as JSON."""
    return json.dumps(asdict(spec), ensure_ascii=False)


def spec_from_json(text: str) -> ModelSpec:
    """Return the model of a text of `spec_to_json`; raise BadInput if it cannot be read."""
    try:
        fields = json.loads(text)
        fields["priors"] = {key: _prior(entry) for key, entry in fields["priors"].items()}
        return ModelSpec(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        text = "this version of bayesmeta cannot read the model in the results, which is damaged or"
        raise BadInput(f"{text} of another version: {error}; run bayesmeta fit again") from error


def _prior(fields: Mapping[str, Any]) -> Prior:
    sd = fields["pooling_sd"]
    return Prior(
        fields["family"],
        tuple(fields["parameters"]),
        fields["reason"],
        sd and _prior(sd),
        tuple(fields.get("allocation", ())),
        fields.get("raw", False),
        fields.get("lower"),
        fields.get("upper"),
    )


def spec_of(tree: xr.DataTree) -> ModelSpec:
    """Return the model that a tree was fitted with; `spec_of(bayesmeta.fit(frame, spec)) == spec`.

    Raise BadInput if the tree holds no model, or a model that cannot be read.

    Examples
    --------
    >>> import bayesmeta
    >>> tree = bayesmeta.fit(bayesmeta.example(), "four-level", sampler="quadrature", draws=250)
    >>> bayesmeta.spec_of(tree).levels
    ('study', 'group', 'effect')
    """
    text = tree["constant_data"].attrs.get("model") if "constant_data" in tree else None
    if not text:
        raise BadInput("this tree has no model; use a tree from bayesmeta.fit or a posterior.nc")
    return spec_from_json(text)
