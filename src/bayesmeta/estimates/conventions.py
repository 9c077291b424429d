"""Thresholds that several tables, figures and pages share."""

INTERVAL = (0.025, 0.975)  # bounds of every 95 % interval, equal-tailed
SETTLED = INTERVAL[1]  # a sign is settled when the 95 % interval excludes zero
MIN_STUDIES = 4  # on both sides of a difference; with fewer studies it gets no verdict
MAX_K_HAT = 0.7  # above it importance sampling is unreliable: doi 10.48550/arXiv.1507.02646
PLURALS = {"study": "studies", "group": "groups", "effect": "effects", "term": "terms"}
WITHOUT_EXTREME = "without extreme effects"  # a refinement of an exact fit
TARGET_P_SETTLED = 0.8  # a plan is good enough when it settles the sign with this probability
