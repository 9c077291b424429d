"""Interpret a folder of results: the same as `bayesmeta interpret`."""

from environment import run

if __name__ == "__main__":
    run("interpret")
