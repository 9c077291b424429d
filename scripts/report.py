"""Write the complete analysis as a page: the same as `bayesmeta report`."""

from environment import run

if __name__ == "__main__":
    run("report")
