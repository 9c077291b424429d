"""Cells of a Parquet file, once its columns are known to hold no more than a table does."""

import io
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from bayesmeta.data.table.cells import Cells
from bayesmeta.data.table.limits import TEXT_LENGTH, check_shape
from bayesmeta.infrastructure.errors import BadInput

BINARY = ("binary", "large_binary", "fixed_size_binary", "binary_view")
BYTES = [getattr(pa.types, f"is_{kind}") for kind in BINARY]
LONGEST_CELL = 100 * TEXT_LENGTH  # a longer text is a document, and no row of a table needs it


def parquet_cells(content: bytes) -> Cells:
    """Return the names of the columns and the rows below; a named index of pandas is a column.

    Columns of lists, structs and bytes are left out with a message. Raise BadInput if there are
    more cells, or longer ones, than a table may have.
    """
    schema = parquet.ParquetFile(io.BytesIO(content)).schema_arrow
    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    raw = [field.name for field in schema if any(test(field.type) for test in BYTES)]
    left_out = {"lists": nested, "bytes": raw}
    listed = {kind: ", ".join(names) for kind, names in left_out.items() if names}
    reason = "left out because their cells are"
    messages = tuple(f"{reason} {kind}: {names}" for kind, names in listed.items())
    frame = _frame(content, schema, kept=[n for n in schema.names if n not in (*nested, *raw)])
    return Cells(_rows(frame), messages)


def _frame(content: bytes, schema: pa.Schema, *, kept: list[str]) -> pd.DataFrame:
    tests = (pa.types.is_string, pa.types.is_large_string)
    texts = [field.name for field in schema if any(test(field.type) for test in tests)]
    # as dictionaries, a long text that is repeated in every row is held once
    file = parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts)
    check_shape(file.metadata.num_rows, len(schema))
    table = file.read(columns=kept, use_pandas_metadata=True)
    for name, column in zip(table.column_names, table.columns, strict=True):
        for chunk in (chunk for chunk in column.chunks if isinstance(chunk, pa.DictionaryArray)):
            longest = pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0
            if longest > LONGEST_CELL:
                size = f"cells of up to {longest:,} characters"
                raise BadInput(f"{name} has {size}; leave that column out")
    frame = table.to_pandas()
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _rows(frame: pd.DataFrame) -> Iterator[list[object]]:
    yield list(frame.columns)
    if frame.columns.is_unique:
        columns = [frame[name].astype(object) for name in frame.columns]
        yield from map(list, zip(*columns, strict=True))
    else:
        yield from frame.astype(object).to_numpy().tolist()
