"""The nodes of a tree: estimates with intervals, heterogeneity, and the splits in words."""

import numpy as np
import pandas as pd
from scipy import stats

from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.screening.cart import Split, Tree, nodes_of

COLUMNS = ["node", "parent", "moderator", "split", "Qb", "tau2", "k", "studies"]
COLUMNS += ["estimate", "ci_lb", "ci_ub", "QE", "QE_df", "QE_p", "leaf"]


def tree_table(tree: Tree, table: pd.DataFrame) -> pd.DataFrame:
    """Describe every node of a tree, the root first.

    The estimates are those of metacart. Effects count as independent, and the splits were chosen on
    the same effects: the intervals are too narrow for both reasons.
    `table`: the table from which it was grown: yi, vi, its moderators, `study` to count studies.
    Columns: node, parent (0 for the root), moderator and split (the condition that leads to the
    node, in words), Qb and tau2 (of all leaves once this node was made), k, studies; estimate,
    ci_lb, ci_ub: the mean with weights 1 / (vi + tau2), tau2 that of the entire tree, and its
    normal 95 % interval; QE, QE_df, QE_p: heterogeneity within, weights 1 / vi; leaf.
    """
    nodes = nodes_of(tree, table)
    tau2 = tree.tau2_after(len(tree.splits))
    rows = [(1, 0, "", "all", 0.0, tree.tau2, *_estimates(table, nodes[0] == 1, tau2))]
    for step, split in enumerate(tree.splits, 1):
        for number, words in zip((2 * step, 2 * step + 1), in_words(split), strict=True):
            estimates = _estimates(table, nodes[step] == number, tau2)
            labels = (number, split.parent, split.moderator, words, split.Qb, split.tau2)
            rows.append((*labels, *estimates))
    described = pd.DataFrame(rows, columns=COLUMNS[:-1])
    return described.assign(leaf=described["node"].isin(set(nodes[-1])))


def steps_table(tree: Tree, kept: int, published: pd.DataFrame | None = None) -> pd.DataFrame:
    """Describe the splits of an unpruned tree, beside those of a published tree.

    `kept`: number of splits after pruning. `published`: from `replication.published_tree`.
    Columns: step, parent, moderator, split (the condition of the left node), Qb, tau2, kept; with a
    published tree also published_parent, published_moderator, published_split, published_Qb,
    published_tau2, published_kept.
    """
    rows = [
        (step, split.parent, split.moderator, in_words(split)[0], split.Qb, split.tau2)
        for step, split in enumerate(tree.splits, 1)
    ]
    steps = pd.DataFrame(rows, columns=["step", "parent", "moderator", "split", "Qb", "tau2"])
    steps["kept"] = steps["step"] <= kept
    if published is None:
        return steps
    theirs = published.drop(columns="source").set_index("step").add_prefix("published_")
    return steps.merge(theirs.reset_index(), on="step", how="outer")


def in_words(split: Split) -> tuple[str, str]:
    """Return the conditions of both nodes: `phase = extinction, learning` and `phase = memory`."""
    conditions = (f"<= {split.cut:.6g}", f"> {split.cut:.6g}")
    if split.left:
        conditions = (f"= {', '.join(split.left)}", f"= {', '.join(split.right)}")
    return f"{split.moderator} {conditions[0]}", f"{split.moderator} {conditions[1]}"


def means(nodes: np.ndarray, yi: np.ndarray, vi: np.ndarray, tau2: float) -> dict[int, float]:
    """Return the mean of every node (effects,) with weights 1 / (vi + tau2)."""
    numbers, codes = np.unique(nodes, return_inverse=True)
    weights = 1 / (vi + tau2)
    mean = np.bincount(codes, weights * yi) / np.bincount(codes, weights)
    return dict(zip(map(int, numbers), mean, strict=True))


def _estimates(table: pd.DataFrame, members: np.ndarray, tau2: float) -> tuple[object, ...]:
    """Return k, studies, estimate, ci_lb, ci_ub, QE, QE_df, QE_p of a node; members (effects,)."""
    yi, vi = (table[name].to_numpy(float)[members] for name in ("yi", "vi"))
    k = len(yi)
    estimate = means(np.ones(k, int), yi, vi, tau2)[1]
    margin = stats.norm.ppf(INTERVAL[1]) / np.sqrt((1 / (vi + tau2)).sum())
    q = float((((yi - np.average(yi, weights=1 / vi)) ** 2) / vi).sum())
    studies = table.loc[members, "study"].nunique() if "study" in table else pd.NA
    p = float(stats.chi2.sf(q, k - 1)) if k > 1 else 1.0
    return k, studies, estimate, estimate - margin, estimate + margin, q, k - 1, p
