"""Inspect a table and write a model file for it: the same as `bayesmeta init`."""

from environment import run

if __name__ == "__main__":
    run("init")
