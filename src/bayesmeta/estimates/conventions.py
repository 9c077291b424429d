"""Thresholds that several tables, figures and pages share."""

from bayesmeta.inference.conventions import MAX_K_HAT as MAX_K_HAT

INTERVAL = (0.025, 0.975)  # bounds of every 95 % interval, equal-tailed
SETTLED = INTERVAL[1]  # a sign is settled when the 95 % interval excludes zero
MIN_STUDIES = 4  # on both sides of a difference; with fewer studies it gets no verdict
PLURALS = {"study": "studies", "group": "groups", "effect": "effects", "term": "terms"}
WITHOUT_EXTREME = "without extreme effects"  # a refinement of an exact fit
TARGET_P_SETTLED = 0.8  # a plan is good enough when it settles the sign with this probability
