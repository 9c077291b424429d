"""From a table of directions to arrays with names."""

import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design.coding import about_table, code_terms
from bayesmeta.model.design.labels import level_coordinate
from bayesmeta.model.spec import ORDERED, ModelSpec

KEYS = ("effect", "study")


def build_directions(frame: pd.DataFrame, spec: ModelSpec) -> xr.Dataset:
    """Code a table of directions and moderators, under an ordered logit.

    `frame` has a row per direction: effect (its label), study, the model's outcome and the
    moderators. The design has direction (code, from 0 for the lowest), effect_study (index of the
    study) over `effect`; X over (effect, term); kind_of_term over `term`; labels as coordinates,
    over `term` the factors' levels as `term_<factor>`, and `direction_name`. Its attributes
    describe the table and any aggregate (`aggregate_enhanced`, `aggregate_studies`). Raise BadInput
    if the model is not of directions, the table has none, or a direction, study or moderator is
    blank or unknown.
    """
    dataset = frame.attrs.get("dataset", "the table")
    if spec.likelihood != ORDERED:
        needs = f"{dataset} has directions and no effect sizes; model {spec.name} needs yi and vi"
        better = f'use a model with likelihood = "{ORDERED}", such as ketamine-extinction'
        raise BadInput(f"{needs}; {better}")
    if lacking := [name for name in (*KEYS, spec.outcome) if name not in frame]:
        lacks = f"{dataset} lacks {', '.join(lacking)}, it has: {', '.join(map(str, frame))}"
        raise BadInput(f"model {spec.name} is for directions; {lacks}")
    frame = frame.reset_index(drop=True)
    direction = frame[spec.outcome].astype(object)
    if unknown := sorted({str(value) for value in direction if value not in spec.categories}):
        wanted = f"must be one of {', '.join(spec.categories)}"
        raise BadInput(f"{spec.outcome} {wanted}; got {', '.join(unknown)}")
    if frame["study"].isna().any() or frame["study"].nunique() < 2:
        raise BadInput("study must be filled, with at least two different ones")
    coding = code_terms(frame, spec.terms)
    if spec.sides not in coding.factors:
        sides = f"sides of model {spec.name} are '{spec.sides}'"
        raise BadInput(f"{sides}, which is not a factor of its terms {spec.terms}")
    study, studies = pd.factorize(frame["study"], sort=True)
    codes = direction.map({name: code for code, name in enumerate(spec.categories)})
    data = {
        "direction": ("effect", codes.to_numpy(int)),
        "effect_study": ("effect", study),
        "X": (("effect", "term"), coding.matrix.to_numpy(float)),
        "kind_of_term": ("term", coding.kinds.to_numpy(str)),
    }
    coords = {
        "effect": frame["effect"].to_numpy(str),
        "term": coding.matrix.columns.to_numpy(str),
        "study": studies.to_numpy(str),
        "direction_name": list(spec.categories),
        **{level_coordinate(name): ("term", x.to_numpy(str)) for name, x in coding.factors.items()},
    }
    counts = frame.attrs.get("aggregate", {}).items()
    attrs = {
        **about_table(frame),
        "scale": "log odds of a better direction",
        **{f"aggregate_{key}": int(count) for key, count in counts},
    }
    return xr.Dataset(data, coords, attrs)
