"""Fit a model: the same as `bayesmeta fit`."""

from environment import run

if __name__ == "__main__":
    run("fit")
