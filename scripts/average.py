"""Average over models: the same as `bayesmeta average`."""

from environment import run

if __name__ == "__main__":
    run("average")
