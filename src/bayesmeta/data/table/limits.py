"""Limits of the size of a table; a larger file is refused before it can fill the memory."""

from bayesmeta.infrastructure.errors import BadInput

FILE_BYTES = 200_000_000
UNPACKED_BYTES = 250_000_000
CELLS = 5_500_000  # a million effects with five columns
COLUMNS = 2_000
NAME_LENGTH = 255
LABEL_LENGTH = 500
TEXT_LENGTH = 1_000
TEXT_TOTAL = 20_000_000  # width of a column times its rows: later steps keep text at a fixed width


def check_shape(rows: int, columns: int) -> None:
    """Raise BadInput if there are more columns or cells than a table of effects has."""
    if columns > COLUMNS:
        question = "is another separator used, or is a cell far from the table filled?"
        raise BadInput(f"it has {columns:,} columns, and a table may have {COLUMNS:,}; {question}")
    if rows * columns > CELLS:
        shape = f"{rows:,} rows and {columns:,} columns, and a table may have {CELLS:,} cells"
        remedy = "leave out what is not needed, or cells far from the table"
        raise BadInput(f"it has {shape}; {remedy}")
