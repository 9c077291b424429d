"""Figures, pages and folders: what a reader sees."""
