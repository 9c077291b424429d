"""Datasets, tables of users, effect sizes, and the rules for an effect table."""
