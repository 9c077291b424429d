"""Can a fit be trusted? Draws, funnel, bias models, influence, priors: the same as `bayesmeta check`."""

from environment import run

if __name__ == "__main__":
    run("check")
