"""Ask whether each conclusion survives every reasonable alternative: the same as `bayesmeta survive`."""

from environment import run

if __name__ == "__main__":
    run("survive")
