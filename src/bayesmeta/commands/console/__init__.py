"""Everything that commands print: the data first, then the results, then the files."""
