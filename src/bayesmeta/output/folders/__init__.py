"""Folders of results: which files a command writes, and where."""
