"""The model, scale and sizes that posterior.nc carries, read without xarray."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import h5py  # type: ignore[import-untyped]

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec, read_spec, spec_from_json
from bayesmeta.output.pages.results import Results

POSTERIOR = "posterior.nc"
DIMENSIONS = ("effect", "group", "study", "term")


class SavedModel(NamedTuple):
    """The fitted model (None if unknown), the scale of its numbers, sizes by dimension, measure."""

    spec: ModelSpec | None
    scale: str
    sizes: Mapping[str, int]
    measure: str = ""


def supported_model(results: Results) -> SavedModel | None:
    """Return the model that the data support if it was fitted beside the requested one."""
    path = results.folder / "supported" / POSTERIOR
    return _from_posterior(path) if path.is_file() else None


def saved_model(results: Results) -> SavedModel:
    """Return the fitted model.

    It is read from posterior.nc by h5py, because importing xarray takes a second. Without a
    posterior it is the model file of the provenance, if its hash is still the same. Raises BadInput
    if posterior.nc cannot be read.
    """
    path = results.folder / POSTERIOR
    if path.is_file():
        return _from_posterior(path)
    about = results.about
    try:
        spec = read_spec(str(about.get("model")))
    except BadInput:  # the model file is not there
        return SavedModel(None, "", {})
    return SavedModel(spec if spec.sha256 == about.get("model_sha256") else None, "", {})


def _from_posterior(path: Path) -> SavedModel:
    try:
        with h5py.File(path) as file:
            design = file["constant_data"]
            texts = [str(design.attrs.get(name, "")) for name in ("model", "scale", "measure")]
            sizes = {name: int(design[name].shape[0]) for name in DIMENSIONS if name in design}
    except (OSError, KeyError) as error:
        raise BadInput(f"{path} cannot be read: {error}; run bayesmeta fit again") from error
    model, scale, measure = texts
    return SavedModel(spec_from_json(model), scale, sizes, measure)
