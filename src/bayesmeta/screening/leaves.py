"""What a tree says about its nodes: estimates with intervals, heterogeneity, and the splits in words."""

import numpy as np
import pandas as pd
from scipy import stats

from bayesmeta.screening.cart import Split, Tree, nodes_of

COLUMNS = ["node", "parent", "moderator", "split", "Qb", "tau2", "k", "studies"]
COLUMNS += ["estimate", "ci_lb", "ci_ub", "QE", "QE_df", "QE_p", "leaf"]


def tree_table(tree: Tree, table: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Describe every node of a tree, the root first.

    Parameters
    ----------
    table : DataFrame
        The one from which it was grown: yi, vi, its moderators, and `study` where studies are to be counted.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        node, parent (0 for the root), moderator and split (the condition that leads here, in words), Qb and tau2 (of
        all leaves once this node was made), k, studies; estimate, ci_lb, ci_ub: the mean with weights 1 / (vi + tau2),
        tau2 that of the whole tree, and its normal interval; QE, QE_df, QE_p: heterogeneity within, weights 1 / vi;
        leaf.

    Notes
    -----
    The estimates are those of metacart. Effects count as independent, and the splits were chosen on the same effects:
    the intervals are too narrow for both reasons.
    """
    nodes, tau2 = nodes_of(tree, table), tree.tau2_after(len(tree.splits))
    leaves, rows = set(nodes[-1]), [_row(table, nodes[0] == 1, tau2, level) | {"node": 1, "Qb": 0.0, "tau2": tree.tau2}]
    rows[0] |= {"parent": 0, "moderator": "", "split": "all"}
    for step, split in enumerate(tree.splits, 1):
        for number, words in zip((2 * step, 2 * step + 1), in_words(split), strict=True):
            row = _row(table, nodes[step] == number, tau2, level)
            row |= {"node": number, "parent": split.parent, "moderator": split.moderator, "split": words}
            rows.append(row | {"Qb": split.Qb, "tau2": split.tau2})
    described = pd.DataFrame(rows)
    return described.assign(leaf=described["node"].isin(leaves))[COLUMNS]


def steps_table(tree: Tree, kept: int, published: pd.DataFrame | None = None) -> pd.DataFrame:
    """A tree before it is pruned, split by split, beside the published one.

    Parameters
    ----------
    kept : int
        Splits that pruning left.
    published : DataFrame, optional
        Of `published.published_tree`.

    Returns
    -------
    DataFrame
        step, parent, moderator, split (the condition of the left node), Qb, tau2, kept; with a published tree also
        published_parent, published_moderator, published_split, published_Qb, published_tau2, published_kept.
    """
    rows = [
        (step, split.parent, split.moderator, in_words(split)[0], split.Qb, split.tau2, step <= kept)
        for step, split in enumerate(tree.splits, 1)
    ]
    steps = pd.DataFrame(rows, columns=["step", "parent", "moderator", "split", "Qb", "tau2", "kept"])
    if published is None:
        return steps
    theirs = published.drop(columns="source").set_index("step").add_prefix("published_").reset_index()
    return steps.merge(theirs, on="step", how="outer")


def in_words(split: Split) -> tuple[str, str]:
    """The condition of the left and of the right node: `phase = extinction, learning` and `phase = memory`."""
    if not split.left:
        return f"{split.moderator} <= {split.cut:.6g}", f"{split.moderator} > {split.cut:.6g}"
    return f"{split.moderator} = {', '.join(split.left)}", f"{split.moderator} = {', '.join(split.right)}"


def means(nodes: np.ndarray, yi: np.ndarray, vi: np.ndarray, tau2: float) -> dict[int, float]:
    """Mean of each node (effects,) with weights 1 / (vi + tau2)."""
    numbers, codes = np.unique(nodes, return_inverse=True)
    weights = 1 / (vi + tau2)
    return dict(zip(map(int, numbers), np.bincount(codes, weights * yi) / np.bincount(codes, weights), strict=True))


def _row(table: pd.DataFrame, here: np.ndarray, tau2: float, level: float) -> dict[str, object]:
    yi, vi = table["yi"].to_numpy(float)[here], table["vi"].to_numpy(float)[here]
    estimate = means(np.ones(len(yi), int), yi, vi, tau2)[1]
    reach = stats.norm.ppf((1 + level) / 2) / np.sqrt((1 / (vi + tau2)).sum())
    q = float((((yi - np.average(yi, weights=1 / vi)) ** 2) / vi).sum())
    studies = table.loc[here, "study"].nunique() if "study" in table else pd.NA
    return {
        "k": len(yi),
        "studies": studies,
        "estimate": estimate,
        "ci_lb": estimate - reach,
        "ci_ub": estimate + reach,
        "QE": q,
        "QE_df": len(yi) - 1,
        "QE_p": float(stats.chi2.sf(q, len(yi) - 1)) if len(yi) > 1 else 1.0,
    }
