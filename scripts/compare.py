"""Compare the frequentist with the Bayesian answer: the same as `bayesmeta compare`."""

from environment import run

if __name__ == "__main__":
    run("compare")
