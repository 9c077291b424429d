r"""The known covariance of sampling errors, and known correlations of the units of a factor.

The covariance comes from a file, or is made of the variances and of correlations r_ij of rows of a
cluster, as by metafor's `vcalc`:

    V_ij = r_ij sqrt(v_i v_j),    r_ij = rho_ij phi^|t_i - t_j| s_ij

rho : one number; or two, of observations of a type and of different types. s_ij is the share of
groups that two contrasts have in common: with weights w (sizes) of the first and second group,
the sum over common groups of +-1/w, over sqrt(1/w_1i + 1/w_2i) sqrt(1/w_1j + 1/w_2j).

Source: `vcalc` of metafor.
"""

import csv
import math
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import newick
import numpy as np
import pandas as pd

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.spec import ModelSpec

SYMMETRIC = 1e-8  # largest relative difference of a matrix from its transpose, as files round
SMALLEST = 1e-10  # eigenvalue of a correlation matrix; below, the inverse has few digits
Columns = Callable[[str], np.ndarray]
TREES = (".nwk", ".newick", ".tre", ".tree")


def known_matrices(frame: pd.DataFrame, spec: ModelSpec) -> dict[str, Any]:
    """Return error_covariance over (effect, other_effect), and correlation_<factor>, if any."""
    matrices: dict[str, Any] = {}
    if spec.errors:
        V = covariance_of(frame, spec.errors)
        matrices["error_covariance"] = (("effect", "other_effect"), V)
    for name, entry in spec.correlation.items():
        R = read_correlation(entry["file"])
        names = list(map(str, R.index))
        dims = (f"{name}_unit", f"other_{name}_unit")
        matrices |= {f"correlation_{name}": (dims, R.to_numpy()), dims[0]: names, dims[1]: names}
    return matrices


def covariance_of(frame: pd.DataFrame, entry: Mapping[str, Any]) -> np.ndarray:
    """Return the covariance of the errors of the rows (k, k).

    Raise BadInput if it is not a covariance matrix, or the table lacks a column for it.
    """
    vi = frame["vi"].to_numpy(float)
    if "file" not in entry:
        correlation = correlations_of(frame, entry)
        V = correlation * np.sqrt(np.outer(vi, vi))
        return _checked(V, "the errors' covariance", "lower rho, or phi")
    V = _file_rows(_read_matrix(entry["file"]), frame, str(entry["file"]))
    _checked(V, f"V of {entry['file']}", "correct the file")
    if not np.allclose(np.diag(V), vi, rtol=1e-3):
        worst = int(np.argmax(np.abs(np.log(np.diag(V) / vi))))
        raise BadInput(
            f"the diagonal of {entry['file']} is not vi: row {worst + 1} of the table has vi "
            f"{vi[worst]:g}, the file {V[worst, worst]:g}; both should have the same rows"
        )
    return V


def correlations_of(frame: pd.DataFrame, entry: Mapping[str, Any]) -> np.ndarray:
    """Return the correlations of the rows' errors by metafor's rules (k, k)."""

    def column(key: str) -> np.ndarray:
        name = entry.get(key, "study" if key == "cluster" else None)
        if name not in frame.columns:
            raise BadInput(f"errors: {key} names no column of the table: '{name}'")
        values = frame[name]
        if values.isna().any():
            raise BadInput(
                f"errors: column '{name}' ({key}) is blank in {values.isna().sum()} rows"
            )
        return values.to_numpy()

    def numbers(key: str) -> np.ndarray:
        values = pd.to_numeric(column(key), errors="coerce")
        if not np.isfinite(values).all():
            raise BadInput(f"errors: column '{entry[key]}' ({key}) should have numbers")
        return np.asarray(values, float)

    k = len(frame)
    cluster = pd.factorize(column("cluster"))[0]
    rho = np.atleast_1d(np.asarray(entry.get("rho", 1.0), float))
    pieces = [key for key in ("type", "obs") if key in entry]
    if len(rho) != (2 if len(pieces) == 2 else 1):
        wanted = "two numbers with both type and obs (within, between types), else one number"
        raise BadInput(f"errors: rho is {entry.get('rho')}; it should be {wanted}")
    if (np.abs(rho) > 1).any() or not 0 <= float(entry.get("phi", 0)) < 1:
        raise BadInput("errors: rho should be from -1 to 1, phi from 0 to below 1")
    if not pieces and "rho" in entry:
        same: list[np.ndarray] = [np.eye(k, dtype=bool)]
    else:
        same = [np.equal.outer(codes, codes) for codes in map(column, pieces)]
    r = np.ones((k, k))
    if len(same) == 2:
        r = np.where(same[0], np.where(same[1], 1.0, rho[0]), rho[1])
    elif same:
        r = np.where(same[0], 1.0, rho[0])
    if "time" in entry:
        times = numbers("time")
        r = r * float(entry.get("phi", 0)) ** np.abs(np.subtract.outer(times, times))
    if "group1" in entry or "group2" in entry:
        r = r * _shared(column, numbers, entry)
    r = r * np.equal.outer(cluster, cluster)
    np.fill_diagonal(r, 1.0)
    return r


def _shared(column: Columns, numbers: Columns, entry: Mapping[str, Any]) -> np.ndarray:
    """Return s of the module's equations (k, k)."""
    first, second = column("group1"), column("group2")
    w1, w2 = (numbers(key) if key in entry else np.ones(len(first)) for key in ("w1", "w2"))
    equal = np.equal.outer
    of_first = (equal(first, first) * 1.0 - equal(first, second)) / w1[:, None]
    of_second = (equal(second, second) * 1.0 - equal(second, first)) / w2[:, None]
    spread = np.sqrt(1 / w1 + 1 / w2)
    return np.asarray((of_first + of_second) / np.outer(spread, spread))


