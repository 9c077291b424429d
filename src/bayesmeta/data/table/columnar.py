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

BYTES = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_binary_view,
)
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
    messages = tuple(
        f"left out because their cells are {kind}: {', '.join(names)}"
        for kind, names in left_out.items()
        if names
    )
    frame = _frame(content, schema, kept=[n for n in schema.names if n not in (*nested, *raw)])
    return Cells(_rows(frame), messages)


def _frame(content: bytes, schema: pa.Schema, *, kept: list[str]) -> pd.DataFrame:
    """Return some columns of the file, once none of their cells is too long."""
    texts = [
        field.name
        for field in schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
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
