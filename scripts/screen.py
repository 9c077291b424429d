"""Which moderators matter? A forest and a meta-tree: the same as `bayesmeta screen`."""

from environment import run

if __name__ == "__main__":
    run("screen")
