"""A simulated table, small enough for examples."""

import numpy as np
import pandas as pd

STUDIES = 24
SEED = 5
BETA = {"fear:memory": 0.7, "neutral:memory": -0.6, "fear:learning": 0.3, "neutral:learning": 0.0}
TAU_STUDY = 0.4
TAU_GROUP = 0.2


def example() -> pd.DataFrame:
    """Simulate an effect table of 24 studies, the same at every call.

    A study has 2 groups, a group 2 effects. Columns: study, group; valence (fear, neutral), both in
    every group; phase (learning, memory), the same in all of a study; dose, a number of the study;
    yi and vi (Hedges' g). `attrs["truth"]` holds the true values: beta by "valence:phase",
    tau_study, tau_group.

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.example()
    >>> frame.head(3).round(2)
      study group  valence   phase  dose    yi    vi
    0   s01  s01a     fear  memory   1.6 -0.18  0.15
    1   s01  s01a  neutral  memory   1.6  0.09  0.23
    2   s01  s01b     fear  memory   1.6  0.96  0.20
    """
    rng = np.random.default_rng(SEED)
    study = np.repeat(np.arange(STUDIES), 4)
    group = np.repeat(np.arange(2 * STUDIES), 2)
    valence = np.tile(["fear", "neutral"], 2 * STUDIES)
    phase = np.where(study % 2, "learning", "memory")
    u = rng.normal(0, TAU_STUDY, STUDIES)
    w = rng.normal(0, TAU_GROUP, 2 * STUDIES)
    beta = np.array([BETA[":".join(cell)] for cell in zip(valence, phase, strict=True)])
    vi = np.round(rng.uniform(0.05, 0.3, len(study)), 4)
    yi = np.round(beta + u[study] + w[group] + rng.normal(0, np.sqrt(vi)), 4)
    dose = np.round(rng.uniform(0, 2, STUDIES), 1)[study]
    labels = [f"s{number + 1:02d}" for number in study]
    groups = np.char.add(labels, np.array(["a", "b"])[group % 2])
    moderators = {"valence": valence, "phase": phase, "dose": dose}
    frame = pd.DataFrame({"study": labels, "group": groups, **moderators, "yi": yi, "vi": vi})
    truth = {"beta": dict(BETA), "tau_study": TAU_STUDY, "tau_group": TAU_GROUP}
    about = {"dataset": "example", "title": "simulated effects of 24 studies", "synthetic": True}
    frame.attrs |= about | {"scale": "Hedges' g", "truth": truth}
    return frame
