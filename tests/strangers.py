"""Tables as strangers bring them, shaped like those of R's metadat; all numbers are simulated.

`python tests/strangers.py FOLDER` writes them for tests/reference/strangers.R, which wrote
strangers.json.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd


def schools(rng: np.random.Generator) -> pd.DataFrame:
    """Schools numbered within districts, and a column `study` that numbers the rows."""
    size = rng.integers(2, 9, 12)
    district = np.repeat(rng.permutation(90)[:12] + 11, size)
    vi = rng.uniform(0.01, 0.15, len(district))
    yi = (
        0.2
        + rng.normal(0, 0.25, 12).repeat(size)
        + rng.normal(0, 0.2, len(district))
        + rng.normal(0, np.sqrt(vi))
    )
    school = np.concatenate([np.arange(1, count + 1) for count in size])
    year = rng.integers(1976, 2001, len(district))
    return pd.DataFrame(
        {
            "district": district,
            "school": school,
            "study": range(1, len(district) + 1),
            "year": year,
            "yi": yi,
            "vi": vi,
        }
    )


def outcomes(rng: np.random.Generator) -> pd.DataFrame:
    """Several effects per study, with ids, missing moderators and text."""
    size = rng.integers(1, 12, 17)
    study = np.repeat(np.arange(1, 18), size)
    vi = rng.uniform(0.02, 0.2, len(study))
    yi = (
        0.4
        + rng.normal(0, 0.4, 17).repeat(size)
        + rng.normal(0, 0.3, len(study))
        + rng.normal(0, np.sqrt(vi))
    )
    kind = rng.choice(["general", "overt", "covert"], len(study))
    status = np.where(rng.random(len(study)) < 0.1, np.nan, rng.integers(0, 2, len(study)))
    esid = np.concatenate([np.arange(1, count + 1) for count in size])
    row = range(1, len(study) + 1)
    return pd.DataFrame(
        {
            "study": study,
            "esid": esid,
            "id": row,
            "yi": yi,
            "vi": vi,
            "pubstatus": status,
            "kind": kind,
        }
    )


def correlations(rng: np.random.Generator) -> pd.DataFrame:
    """Correlations of samples in studies, which are called studyid."""
    size = rng.integers(1, 5, 25)
    studyid = np.repeat(np.arange(1, 26), size)
    ni = rng.integers(30, 400, len(studyid))
    z = 0.4 + rng.normal(0, 0.2, 25).repeat(size) + rng.normal(0, 1 / np.sqrt(ni - 3))
    return pd.DataFrame({"studyid": studyid, "source": "journal", "ni": ni, "ri": np.tanh(z)})


def lengths(rng: np.random.Generator) -> pd.DataFrame:
    """Means, SDs and sizes, an effect per study, with authors in place of a study."""
    n1i = rng.integers(10, 160, 9)
    n2i = rng.integers(10, 160, 9)
    theta = rng.normal(-0.4, 0.8, 9)
    sd = rng.uniform(4, 30, (2, 9))
    m2i = rng.uniform(20, 70, 9)
    names = [f"Author {letter}" for letter in "ABCDEFGHI"]
    frame = pd.DataFrame(
        {"author": names, "n1i": n1i, "m1i": m2i + theta * sd.mean(0), "sd1i": sd[0]}
    )
    return frame.assign(n2i=n2i, m2i=m2i, sd2i=sd[1])


TABLES = {table.__name__: table for table in (schools, outcomes, correlations, lengths)}


def write(name: str, folder: Path) -> Path:
    """Write a table as CSV with 5 decimals."""
    path = folder / f"{name}.csv"
    TABLES[name](np.random.default_rng(20)).round(5).to_csv(path, index=False)
    return path


if __name__ == "__main__":
    for table in TABLES:
        write(table, Path(sys.argv[1]))
