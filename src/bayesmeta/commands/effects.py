"""From the name of a dataset or a file to an effect table, and the rows that a query keeps."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.commands.options import Request
from bayesmeta.data import datasets
from bayesmeta.data.datasets import DATASETS
from bayesmeta.data.table import KINDS, parse_columns, read_table
from bayesmeta.infrastructure.errors import BadInput, DataMissing
from bayesmeta.model.design.formulas import quote_names
from bayesmeta.model.design.reserved import without_reserved
from bayesmeta.model.spec import read_spec

DEFAULT_DATASET = "preclinical"
BACKTICKS = """
a name in backticks seems to be lost, because a shell executes text in backticks within double
quotes; use single quotes: --where '`mean age` > 30'"""
_BACKTICKS = re.compile(r"`([^`]*)`")


def read_effects(request: Request) -> pd.DataFrame:
    """Return the effect table of a dataset or a file; without a name see `read_default`."""
    if request.dataset is None:
        return read_default(request)
    path = Path(request.dataset)
    named = request.dataset in DATASETS
    if not named and (path.suffix.lower() in KINDS or path.is_file()):
        return read_file(request, path)
    if named and request.columns:
        reason = f"{request.dataset} is a dataset of the package"
        raise BadInput(f"--columns names the columns of a file, and {reason}")
    return datasets.read(request.dataset, variant=request.variant)


def read_default(request: Request) -> pd.DataFrame:
    """Return the preclinical dataset, or its synthetic twin if the raw data are missing.

    A note names what else can be analysed.
    """
    others = ", ".join(name for name in DATASETS if name != DEFAULT_DATASET)
    choice = f"no table is named, so the example is analysed; a file: mine.csv; others: {others}"
    try:
        frame = datasets.read(DEFAULT_DATASET, variant=request.variant)
        frame.attrs["notes"] = [choice, *frame.attrs.get("notes", [])]
        return frame
    except DataMissing as error:
        frame = datasets.read(f"{DEFAULT_DATASET}-twin", variant=request.variant)
        reason = "the real data cannot be obtained, so the synthetic twin is used"
        frame.attrs["notes"] = [choice, f"{reason}: {error}"]
        return frame


def read_file(request: Request, path: Path) -> pd.DataFrame:
    """Return the effect table of a file."""
    if request.variant is not None:
        raise BadInput(f"--variant chooses a variant of a named dataset, and {path} is a file")
    frame = without_reserved(_read(request))
    if frame.attrs["dataset"] in DATASETS:  # a user's clinical.csv is not the dataset of that name
        frame.attrs["dataset"] += "-file"
    return frame


def _read(request: Request) -> pd.DataFrame:
    """Return the table of a file; if a query is given, problems of other rows do not matter."""
    path = str(request.dataset)
    columns = columns_of(request.model, request.columns)
    where = request.where
    try:
        return read_table(path, columns=columns)
    except BadInput:
        if where is None:
            raise
    return read_table(path, columns=columns, keep=lambda frame: keep_rows(frame, where))


def columns_of(model: str | None, columns: str | Mapping[str, str] | None) -> dict[str, str]:
    """Return the columns that a model file names, overridden by those that are given."""
    given = parse_columns(columns) if isinstance(columns, str) else dict(columns or {})
    return (dict(read_spec(model).columns) if model else {}) | given


def keep_rows(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return the rows that match a pandas query; raise BadInput if it is wrong or keeps no row.

    A column whose name has signs in it may stand in backticks, or as it is.
    """
    query = quote_names(where, frame.columns, "--where")
    quoted = list(dict.fromkeys(_BACKTICKS.findall(query)))
    plain = {name: f"column_{place}_" for place, name in enumerate(quoted)}
    try:
        named = frame.reset_index(drop=True)
        named = named.assign(**{plain[name]: named[name] for name in quoted})
        query = _BACKTICKS.sub(lambda name: plain[name[1]], query)
        positions: Any = named.query(query, engine="python").index
        kept: Any = frame.iloc[positions]
    except Exception as error:  # pandas raises errors of many kinds for a wrong expression
        columns = ", ".join(map(str, frame.columns))
        problem = f"--where '{where}' cannot be evaluated: {error}; the columns are: {columns}"
        raise BadInput(f"{problem}{BACKTICKS if where[:1] in '.=<>!' else ''}") from error
    if not len(kept):
        raise BadInput(f"--where '{where}' keeps none of the {len(frame)} effects")
    kept.attrs = frame.attrs
    return kept
