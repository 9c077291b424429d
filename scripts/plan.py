"""Plan new studies: the same as `bayesmeta plan`."""

from environment import run

if __name__ == "__main__":
    run("plan")
