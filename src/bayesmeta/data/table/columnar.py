"""Rows of a Parquet file, once what its columns hold is known to be of a table's size."""

import io
from collections.abc import Iterator
from typing import Any

from bayesmeta.data.table.limits import TEXT_LENGTH, check_shape
from bayesmeta.infrastructure.errors import BadInput


def parquet_rows(content: bytes, notes: list[str]) -> Iterator[list[object]]:
    """Names of the columns, then the rows; a named index of pandas is a column, lists, structs and bytes are left out.

    Raises
    ------
    BadInput
        More cells, or longer ones, than a table has.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    schema = parquet.ParquetFile(io.BytesIO(content)).schema_arrow
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    # as dictionaries, a long text that is repeated in every row stays one text
    file = parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts)
    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    if nested:
        notes.append(f"left out, for their cells are lists: {', '.join(nested)}")
    if raw := [field.name for field in schema if _is_bytes(field.type)]:
        notes.append(f"left out, for their cells are bytes: {', '.join(raw)}")
    check_shape(file.metadata.num_rows, len(schema))
    table = file.read(columns=[name for name in schema.names if name not in (*nested, *raw)], use_pandas_metadata=True)
    for name, column in zip(table.column_names, table.columns, strict=True):
        for chunk in (chunk for chunk in column.chunks if isinstance(chunk, pa.DictionaryArray)):
            longest = pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0
            if longest > 100 * TEXT_LENGTH:
                raise BadInput(f"{name} has cells of up to {longest:,} characters; leave that column out")
    frame = table.to_pandas()
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    yield list(frame.columns)
    columns = [frame[name].astype(object) for name in frame.columns] if frame.columns.is_unique else None
    if columns is None:
        yield from frame.astype(object).to_numpy().tolist()
    else:
        yield from map(list, zip(*columns, strict=True))


def _is_bytes(kind: Any) -> bool:
    """Whether cells are bytes, which a long one in every row makes many, and which are no text."""
    import pyarrow as pa

    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)
