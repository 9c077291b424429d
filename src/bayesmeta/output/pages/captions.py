"""Captions of figures, which also serve as their alternative texts."""

from bayesmeta.estimates.text import words

CAPTIONS = {
    "paired": "Means of all terms by REML and by the posterior, with 95 % intervals.",
    "profiles": "Profile likelihood and posterior density of every tau.",
    "funnel": "Residuals of the effects against their standard errors, over the cloud of effects "
    "that the fitted model gives without selection, with lines of significance; and the statistics "
    "of the funnel among its replicates.",
    "bias": "Means with 95 % intervals of all cells and contrasts, unadjusted and under the bias "
    "models.",
    "studies": "k-hat of all studies (importance sampling fails above .7), and how well the other "
    "studies predict them.",
    "baujat": "Contribution of every study to Q per effect against its influence on the terms.",
    "gosh": "Means of the contrasts on random subsets of studies against their heterogeneity, "
    "coloured by whether the subset contains the most influential study.",
    "sensitivity": "Left, 95 % intervals of every contrast under several priors; right, its "
    "sensitivity to power-scaling of the prior (dots) and of the likelihood (diamonds), with the "
    "threshold of .05.",
    "flow": "Flow of the data: records, studies and rows, and the numbers left out at every step.",
    "risk_of_bias": "Share of the studies with low, unclear and high risk of bias, by item.",
    "forest": "Mean of every term with its 95 % credible interval and, fainter, its 95 % "
    "prediction interval.",
    "orchard": "All effects, larger if they are more precise, behind the mean of their term with "
    "its 95 % credible and prediction intervals.",
    "bubble": "Mean along a moderator with its 95 % credible and prediction bands, over the "
    "effects, which are larger if they are more precise.",
    "caterpillar": "Mean true effect of every study with its 95 % credible interval, by size.",
    "taus": "Prior and posterior density of every tau.",
    "discrepancies": "Posterior densities of the differences between the sides, with the range of "
    "negligible differences.",
    "mirrored": "Means of all terms with 95 % intervals, by side.",
    "quadrants": "Means of the terms on a side against those on the other, with 95 % intervals; in "
    "two of the quadrants they agree in sign.",
    "multiverse": "Probability of every conclusion under the alternative analyses: a row per "
    "conclusion, a column per alternative.",
    "chains": "Draws of the chains in order, and the distribution of their ranks.",
    "importance": "Increase of the squared error in unseen studies when a moderator is permuted, "
    "with 95 % intervals over resampled studies.",
    "dependence": "Predictions of the forest by level of every moderator, with 95 % intervals.",
    "pairs": "Predictions of the forest by pairs of levels of two moderators.",
    "convergence": "Squared error of the forest against its number of trees.",
    "tree": "The meta-tree: its splits of the effects, and the mean effect in every leaf.",
}


def caption_of(stem: str) -> str:
    """Return the caption of a figure from the stem of its file.

    A figure of a part, such as `funnel_fear-memory`, has the name of the part before the caption.
    """
    kind, _, part = stem.partition("_")
    if stem in CAPTIONS or kind not in CAPTIONS:
        return CAPTIONS.get(stem, words(stem))
    return f"{words(part.replace('-', ':')).capitalize()}. {CAPTIONS[kind]}"
