"""The whole analysis on one page, index.html: the same as `bayesmeta report`."""

from environment import run

if __name__ == "__main__":
    run("report")
