"""From a table of directions to arrays with names."""

import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import code_terms
from bayesmeta.model.spec import ORDERED, ModelSpec

KEYS = ("effect", "study")


def build_directions(frame: pd.DataFrame, spec: ModelSpec) -> xr.Dataset:
    """Code directions and moderators.

    Parameters
    ----------
    frame : DataFrame
        A row per direction: effect (its label), study, the model's outcome and the moderators.
    spec : ModelSpec
        An ordered logit.

    Returns
    -------
    Dataset
        direction (code, from 0 for the lowest), effect_study (index of the study) over `effect`; X over (effect,
        term); kind_of_term over `term`; labels as coordinates, over `term` the factors' levels as `term_<factor>`,
        and `direction_name`. Its attributes say what the table is, with the aggregate (`aggregate_enhanced`,
        `aggregate_studies`) where the table has one.

    Raises
    ------
    BadInput
        The model is none of directions, the table has none, or a direction, study or moderator is blank or unknown.
    """
    dataset = frame.attrs.get("dataset", "the table")
    if spec.likelihood != ORDERED:
        raise BadInput(
            f"{dataset} has directions and no effect sizes; model {spec.name} needs yi and vi. Use a model with "
            f'likelihood = "{ORDERED}", such as ketamine-extinction'
        )
    if lacking := [name for name in (*KEYS, spec.outcome) if name not in frame]:
        has = ", ".join(map(str, frame.columns))
        raise BadInput(
            f"model {spec.name} is one of directions; {dataset} lacks {', '.join(lacking)}, it has: {has}"
        )
    frame = frame.reset_index(drop=True)
    direction = frame[spec.outcome].astype(object)
    if unknown := sorted({str(value) for value in direction if value not in spec.categories}):
        raise BadInput(
            f"{spec.outcome} must be one of {', '.join(spec.categories)}; got {', '.join(unknown)}"
        )
    if frame["study"].isna().any() or frame["study"].nunique() < 2:
        raise BadInput("study must be filled, with at least two different ones")
    coding = code_terms(frame, spec.terms)
    if spec.sides not in coding.factors:
        raise BadInput(
            f"sides of model {spec.name} are '{spec.sides}', which is no factor of its terms {spec.terms}"
        )
    study, studies = pd.factorize(frame["study"], sort=True)
    codes = direction.map({name: code for code, name in enumerate(spec.categories)})
    return xr.Dataset(
        {
            "direction": ("effect", codes.to_numpy(int)),
            "effect_study": ("effect", study),
            "X": (("effect", "term"), coding.matrix.to_numpy(float)),
            "kind_of_term": ("term", coding.kinds.to_numpy(str)),
        },
        coords={
            "effect": frame["effect"].to_numpy(str),
            "term": coding.matrix.columns.to_numpy(str),
            "study": studies.to_numpy(str),
            "direction_name": list(spec.categories),
            **{
                f"term_{name}": ("term", coding.factors[name].to_numpy(str))
                for name in coding.factors
            },
        },
        attrs=_about(frame),
    )


def _about(frame: pd.DataFrame) -> dict[str, str | int]:
    """What the table is, as a file of results keeps it."""
    about: dict[str, str | int] = {
        key: str(frame.attrs.get(key) or "") for key in ("dataset", "variant", "title")
    }
    about |= {
        "synthetic": int(frame.attrs.get("synthetic", False)),
        "scale": "log odds of a better direction",
    }
    return about | {
        f"aggregate_{key}": int(count) for key, count in frame.attrs.get("aggregate", {}).items()
    }