def read_correlation(file: str) -> pd.DataFrame:
    """Return the correlations of a factor's units, from a matrix with names or a Newick tree.

    For a tree: the share of the path from the root that two tips have in common, relative to the
    longest path (Brownian motion; `vcv(tree, corr = TRUE)` of R's ape, for a tree whose tips are
    equally far from the root). Raise BadInput if it is no correlation matrix.
    """
    if Path(file).suffix.lower() in TREES:
        return _of_tree(file)
    R = _read_matrix(file)
    if R.index.dtype == int or list(map(str, R.index)) != list(map(str, R.columns)):
        raise BadInput(f"{file} should have the same names in its first row and first column")
    R.index = R.columns = R.columns.map(str)
    _checked(R.to_numpy(), file, "correct the file")
    if not np.allclose(np.diag(R), 1.0, atol=1e-6):
        raise BadInput(f"{file} should have ones on its diagonal, as a correlation matrix")
    return R


def _of_tree(file: str) -> pd.DataFrame:
    try:
        trees = newick.loads(_text_of(file))
        root = trees[0]
        depth = {id(root): 0.0}
        for node in root.walk():  # a node comes before its descendants
            for below in node.descendants:
                depth[id(below)] = depth[id(node)] + below.length
    except (OSError, ValueError, IndexError, RecursionError) as error:
        raise BadInput(f"{file} cannot be read as a Newick tree: {error}") from error
    if len(trees) > 1:
        raise BadInput(f"{file} holds {len(trees)} trees; leave one")
    if not all(0 <= node.length < math.inf for node in root.walk()):
        raise BadInput(f"{file} has a branch with a length below 0 or without end")
    tips = root.get_leaves()
    names = [str(tip.unquoted_name) for tip in tips]
    place = {id(tip): at for at, tip in enumerate(tips)}
    shared = np.zeros((len(tips), len(tips)))
    for node in root.walk():  # the deepest node over a pair comes last
        below = [place[id(tip)] for tip in node.get_leaves()]
        shared[np.ix_(below, below)] = depth[id(node)]
    heights = np.sqrt(np.diag(shared))
    if len(set(names)) < len(names) or not (heights > 0).all():
        raise BadInput(f"{file} should have tips with different names, and lengths of branches")
    return pd.DataFrame(shared / np.outer(heights, heights), names, names)


def _text_of(file: str) -> str:
    """Return the text of a file; a device or an address, which may never end, is none."""
    if not Path(file).is_file():
        raise FileNotFoundError("there is no such file")
    return Path(file).read_text(encoding="utf-8-sig")


def _read_matrix(file: str) -> pd.DataFrame:
    """Return a matrix of a CSV file; with names if its first column is text."""
    try:
        text = StringIO(_text_of(file))
        table = pd.read_csv(text, sep=None, engine="python", header=None, dtype=str)
    except (OSError, ValueError, csv.Error) as error:
        raise BadInput(f"the matrix {file} cannot be read: {error}") from error
    numbers = table.apply(pd.to_numeric, errors="coerce")
    if len(table) == table.shape[1] and numbers.notna().all(axis=None):
        return numbers
    has_header = numbers.iloc[0, 1:].isna().all()
    body = table.iloc[1:] if has_header else table
    named = pd.to_numeric(body[0], errors="coerce").isna().any() or body.shape[1] == len(body) + 1
    index = body[0].tolist() if named else range(len(body))
    values = body.iloc[:, int(named) :].apply(pd.to_numeric, errors="coerce")
    names = table.iloc[0, int(named) :].tolist() if has_header else index
    if values.isna().any(axis=None) or values.shape[0] != values.shape[1]:
        got = f"{values.shape[0]} rows and {values.shape[1]} columns"
        raise BadInput(f"{file} should be a square matrix of numbers, with names or without; {got}")
    return pd.DataFrame(values.to_numpy(float), index, names)


def _file_rows(V: pd.DataFrame, frame: pd.DataFrame, file: str) -> np.ndarray:
    """Return the rows of a file's V that belong to the rows of the table, by label or position."""
    effects = frame["effect"].astype(str)
    labels = V.index.map(str)
    named = not isinstance(V.index, pd.RangeIndex) and effects.isin(labels).all()
    if named:
        place = pd.Index(labels).get_indexer(effects)
    elif len(frame) == len(V):
        place = np.arange(len(V))
    elif "sheet_row" in frame and frame["sheet_row"].max() - 2 < len(V):  # a query left rows out
        place = frame["sheet_row"].to_numpy(int) - 2
    else:
        got = f"{file} has {len(V)} rows, the table {len(frame)} effects"
        raise BadInput(f"{got}; it should have a row and a column per effect, in the same order")
    return V.to_numpy(float)[np.ix_(place, place)]


def _checked(matrix: np.ndarray, name: str, remedy: str) -> np.ndarray:
    """Return a matrix; raise BadInput if it is not symmetric or not positive definite."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    if not (np.diag(matrix) > 0).all():
        raise BadInput(f"{name} has a variance of 0 or less on its diagonal; {remedy}")
    relative = matrix / np.outer(scale, scale)
    if (worst := np.abs(relative - relative.T).max()) > SYMMETRIC:
        raise BadInput(f"{name} is not symmetric (by {worst:.2g} of its variances); {remedy}")
    if (least := np.linalg.eigvalsh(relative).min()) < SMALLEST:
        raise BadInput(f"{name} is not positive definite (an eigenvalue of {least:.2g}); {remedy}")
    return np.asarray((matrix + matrix.T) / 2)
