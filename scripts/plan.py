"""Ask how many new studies would settle a contrast: the same as `bayesmeta plan`."""

from environment import run

if __name__ == "__main__":
    run("plan")
