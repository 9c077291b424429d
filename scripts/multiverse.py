"""Refit under every reasonable alternative: the same as `bayesmeta multiverse`."""

from environment import run

if __name__ == "__main__":
    run("multiverse")
