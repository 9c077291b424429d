"""Check a fit: the same as `bayesmeta check`."""

from environment import run

if __name__ == "__main__":
    run("check")
