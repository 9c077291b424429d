"""Thresholds that inference shares with what is made of its results."""

MAX_K_HAT = 0.7  # above it importance sampling is unreliable: doi 10.48550/arXiv.1507.02646
SMALL_TABLE = 150  # effects; refits of fewer take less time than the start of processes
LARGE_TABLE = 50_000  # effects; of more, NUTS and a further level take minutes
