"""Datasets, a table of your own, effect sizes, and the schema that they share."""
