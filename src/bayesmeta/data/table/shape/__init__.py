"""The shape of a table: its header, cells that hold several numbers, arms and outcomes in rows."""
