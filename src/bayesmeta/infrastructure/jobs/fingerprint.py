"""Hash of all that a result depends on: the values from which it was made, and the code.

It is not the hash of a pickle, which differs between equal tables (by their blocks) and between
processes (by the order of sets).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import singledispatch
from inspect import getfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.code import code_fingerprint


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of a value's content, the same in every process.

    It takes text, numbers, dates, None, arrays, DataFrames and Series, Datasets and DataArrays
    (attributes and coordinates count, the order of their variables does not), dataclasses, and
    tuples, lists and mappings of these in order. Raise TypeError for any other value, such as a
    path, which is not its content, or a set, which has no order.
    """
    return _sha256(repr(_plain(value)).encode())


def function_fingerprint(function: Callable[..., Any]) -> str:
    """Return the SHA-256 of a function's name, of its file and of this package's code."""
    name = f"{function.__module__}.{function.__qualname__}"
    return fingerprint((name, Path(getfile(function)).read_bytes(), code_fingerprint()))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@singledispatch
def _plain(value: Any) -> Any:
    """Return a value as nested tuples of text, arrays as a hash: their repr is its content."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"a {kind} has no fingerprint: {value!r:.80}")
    return kind, *((field.name, _plain(getattr(value, field.name))) for field in fields(value))


@_plain.register(np.generic)
@_plain.register(str | bytes | int | float | complex | date | type(None) | type(pd.NA))
def _(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    return repr(value)


@_plain.register(tuple | list)
def _(value: tuple[Any, ...] | list[Any]) -> tuple[Any, ...]:
    return "sequence", *map(_plain, value)


@_plain.register(Mapping)
def _(value: Mapping[Any, Any]) -> tuple[Any, ...]:
    return "mapping", *((_plain(key), _plain(entry)) for key, entry in value.items())


@_plain.register
def _(value: np.ndarray) -> tuple[Any, ...]:
    if value.dtype.kind not in "biufcSUmM":
        return "array", value.shape, _plain(value.ravel().tolist())
    return "array", value.dtype.str, value.shape, _sha256(np.ascontiguousarray(value).tobytes())


@_plain.register
def _(value: pd.Index) -> tuple[Any, ...]:
    return "index", _plain(list(value.names)), *_column(value)


@_plain.register
def _(value: pd.Series) -> tuple[Any, ...]:
    attributes = (_plain(value.attrs), _plain(value.index), _plain(value.name))
    return "series", *attributes, *_column(value)


@_plain.register
def _(value: pd.DataFrame) -> tuple[Any, ...]:
    columns = [_column(value.iloc[:, place]) for place in range(value.shape[1])]
    return "table", _plain(value.attrs), _plain(value.index), _plain(value.columns), *columns


def _column(column: pd.Index | pd.Series) -> tuple[Any, ...]:
    """Return the type and content of a column, or the categories and codes."""
    dtype = column.dtype
    if not isinstance(dtype, pd.CategoricalDtype):
        return str(dtype), _plain(column.to_numpy())
    codes = dtype.categories.get_indexer(pd.Index(column))
    return "categories", _plain(dtype.categories), dtype.ordered, _plain(codes)


@_plain.register
def _(value: xr.Dataset) -> tuple[Any, ...]:
    variables = sorted(value.variables.items(), key=lambda item: str(item[0]))
    parts = (
        (str(name), name in value.coords, part.dims, _plain(part.attrs), _plain(part.values))
        for name, part in variables
    )
    return "Dataset", _plain(value.attrs), *parts


@_plain.register
def _(value: xr.DataArray) -> tuple[Any, ...]:
    return "DataArray", _plain(value.name), _plain(value.to_dataset(name="its values"))
