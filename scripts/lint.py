"""Look for problems of data and model that change conclusions: the same as `bayesmeta lint`."""

from environment import run

if __name__ == "__main__":
    run("lint")
